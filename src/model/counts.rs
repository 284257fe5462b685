//! What this process has done since it began, in numbers: for whoever watches it. Every label is one of a fixed list;
//! nothing from outside ever becomes one.

use crate::base::meter::{Counter, Gauge, Histogram, LATENCY_US, ServerMeter, named};
use std::sync::Arc;
use std::time::Duration;

named! {
    /// What was asked for: each endpoint of the protocol, and each area of the rest.
    Endpoint {
        Authorize = "authorize",
        PushedAuthorization = "par",
        Token = "token",
        Introspect = "introspect",
        Revoke = "revoke",
        Installations = "native_installations",
        Jwks = "jwks",
        ServerMetadata = "server_metadata",
        ResourceMetadata = "resource_metadata",
        Health = "health",
        Account = "account",
        Developer = "developer",
        Credentials = "credentials",
        Webhooks = "webhooks",
        Organizations = "organizations",
        PersonalTokens = "personal_tokens",
        AccessRequests = "access_requests",
        Admin = "admin",
        Documentation = "documentation",
        DeveloperApi = "developer_api",
        Checkout = "checkout",
        Gateway = "gateway",
        GatewayCheck = "gateway_check",
        Nothing = "unknown",
    }
}

named! {
    /// How a request ended, by its status.
    Outcome {
        Ok = "ok",
        Redirected = "redirect",
        Refused = "client_error",
        /// 429.
        Limited = "limited",
        Failed = "server_error",
        /// 503.
        Unavailable = "unavailable",
    }
}

named! {
    /// What made a client wait. Those of the server itself are [`crate::base::meter::Refused`].
    Limit {
        Failures = "failed_credentials",
        Pushes = "pushes",
        Registrations = "registrations",
        Rate = "gateway_rate",
        Quota = "gateway_quota",
    }
}

named! {
    /// What an attempt to deliver came to.
    Delivered {
        Taken = "delivered",
        /// It is tried again.
        PutOff = "put_off",
        GivenUp = "given_up",
    }
}

named! {
    /// What asking for a certificate came to.
    Ordered {
        Obtained = "obtained",
        Failed = "failed",
    }
}

impl Outcome {
    pub const fn of_status(status: u16) -> Self {
        match status {
            0..=299 => Self::Ok,
            300..=399 => Self::Redirected,
            429 => Self::Limited,
            400..=499 => Self::Refused,
            503 => Self::Unavailable,
            500.. => Self::Failed,
        }
    }
}

type PerOutcome = [Counter; Outcome::ALL.len()];
type PerDelivered = [Counter; Delivered::ALL.len()];

pub struct Counts {
    /// Of the listeners for everybody; the one for metrics counts for itself.
    pub server: Arc<ServerMeter>,
    requests: [PerOutcome; Endpoint::ALL.len()],
    latencies: Vec<Histogram>,
    limits: [Counter; Limit::ALL.len()],
    mails: PerDelivered,
    webhooks: PerDelivered,
    orders: [Counter; Ordered::ALL.len()],
    /// When the chain over the audit log last held everything there was; 0: not yet.
    pub audit_chained_ms: Gauge,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            server: Arc::default(),
            requests: Default::default(),
            latencies: Endpoint::ALL.iter().map(|_| Histogram::new(LATENCY_US)).collect(),
            limits: Default::default(),
            mails: Default::default(),
            webhooks: Default::default(),
            orders: Default::default(),
            audit_chained_ms: Gauge::default(),
        }
    }
}

impl Counts {
    /// A request was answered; of a streamed answer, its head.
    pub fn answered(&self, endpoint: Endpoint, status: u16, took: Duration) {
        self.requests(endpoint, Outcome::of_status(status)).one();
        self.latency(endpoint).took(took);
    }

    pub fn requests(&self, endpoint: Endpoint, outcome: Outcome) -> &Counter {
        &self.requests[endpoint as usize][outcome as usize]
    }

    /// From the whole request to the head of its answer, in microseconds.
    pub fn latency(&self, endpoint: Endpoint) -> &Histogram {
        &self.latencies[endpoint as usize]
    }

    pub fn limit(&self, limit: Limit) -> &Counter {
        &self.limits[limit as usize]
    }

    pub fn mail(&self, delivered: Delivered) -> &Counter {
        &self.mails[delivered as usize]
    }

    pub fn order(&self, came_to: Ordered) -> &Counter {
        &self.orders[came_to as usize]
    }

    pub fn webhook(&self, delivered: Delivered) -> &Counter {
        &self.webhooks[delivered as usize]
    }
}
