//! How many requests somebody may make: rates and quotas (docs/gateway.md), told in every answer.
//!
//! Only who has authenticated is counted, under names of their own: nobody uses up what is another's. What is refused
//! counts nowhere.

use super::refusal::Refusal;
use crate::base::allowance::{Allowances, Rate};
use crate::config::routes::{Found, Routes};
use crate::context::Context;
use crate::model::counts::Limit;
use crate::model::usage::{Counted, Quotas};
use crate::platform::caller::{Caller, Credential};
use crate::platform::usage;
use crate::web::response::whole_seconds;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

/// Buckets (2 MiB); past it one that owes little is forgotten.
const KEYS_MAX: usize = 64 * 1024;

/// Room for what is left of three or four limits.
const LEFT_BYTES: usize = 128;

/// draft-ietf-httpapi-ratelimit-headers-11 §3 and §4.
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

pub struct RateLimits(Allowances);

/// What an answer says of the limits: which there are, and what is left of them.
#[derive(Default)]
pub struct Standing {
    policy: Option<HeaderValue>,
    left: String,
}

/// One bucket of a request.
struct Share {
    policy: &'static str,
    key: u64,
    rate: Rate,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self(Allowances::new(KEYS_MAX))
    }
}

impl RateLimits {
    /// Counts a request of somebody who is authenticated, on a route or on none.
    pub async fn count(
        &self,
        ctx: &Context,
        routes: &Routes,
        found: Option<&Found>,
        caller: &Caller,
        standing: &mut Standing,
    ) -> Result<(), Refusal> {
        standing.policy = routes.policy(found).cloned();
        let (organization, subject) = (caller.organization.as_str(), caller.subject());
        let number = |quota: Option<NonZeroU64>| quota.map(NonZeroU64::get);
        let quotas = Quotas {
            day: number(routes.limits().day),
            month: number(routes.limits().month),
        };
        let has_quotas = quotas.day.is_some() || quotas.month.is_some();
        if has_quotas {
            let counted = usage::count(ctx, organization, subject, quotas).await?;
            standing
                .of_quotas(counted, quotas, ctx)
                .inspect_err(|_| ctx.counts.limit(Limit::Quota).one())?;
        }
        let (shares, now) = (self.shares(routes, found, caller), ctx.now());
        for (at, share) in shares.iter().enumerate() {
            match self.0.take(share.key, share.rate, now) {
                Ok(left) => standing.leaves(share.policy, left.requests, left.full_after),
                Err(wait) => {
                    for taken in &shares[..at] {
                        self.0.give_back(taken.key, taken.rate);
                    }
                    if has_quotas {
                        ctx.usages.give_back(organization, subject);
                    }
                    ctx.counts.limit(Limit::Rate).one();
                    return Err(standing.refused(share.policy, wait));
                }
            }
        }
        Ok(())
    }

    /// The buckets that a request has to have room in.
    fn shares(&self, routes: &Routes, found: Option<&Found>, caller: &Caller) -> Vec<Share> {
        let limits = routes.limits();
        let whose = (caller.organization.as_str(), caller.subject());
        let share = |policy, requests: Option<NonZeroU32>, key: &dyn Fn() -> u64| {
            requests.map(|requests| Share {
                policy,
                key: key(),
                rate: Rate::new(requests, limits.window),
            })
        };
        let route = found.map(|found| &*found.route);
        let path = route.map_or("", |route| route.path.as_str());
        [
            share("app", limits.app, &|| self.0.key(("app", whose))),
            share("credential", limits.credential, &|| {
                self.0.key(("credential", whose.0, credential(caller)))
            }),
            share("route", route.and_then(|route| route.rate_limit), &|| {
                self.0.key(("route", whose, path))
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// An app that acts for itself has one, however many tokens it gets with it.
fn credential(caller: &Caller) -> (&'static str, &str) {
    match (&caller.grant, &caller.credential) {
        (Some(grant), _) => ("grant", grant),
        (None, Credential::AccessToken { .. }) => ("app", caller.subject()),
        (None, Credential::PersonalToken { id }) => ("personal_token", id),
        (None, Credential::ApiKey { id }) => ("api_key", id),
    }
}

impl Standing {
    /// Into the answer, beside what an upstream may say of limits of its own.
    pub fn tell(self, headers: &mut HeaderMap) {
        let Some(policy) = self.policy else { return };
        headers.append(RATE_LIMIT_POLICY.clone(), policy);
        if let Ok(left) = HeaderValue::try_from(self.left) {
            headers.append(RATE_LIMIT.clone(), left);
        }
    }

    fn of_quotas(&mut self, counted: Counted, quotas: Quotas, ctx: &Context) -> Result<(), Refusal> {
        match counted {
            Counted::Yes { day, month } => {
                let now = ctx.now();
                for (policy, period, most) in [("day", day, quotas.day), ("month", month, quotas.month)] {
                    if let Some(most) = most {
                        self.leaves(policy, most.saturating_sub(period.requests), period.ends_at.since(now));
                    }
                }
                Ok(())
            }
            Counted::DayIsOver(wait) => Err(self.refused("day", wait)),
            Counted::MonthIsOver(wait) => Err(self.refused("month", wait)),
            Counted::Unknown(_) => unreachable!("it is read before it is counted"),
        }
    }

    fn leaves(&mut self, policy: &str, requests: u64, span: Duration) {
        if self.left.is_empty() {
            self.left.reserve(LEFT_BYTES);
        } else {
            self.left.push_str(", ");
        }
        let (mut left, mut seconds) = (itoa::Buffer::new(), itoa::Buffer::new());
        let seconds = seconds.format(whole_seconds(span));
        for part in ["\"", policy, "\";r=", left.format(requests), ";t=", seconds] {
            self.left.push_str(part);
        }
    }

    /// The one limit that stands in the way; `Retry-After` is its window (§6).
    fn refused(&mut self, policy: &str, wait: Duration) -> Refusal {
        self.left.clear();
        self.leaves(policy, 0, wait);
        Refusal::Wait(wait)
    }
}
