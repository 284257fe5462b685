//! HTTP without routes: what arrives becomes a [`request::Request`], what leaves is a [`response::Response`].

pub mod client;
mod connection;
mod connections;
pub mod cookies;
pub mod development_certificates;
mod exchange;
pub mod listener;
pub mod multipart;
pub mod outbound;
pub mod panics;
mod protocols;
pub mod request;
pub mod request_id;
pub mod response;
pub mod runtime;
pub mod server;
mod shared;
pub mod signals;
mod state;
mod streamed;
mod ticket;
pub mod tls;
pub mod trust;
