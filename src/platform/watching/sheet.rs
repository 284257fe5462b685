//! The metrics: their names, what they mean, and their values. README and dashboards rest on the names.

use super::{Seen, Waiting};
use crate::base::meter::{Distribution, Refused};
use crate::base::time::Timestamp;
use crate::model::acme_state::Renewal;
use crate::model::counts::{Counts, Delivered, Endpoint, Limit, Ordered, Outcome};
use crate::store::Measured;

/// A name in full is `name`, the unit, and what its kind demands: `_total` of a counter, `_info`.
pub struct Family {
    pub name: &'static str,
    pub help: &'static str,
    pub unit: Option<Unit>,
    pub kind: Kind,
    pub rows: Vec<Row>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Seconds,
    Bytes,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

pub struct Row {
    pub labels: Vec<Label>,
    pub value: Value,
}

pub type Label = (&'static str, &'static str);

pub enum Value {
    Count(u64),
    Level(f64),
    /// With what one of its units is.
    Spread(Distribution, f64),
    Info,
}

const MICROSECOND: f64 = 1e-6;

/// Everything that is told.
pub fn families(counts: &Counts, seen: &Seen) -> Vec<Family> {
    let mut all = process(seen);
    all.extend(requests(counts));
    all.extend(seen.store.iter().flat_map(store));
    all.extend(queues(counts, seen));
    all.extend(ages(seen));
    all.extend(seen.renewal.iter().flat_map(|renewal| renewals(counts, renewal)));
    all
}

fn family(kind: Kind, name: &'static str, unit: Option<Unit>, help: &'static str, rows: Vec<Row>) -> Family {
    Family {
        name,
        help,
        unit,
        kind,
        rows,
    }
}

fn counter(name: &'static str, help: &'static str, rows: impl IntoIterator<Item = Row>) -> Family {
    family(Kind::Counter, name, None, help, rows.into_iter().collect())
}

/// Without a row where there is no value.
fn gauge(name: &'static str, unit: Option<Unit>, help: &'static str, value: Option<f64>) -> Family {
    let rows = value.map(|value| row([], Value::Level(value)));
    family(Kind::Gauge, name, unit, help, rows.into_iter().collect())
}

fn row<const N: usize>(labels: [Label; N], value: Value) -> Row {
    Row {
        labels: labels.to_vec(),
        value,
    }
}

fn level(number: u64) -> f64 {
    number as f64
}

fn seconds(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}

fn process(seen: &Seen) -> Vec<Family> {
    use Unit::{Bytes, Seconds};
    let about = &seen.process;
    let version = ("version", env!("CARGO_PKG_VERSION"));
    let room = |of: fn(&crate::base::process::Room) -> u64| seen.room.as_ref().map(of).map(level);
    vec![
        family(
            Kind::Info,
            "grantd_build",
            None,
            "Which grantd this is.",
            vec![row([version], Value::Info)],
        ),
        gauge(
            "process_start_time",
            Some(Seconds),
            "When the process began.",
            Some(seconds(seen.began)),
        ),
        gauge(
            "process_resident_memory",
            Some(Bytes),
            "Memory in use.",
            about.resident_bytes.map(level),
        ),
        gauge(
            "process_open_fds",
            None,
            "Open file descriptors.",
            about.descriptors.map(level),
        ),
        gauge(
            "process_max_fds",
            None,
            "File descriptors there may be.",
            about.descriptors_max.map(level),
        ),
        gauge("process_threads", None, "Threads.", about.threads.map(level)),
        gauge(
            "grantd_clock",
            Some(Seconds),
            "The time, as this server takes it.",
            Some(seconds(seen.at)),
        ),
        gauge(
            "grantd_disk_free",
            Some(Bytes),
            "Free room in the file system of the data directory.",
            room(|room| room.free_bytes),
        ),
        gauge(
            "grantd_disk_size",
            Some(Bytes),
            "Size of the file system of the data directory.",
            room(|room| room.total_bytes),
        ),
    ]
}

fn requests(counts: &Counts) -> Vec<Family> {
    let answered = Endpoint::ALL.iter().flat_map(|endpoint| {
        Outcome::ALL.iter().map(|outcome| {
            let labels = [("endpoint", endpoint.as_str()), ("outcome", outcome.as_str())];
            row(labels, Value::Count(counts.requests(*endpoint, *outcome).get()))
        })
    });
    let latencies = Endpoint::ALL.iter().map(|endpoint| {
        let value = Value::Spread(counts.latency(*endpoint).read(), MICROSECOND);
        row([("endpoint", endpoint.as_str())], value)
    });
    let refused = Refused::ALL.iter().map(|why| {
        let value = Value::Count(counts.server.refused(*why).get());
        row([("reason", why.as_str())], value)
    });
    let limits = Limit::ALL.iter().map(|limit| {
        let value = Value::Count(counts.limit(*limit).get());
        row([("limit", limit.as_str())], value)
    });
    vec![
        counter(
            "grantd_requests",
            "Requests answered, by what was asked for and how it ended.",
            answered,
        ),
        family(
            Kind::Histogram,
            "grantd_request_duration",
            Some(Unit::Seconds),
            "From the whole request to the head of its answer.",
            latencies.collect(),
        ),
        counter(
            "grantd_refused",
            "Requests and connections that were turned away unheard.",
            refused,
        ),
        counter("grantd_limited", "Times a limit made a client wait.", limits),
        counter(
            "grantd_connections_accepted",
            "Connections accepted.",
            [row([], Value::Count(counts.server.accepted.get()))],
        ),
        gauge(
            "grantd_connections",
            None,
            "Open connections.",
            Some(level(counts.server.connections.get())),
        ),
        gauge(
            "grantd_requests_in_flight",
            None,
            "Requests that are being read or answered.",
            Some(level(counts.server.requests_in_flight.get())),
        ),
    ]
}

fn store(store: &Measured) -> Vec<Family> {
    let (groups, sync) = (store.group_commits.clone(), store.sync_us.clone());
    vec![
        counter(
            "grantd_store_commits",
            "Batches that became durable.",
            [row([], Value::Count(store.commits))],
        ),
        family(
            Kind::Histogram,
            "grantd_store_group_commits",
            None,
            "Batches that became durable together, with one sync.",
            vec![row([], Value::Spread(groups, 1.0))],
        ),
        family(
            Kind::Histogram,
            "grantd_store_sync",
            Some(Unit::Seconds),
            "How long the disk took to make a group durable.",
            vec![row([], Value::Spread(sync, MICROSECOND))],
        ),
        gauge(
            "grantd_store_waiting",
            None,
            "Batches that wait to be written.",
            Some(level(store.waiting)),
        ),
        gauge(
            "grantd_store_journal",
            Some(Unit::Bytes),
            "Length of the journal.",
            Some(level(store.journal_bytes)),
        ),
        gauge(
            "grantd_store_size",
            Some(Unit::Bytes),
            "All files of the store.",
            Some(level(store.disk_bytes)),
        ),
        gauge(
            "grantd_store_full",
            None,
            "1 while new records are refused for want of room.",
            Some(level(store.full.into())),
        ),
    ]
}

fn queues(counts: &Counts, seen: &Seen) -> Vec<Family> {
    let queues = seen.queues.as_ref().ok();
    let each = |of: fn(&Waiting) -> Option<f64>| {
        let named = queues.map(|all| {
            [
                ("mail", all.mails),
                ("events", all.events),
                ("deliveries", all.deliveries),
            ]
        });
        let rows = named.into_iter().flatten();
        rows.filter_map(|(queue, waiting)| Some(row([("queue", queue)], Value::Level(of(&waiting)?))))
            .collect()
    };
    let due = |waiting: &Waiting| waiting.due.map(seconds);
    let mails = Delivered::ALL.iter().map(|came_to| {
        row(
            [("outcome", came_to.as_str())],
            Value::Count(counts.mail(*came_to).get()),
        )
    });
    let webhooks = Delivered::ALL.iter().map(|came_to| {
        row(
            [("outcome", came_to.as_str())],
            Value::Count(counts.webhook(*came_to).get()),
        )
    });
    vec![
        gauge(
            "grantd_ready",
            None,
            "1 while the store can be read.",
            Some(level(queues.is_some().into())),
        ),
        family(
            Kind::Gauge,
            "grantd_queue_waiting",
            None,
            "What waits to be sent; counted up to 5000.",
            each(|waiting| Some(level(waiting.count))),
        ),
        family(
            Kind::Gauge,
            "grantd_queue_due_timestamp",
            Some(Unit::Seconds),
            "When the first of a queue is due, or was.",
            each(due),
        ),
        counter("grantd_mail", "Attempts to send a mail.", mails),
        counter("grantd_webhook", "Attempts to deliver a webhook.", webhooks),
    ]
}

fn ages(seen: &Seen) -> Vec<Family> {
    let keys = |of: fn(&super::SigningAge) -> Timestamp| {
        let of_key =
            |age: &super::SigningAge| row([("algorithm", age.algorithm.as_str())], Value::Level(seconds(of(age))));
        seen.keys.iter().map(of_key).collect()
    };
    let stamps = |name, help, rows| family(Kind::Gauge, name, Some(Unit::Seconds), help, rows);
    let certificate = |of: fn(crate::base::certificate::Validity) -> Timestamp| seen.certificate.map(of).map(seconds);
    vec![
        stamps(
            "grantd_key_activated_timestamp",
            "Since when the key signs.",
            keys(|key| key.activated_at),
        ),
        stamps(
            "grantd_key_due_timestamp",
            "When the next key takes over.",
            keys(|key| key.due_at),
        ),
        gauge(
            "grantd_certificate_begins_timestamp",
            Some(Unit::Seconds),
            "From when the certificate in use is good.",
            certificate(|validity| validity.begins),
        ),
        gauge(
            "grantd_certificate_ends_timestamp",
            Some(Unit::Seconds),
            "Until when the certificate in use is good.",
            certificate(|validity| validity.ends),
        ),
        gauge(
            "grantd_backup_made_timestamp",
            Some(Unit::Seconds),
            "When the newest scheduled backup was made.",
            seen.backups.last.map(|made| seconds(made.at)),
        ),
        gauge(
            "grantd_backup_shipped_timestamp",
            Some(Unit::Seconds),
            "When the last commit was shipped to the backups.",
            seen.backups.shipped.map(|made| seconds(made.at)),
        ),
        gauge(
            "grantd_backup_failing",
            None,
            "Whether scheduled backups, or shipping, fail.",
            Some(level(u64::from(seen.backups.failing.is_some()))),
        ),
        gauge(
            "grantd_audit_chained_timestamp",
            Some(Unit::Seconds),
            "When the chain over the audit log last held everything.",
            seen.chained.map(seconds),
        ),
    ]
}

fn renewals(counts: &Counts, renewal: &Renewal) -> Vec<Family> {
    let orders = Ordered::ALL.iter().map(|came_to| {
        row(
            [("outcome", came_to.as_str())],
            Value::Count(counts.order(*came_to).get()),
        )
    });
    vec![
        counter("grantd_certificate_orders", "Certificates asked for.", orders),
        gauge(
            "grantd_certificate_next_timestamp",
            Some(Unit::Seconds),
            "When the next certificate is asked for.",
            renewal.next_at.map(seconds),
        ),
        gauge(
            "grantd_certificate_failing",
            None,
            "1 while no new certificate can be obtained.",
            Some(level(renewal.failing.is_some().into())),
        ),
    ]
}
