//! Deliveries: their size, their schedule, their place in a queue.

use super::*;
use crate::store::{codec, limits};

fn delivery() -> Delivery {
    let at = Timestamp::from_seconds(1_767_225_600);
    let told = ("e_12345678901234567890", "app.changes_requested");
    Delivery {
        client_id: "mco_app_12345678901234567890".into(),
        endpoint: "we_1234567890123456".into(),
        written: u64::MAX,
        ..Delivery::new(Delivery::id_of(at, &"n".repeat(27)), told, at, "{}".into(), at)
    }
}

fn failed(at: Timestamp) -> Attempted {
    Attempted {
        at,
        took_ms: 15_000,
        result: Ok((503, "é".repeat(400))),
    }
}

#[test]
fn the_largest_one_fits_into_a_record() {
    let mut delivery = Delivery {
        body: "b".repeat(BODY_BYTES_MAX),
        ..delivery()
    };
    let schedule = [Duration::from_secs(60); 30];
    for _ in 0..30 {
        delivery = delivery.after(&failed(delivery.next_attempt_at), &schedule, 7);
    }
    assert_eq!((delivery.attempted, delivery.attempts.len()), (30, ATTEMPTS_REMEMBERED));
    let bytes = codec::encode(&delivery).unwrap().len();
    assert!(bytes < limits::VALUE_BYTES_MAX, "{bytes}");
    let silent = Attempted {
        result: Err("x".repeat(1000)),
        ..failed(delivery.at)
    };
    let bytes = codec::encode(&delivery.after(&silent, &schedule, 7)).unwrap().len();
    assert!(bytes < limits::VALUE_BYTES_MAX, "{bytes}");
}

#[test]
fn one_of_a_time_before_there_was_an_order_is_read() {
    let mut before = serde_json::to_value(delivery()).unwrap();
    for member in ["written", "in_line"] {
        before.as_object_mut().unwrap().remove(member).expect("it is new");
    }
    let read: Delivery = codec::decode(&codec::encode(&before).unwrap()).unwrap();
    let expected = Delivery {
        written: 0,
        ..delivery()
    };
    assert_eq!(read, expected);
}

/// Whatever is due when, a line is in the order of the commits, and ahead of all that waits out of line.
#[test]
fn a_line_is_sorted_by_the_commits() {
    let key = |written, in_line, later| {
        let at = delivery().at + Duration::from_secs(later);
        let placed = Delivery {
            written,
            in_line,
            at,
            next_attempt_at: at,
            ..delivery()
        };
        placed.index_keys().remove(0)
    };
    let sorted = [
        key(0, true, 0),
        key(0, true, 5),
        key(7, true, 1),
        key(300, true, 0),
        key(1, false, 0),
    ];
    assert!(sorted.is_sorted(), "{sorted:?}");
    let behind = keys::behind_line(&delivery().endpoint);
    assert!(sorted[3] < behind && behind < sorted[4]);
}

#[test]
fn it_follows_the_schedule_with_jitter_and_is_given_up_behind_its_end() {
    let schedule = [5, 300, 1800].map(Duration::from_secs);
    let mut delivery = delivery();
    for pause in schedule {
        let at = delivery.next_attempt_at;
        let after = |jitter| delivery.after(&failed(at), &schedule, jitter).next_attempt_at.since(at);
        for jitter in [0, 1, 999, 123_456, u32::MAX] {
            let pauses = pause * 9 / 10..=pause * 11 / 10;
            assert!(pauses.contains(&after(jitter)), "{pause:?} {:?}", after(jitter));
        }
        assert!(
            after(0) == pause * 9 / 10 && after(999) > after(0),
            "{pause:?} {:?}",
            after(999)
        );
        delivery = delivery.after(&failed(at), &schedule, 5);
        assert_eq!((delivery.state, delivery.index_keys().len()), (State::Pending, 1));
    }
    let over = delivery.after(&failed(delivery.next_attempt_at), &schedule, 5);
    assert_eq!(
        (over.state, over.attempted, over.index_keys().len()),
        (State::Failed, 4, 0)
    );
    let again = over.again(over.at);
    assert_eq!((again.state, again.tries, again.id), (State::Pending, 0, over.id));
}

#[test]
fn an_id_holds_its_time_and_what_is_no_id_none() {
    let delivery = delivery();
    assert_eq!(Delivery::time_of(&delivery.id), Some(delivery.at));
    for bad in ["", "d_", "d_zz_x", "e_1_2", "d_12"] {
        assert_eq!(Delivery::time_of(bad), None, "{bad}");
    }
}
