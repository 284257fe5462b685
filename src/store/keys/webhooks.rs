//! The keys of what apps are told.

use super::*;

pub fn endpoint(client_id: &str, endpoint: &str) -> Key {
    key(ENDPOINT, &[client_id, endpoint])
}

pub fn endpoints(client_id: &str) -> Key {
    key(ENDPOINT, &[client_id])
}

pub fn delivery(endpoint: &str, at: Timestamp, delivery: &str) -> Key {
    newest_first(DELIVERY, endpoint, at, delivery)
}

pub fn deliveries(endpoint: &str) -> Key {
    key(DELIVERY, &[endpoint])
}

/// Whether it is that of a delivery.
pub fn is_delivery(key: &Key) -> bool {
    key.0.first() == Some(&DELIVERY)
}

/// An endpoint's own lie together, what is due first before the rest: one that takes nothing stands in no other's way.
pub fn waiting_delivery(endpoint: &str, next_attempt_at: Timestamp, delivery: &str) -> Key {
    let mut key = key(WAITING_DELIVERY, &[endpoint]);
    key.0.extend_from_slice(&next_attempt_at.millis().to_be_bytes());
    key.0.extend_from_slice(delivery.as_bytes());
    key.0.push(0);
    key
}

/// In the line of an endpoint that wants order, whatever is due when: ahead of all that waits out of line. `written` is
/// the commit that wrote the event.
pub fn delivery_in_line(endpoint: &str, written: u64, at: Timestamp, delivery: &str) -> Key {
    let mut key = key(WAITING_DELIVERY, &[endpoint]);
    for number in [0, written, at.millis()] {
        key.0.extend_from_slice(&number.to_be_bytes());
    }
    key.0.extend_from_slice(delivery.as_bytes());
    key.0.push(0);
    key
}

/// Behind the whole line.
pub fn behind_line(endpoint: &str) -> Key {
    let mut key = waiting_deliveries(endpoint);
    key.0.extend_from_slice(&1_u64.to_be_bytes());
    key
}

pub fn waiting_deliveries(endpoint: &str) -> Key {
    key(WAITING_DELIVERY, &[endpoint])
}

pub fn all_waiting_deliveries() -> Key {
    key(WAITING_DELIVERY, &[])
}

/// The endpoint whose delivery waits under `key`, when it is due, and a key behind all of that endpoint's. What stands
/// in line is always due: only its record tells when.
pub fn waiting_at(key: &Key) -> Option<(String, Timestamp, Key)> {
    let rest = key.0.strip_prefix(&[WAITING_DELIVERY])?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let endpoint = std::str::from_utf8(&rest[..end]).ok()?.to_owned();
    let due: [u8; 8] = rest.get(end + 1..end + 9)?.try_into().ok()?;
    let mut behind = waiting_deliveries(&endpoint);
    behind.0.extend_from_slice(&[u8::MAX; 9]);
    Some((endpoint, Timestamp::from_millis(u64::from_be_bytes(due)), behind))
}

pub fn untold_event(at: Timestamp, event: &str) -> Key {
    numbered(UNTOLD_EVENT, at.millis(), event)
}

pub fn untold_events() -> Key {
    key(UNTOLD_EVENT, &[])
}

pub fn reminder(at: Timestamp, name: &str) -> Key {
    numbered(REMINDER, at.millis(), name)
}

pub fn reminders() -> Key {
    key(REMINDER, &[])
}

/// `owner` is the grant, or what stands for one.
pub fn subscription(organization: &str, owner: &str) -> Key {
    key(SUBSCRIPTION, &[organization, owner])
}

pub fn subscription_of_client(client_id: &str, subscription: &str) -> Key {
    key(SUBSCRIPTION_OF_CLIENT, &[client_id, subscription])
}

/// All it ever had, in the order of their ids.
pub fn subscriptions_of_client(client_id: &str) -> Key {
    key(SUBSCRIPTION_OF_CLIENT, &[client_id])
}

pub fn subscription_receipt(organization: &str, owner: &str, digest: &KeyedDigest) -> Key {
    key(
        SUBSCRIPTION_RECEIPT,
        &[organization, owner, &base64url(digest.as_bytes())],
    )
}

pub fn subscription_receipts(organization: &str, owner: &str) -> Key {
    key(SUBSCRIPTION_RECEIPT, &[organization, owner])
}

pub fn callback_secret(organization: &str, owner: &str) -> Key {
    key(CALLBACK_SECRET, &[organization, owner])
}

pub fn delivery_of_owner(organization: &str, owner: &str, at: Timestamp, delivery: &str) -> Key {
    behind_age(deliveries_of_owner(organization, owner), at, delivery)
}

pub fn deliveries_of_owner(organization: &str, owner: &str) -> Key {
    key(DELIVERY_OF_OWNER, &[organization, owner])
}

pub fn delivery_of_organization(organization: &str, at: Timestamp, delivery: &str) -> Key {
    newest_first(DELIVERY_OF_ORGANIZATION, organization, at, delivery)
}

pub fn deliveries_of_organization(organization: &str) -> Key {
    key(DELIVERY_OF_ORGANIZATION, &[organization])
}
