//! HTTP without routes: what arrives becomes a [`request::Request`], what leaves is a [`response::Response`].

pub mod request;
pub mod response;
