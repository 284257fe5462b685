//! What the accepting tasks, the connections and the requests have in common.

use super::protocols::Protocols;
use crate::base::limits::Limits;
use crate::base::meter::ServerMeter;
use crate::base::random::Random;
use std::sync::Arc;

/// What all connections share.
pub(super) struct Shared<B, H> {
    pub limits: Limits,
    pub protocols: Arc<Protocols>,
    pub random: Arc<dyn Random>,
    pub meter: Arc<ServerMeter>,
    pub rule: B,
    pub handle: H,
}
