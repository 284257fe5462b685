//! The gateway: who may do what with the API's routes, and the way to the API itself.
//!
//! ```text
//! path (in its one spelling) → credentials (from one place) → guard (who, and whether) → proxy (to the upstream)
//! ```
//!
//! [`guard::admit`] decides for the proxy, for the sandbox and for proxies that ask `/gateway/check` alike.

mod body;
mod breaker;
pub mod cors;
mod credentials;
pub mod forward_auth;
pub mod guard;
mod headers;
mod held;
mod identity;
pub mod path;
mod places;
mod proofs;
pub mod proxy;
pub mod rate_limits;
pub mod refusal;
mod tunnel;
mod upstreams;
mod verified;

use crate::context::Context;
use places::Places;
use proofs::Proofs;
use rate_limits::RateLimits;
use std::sync::Arc;
use upstreams::Upstreams;
use verified::VerifiedTokens;

/// What the gateway remembers between requests. Nothing of it is needed to be right: it saves work.
pub struct Gateway {
    verified: VerifiedTokens,
    proofs: Proofs,
    upstreams: Upstreams,
    places: Arc<Places>,
    rate_limits: RateLimits,
    identity: identity::Names,
    forwarded: proxy::Forwarded,
    roots: path::Roots,
}

impl Gateway {
    /// Errors are sentences: a file with certificate authorities that cannot be read.
    pub fn new(ctx: &Context) -> Result<Self, String> {
        Ok(Self {
            verified: VerifiedTokens::default(),
            proofs: Proofs::default(),
            upstreams: Upstreams::new(&ctx.config.gateway)?,
            places: Places::new(ctx.config.limits.requests_in_flight_max),
            rate_limits: RateLimits::default(),
            identity: identity::Names::new(&ctx.config.gateway.identity_headers),
            forwarded: proxy::Forwarded::of(ctx.issuer()),
            roots: path::Roots::of(&ctx.profile().resources),
        })
    }

    /// Whether a path that is none of this server's own is answered here.
    pub fn covers(&self, ctx: &Context, path: &str) -> bool {
        self.roots.cover(ctx, path)
    }
}
