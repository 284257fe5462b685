//! The `[limits]` of `grantd.toml`: every limit of the server, under one name for reading and showing.

use super::reader::{Table, spell};
use crate::base::limits::Limits;
use serde::{Serialize, Serializer};
use std::num::NonZeroU32;
use std::time::Duration;

/// Where a limit is kept.
enum Slot<'a> {
    Count(&'a mut usize),
    Streams(&'a mut u32),
    AtLeastOne(&'a mut NonZeroU32),
    Milliseconds(&'a mut u64),
    Seconds(&'a mut NonZeroU32),
}

/// Key, place, least and most: pieces, bytes or seconds.
type Knob<'a> = (&'static str, Slot<'a>, u32, u32);

const KIB: u32 = 1024;

/// The names are those of [`Limits`]; a time is written as a duration, so its name does without the unit.
fn knobs(limits: &mut Limits) -> [Knob<'_>; 27] {
    use Slot::{AtLeastOne, Count, Milliseconds, Seconds, Streams};
    let (failures, pushes) = (&mut limits.failures, &mut limits.pushes);
    let registrations = &mut limits.registrations;
    [
        ("connections_max", Count(&mut limits.connections_max), 16, 1_000_000),
        (
            "connections_per_peer_max",
            Count(&mut limits.connections_per_peer_max),
            1,
            1_000_000,
        ),
        (
            "requests_in_flight_max",
            Count(&mut limits.requests_in_flight_max),
            1,
            1_000_000,
        ),
        ("handshake_max", Milliseconds(&mut limits.handshake_ms_max), 1, 600),
        ("headers_max", Milliseconds(&mut limits.headers_ms_max), 1, 600),
        ("body_max", Milliseconds(&mut limits.body_ms_max), 1, 600),
        ("idle_max", Milliseconds(&mut limits.idle_ms_max), 1, 3600),
        ("write_stall_max", Milliseconds(&mut limits.write_stall_ms_max), 1, 600),
        ("tunnel_max", Milliseconds(&mut limits.tunnel_ms_max), 1, 600),
        ("drain_max", Milliseconds(&mut limits.drain_ms_max), 1, 600),
        ("uri_bytes_max", Count(&mut limits.uri_bytes_max), KIB, 64 * KIB),
        // More than 100 hyper would have to allocate for.
        ("header_fields_max", Count(&mut limits.header_fields_max), 16, 100),
        (
            "headers_bytes_max",
            Count(&mut limits.headers_bytes_max),
            8 * KIB,
            256 * KIB,
        ),
        ("body_bytes_max", Count(&mut limits.body_bytes_max), 8 * KIB, 1024 * KIB),
        ("discard_bytes_max", Count(&mut limits.discard_bytes_max), 0, 4096 * KIB),
        ("http2_streams_max", Streams(&mut limits.http2_streams_max), 1, 1000),
        (
            "http2_reset_streams_max",
            Count(&mut limits.http2_reset_streams_max),
            1,
            1000,
        ),
        (
            "http2_ping_every",
            Milliseconds(&mut limits.http2_ping_every_ms),
            1,
            3600,
        ),
        ("http2_ping_max", Milliseconds(&mut limits.http2_ping_ms_max), 1, 600),
        ("failures_max", AtLeastOne(&mut failures.failures_max), 1, 1000),
        (
            "address_failures_max",
            AtLeastOne(&mut failures.address_failures_max),
            1,
            100_000,
        ),
        ("failure_refill", Seconds(&mut failures.refill_s), 1, 3600),
        ("failure_keys_max", Count(&mut failures.keys_max), KIB, 1024 * KIB),
        ("pushes_max", AtLeastOne(&mut pushes.burst), 1, 100_000),
        ("push_refill", Seconds(&mut pushes.refill_s), 1, 3600),
        ("registrations_max", AtLeastOne(&mut registrations.burst), 10, 100_000),
        ("registration_refill", Seconds(&mut registrations.refill_s), 1, 3600),
    ]
}

pub(super) fn read(table: &Table<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = table.table("limits") else {
        return limits;
    };
    for (key, slot, least, most) in knobs(&mut limits) {
        match slot {
            Slot::Count(place) => {
                if let Some(number) = number(&table, key, least, most) {
                    *place = usize::try_from(number).expect("a machine counts to a u32 at least");
                }
            }
            Slot::Streams(place) => {
                if let Some(number) = number(&table, key, least, most) {
                    *place = number;
                }
            }
            Slot::AtLeastOne(place) => {
                *place = number(&table, key, least, most)
                    .and_then(NonZeroU32::new)
                    .unwrap_or(*place);
            }
            Slot::Milliseconds(place) => {
                if let Some(seconds) = seconds(&table, key, least, most) {
                    *place = u64::from(seconds) * 1000;
                }
            }
            Slot::Seconds(place) => {
                *place = seconds(&table, key, least, most)
                    .and_then(NonZeroU32::new)
                    .unwrap_or(*place);
            }
        }
    }
    table.finish();
    limits
}

fn number(table: &Table<'_>, key: &'static str, least: u32, most: u32) -> Option<u32> {
    let number = table.get(key)?.integer(least.into()..=most.into())?;
    Some(u32::try_from(number).expect("judged to lie between two u32"))
}

fn seconds(table: &Table<'_>, key: &'static str, least: u32, most: u32) -> Option<u32> {
    let span = |s: u32| Duration::from_secs(s.into());
    let seconds = table.duration(key, span(least)..=span(most))?.as_secs();
    Some(u32::try_from(seconds).expect("judged to lie between two u32"))
}

/// The keys of the file, not the fields of the program.
pub(super) fn show<S: Serializer>(limits: &Limits, serializer: S) -> Result<S::Ok, S::Error> {
    let mut limits = limits.clone();
    serializer.collect_map(knobs(&mut limits).into_iter().map(|(key, slot, ..)| {
        let shown = match slot {
            Slot::Count(number) => Shown::Number(*number as u64),
            Slot::Streams(number) => Shown::Number((*number).into()),
            Slot::AtLeastOne(number) => Shown::Number(number.get().into()),
            Slot::Milliseconds(ms) => Shown::Span(spell(Duration::from_millis(*ms))),
            Slot::Seconds(s) => Shown::Span(spell(Duration::from_secs(s.get().into()))),
        };
        (key, shown)
    }))
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    Number(u64),
    Span(String),
}
