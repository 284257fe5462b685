//! What of all that is seen should worry whoever runs the server, in plain words.

use super::{Seen, Waiting};
use crate::base::time::Timestamp;
use crate::context::Context;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MIB: u64 = 1024 * 1024;

/// The store refuses new records below 64 MiB, and keeps 64 MiB in reserve.
const FREE_BYTES_MIN: u64 = 256 * MIB;
/// A certificate that is renewed by itself is by then.
const CERTIFICATE_DAYS_MIN: u32 = 14;
const STUCK_AFTER: Duration = Duration::from_secs(15 * 60);
const CHAIN_LAGS_AFTER: Duration = Duration::from_secs(5 * 60);
/// Clocks of good machines differ by less.
const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(5);

/// A sentence of the translations, and what stands in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    pub key: &'static str,
    pub values: Vec<(&'static str, String)>,
    /// Something does not work already, or stops within days.
    pub urgent: bool,
}

fn warning<const N: usize>(urgent: bool, key: &'static str, values: [(&'static str, String); N]) -> Warning {
    Warning {
        key,
        values: values.to_vec(),
        urgent,
    }
}

/// The urgent ones first.
pub fn of(ctx: &Context, seen: &Seen) -> Vec<Warning> {
    let mut found = Vec::new();
    room(seen, &mut found);
    clock(seen, &mut found);
    certificate(seen, &mut found);
    for key in &seen.keys {
        // The job looks every minute; the next key must have been published long enough.
        if seen.at.since(key.due_at) > ctx.config.keys.publish_before.max(DAY) {
            found.push(warning(
                false,
                "health_key_overdue",
                [("algorithm", key.algorithm.as_str().to_owned())],
            ));
        }
    }
    queues(ctx, seen, &mut found);
    if let Some(failing) = &seen.backups.failing {
        let values = [("since", failing.since.to_string()), ("why", failing.why.clone())];
        found.push(warning(true, "health_backups_fail", values));
    }
    let chained = seen.chained.unwrap_or_default().max(seen.began);
    if seen.at.since(chained) > CHAIN_LAGS_AFTER {
        found.push(warning(
            false,
            "health_chain_lags",
            [("minutes", minutes(seen.at.since(chained)))],
        ));
    }
    if let (Some(open), Some(most)) = (seen.process.descriptors, seen.process.descriptors_max)
        && open > most / 5 * 4
    {
        let values = [("open", open.to_string()), ("most", most.to_string())];
        found.push(warning(true, "health_descriptors", values));
    }
    found.sort_by_key(|one| !one.urgent);
    found
}

fn room(seen: &Seen, found: &mut Vec<Warning>) {
    if seen.store.as_ref().is_some_and(|store| store.full) {
        found.push(warning(true, "health_disk_full", []));
    } else if let Some(room) = seen.room
        && (room.free_bytes < FREE_BYTES_MIN || room.free_bytes < room.total_bytes / 20)
    {
        found.push(warning(false, "health_disk_low", [("free", bytes(room.free_bytes))]));
    }
}

/// What is said to have happened happens later.
fn clock(seen: &Seen, found: &mut Vec<Warning>) {
    let is_ahead = |at: Timestamp| at.since(seen.at) > CLOCK_AHEAD_MAX;
    let early = seen.certificate.is_some_and(|certificate| is_ahead(certificate.begins));
    if early || seen.keys.iter().any(|key| is_ahead(key.activated_at)) {
        found.push(warning(true, "health_clock", [("now", seen.at.to_string())]));
    }
}

fn certificate(seen: &Seen, found: &mut Vec<Warning>) {
    let renewal = seen.renewal.as_ref();
    let why = renewal
        .and_then(|renewal| renewal.failing.as_ref())
        .map(|failing| failing.why.clone());
    if renewal.is_some_and(|renewal| renewal.stands_in) {
        found.push(match why {
            Some(why) => warning(true, "health_certificate_refused", [("why", why)]),
            None => warning(true, "health_certificate_awaited", []),
        });
    } else if let Some(why) = why {
        found.push(warning(false, "health_certificate_kept", [("why", why)]));
    }
    let Some(certificate) = seen.certificate else { return };
    let left = certificate.ends.since(seen.at);
    let lifetime = certificate.ends.since(certificate.begins);
    let key = |by_hand, by_itself| if renewal.is_some() { by_itself } else { by_hand };
    if left.is_zero() {
        let key = key("health_certificate_ended", "health_certificate_ended_itself");
        found.push(warning(true, key, []));
    } else if left < (DAY * CERTIFICATE_DAYS_MIN).min(lifetime / 4) {
        let days = left.as_secs() / DAY.as_secs();
        let key = key("health_certificate_ends", "health_certificate_ends_itself");
        found.push(warning(days < 3, key, [("days", days.to_string())]));
    }
}

fn queues(ctx: &Context, seen: &Seen, found: &mut Vec<Warning>) {
    let queues = match &seen.queues {
        Ok(queues) => queues,
        Err(_) => return found.push(warning(true, "health_store_away", [])),
    };
    let mut stuck = |waiting: &Waiting, key| {
        let late = waiting
            .due
            .map(|due| seen.at.since(due))
            .filter(|late| *late > STUCK_AFTER);
        if let Some(late) = late {
            let values = [("count", waiting.count.to_string()), ("minutes", minutes(late))];
            found.push(warning(false, key, values));
        }
    };
    if ctx.config.mail.is_some() {
        stuck(&queues.mails, "health_mail_stuck");
    }
    stuck(&queues.events, "health_events_stuck");
}

fn minutes(span: Duration) -> String {
    (span.as_secs() / MINUTE.as_secs()).to_string()
}

/// In the largest unit that leaves a number of at least one: `1.5 GiB`.
pub fn bytes(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while number >= 1024.0 {
        let Some(larger) = units.next() else { break };
        (number, unit) = (number / 1024.0, larger);
    }
    match unit {
        "bytes" => format!("{bytes} bytes"),
        unit => format!("{number:.1} {unit}"),
    }
}
