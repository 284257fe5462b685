//! `[app]`, `[review]` and `[pat]` of a profile: what the platform holds apps and tokens to.

use super::profile::{PatRules, SelfService};
use super::reader::Table;
use crate::model::review::{self, Detail, ScopeChange};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What apps must have, and what other scopes of an active one come to.
pub(super) fn review(table: &Table<'_>) -> review::Rules {
    let usual = || vec![Detail::Company, Detail::Website, Detail::Logo];
    let choices = Detail::OPTIONAL.map(|detail| (detail.as_str(), detail));
    let mut rules = review::Rules {
        require_public: usual(),
        require_private: usual(),
        scope_change: ScopeChange::Revoke,
    };
    if let Some(table) = table.table("app") {
        let details = |key| {
            let item = table.get(key)?;
            item.set(choices.len(), |item| item.choice(&choices))
        };
        rules.require_public = details("require_public").unwrap_or_else(usual);
        rules.require_private = details("require_private").unwrap_or_else(usual);
        table.finish();
    }
    if let Some(table) = table.table("review") {
        let choices = ScopeChange::ALL.map(|change| (change.as_str(), change));
        if let Some(change) = table.choice("scope_change", &choices) {
            rules.scope_change = change;
        }
        table.finish();
    }
    rules
}

/// Who makes personal access tokens, and how long they live.
pub(super) fn pat(table: &Table<'_>) -> PatRules {
    let mut rules = PatRules {
        self_service: SelfService::Always,
        no_expiry: false,
        default_lifetime: DAY.saturating_mul(90),
    };
    let Some(table) = table.table("pat") else {
        return rules;
    };
    if let Some(item) = table.get("self_service") {
        rules.self_service = item.word_or_true(("on_request", SelfService::OnRequest), SelfService::Always);
    }
    if let Some(allowed) = table.get("no_expiry").and_then(|item| item.boolean()) {
        rules.no_expiry = allowed;
    }
    if let Some(lifetime) = table.duration("default_lifetime", DAY..=PatRules::LIFETIME_MAX) {
        rules.default_lifetime = lifetime;
    }
    table.finish();
    rules
}
