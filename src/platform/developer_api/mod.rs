//! What the JSON API offers, as data: its routes, its OpenAPI document and the documentation are all made of it.

pub mod kinds;
pub mod schema;
pub mod table;
pub mod webhooks;
