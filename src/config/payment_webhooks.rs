//! `[webhooks.payments]` of a profile: what those who subscribe to payments are told, under the names its clients know.

use super::reader::{Item, Table};
use serde::Serialize;

const METADATA_MAX: usize = 10;
const NAME_BYTES_MAX: usize = 60;

/// How the change of a payment is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PaymentRules {
    /// The whole type: words joined by points.
    pub event: String,
    /// What the message to a subscription of a grant says of its own form.
    pub schema: String,
    /// What the id begins with that is the same for the same event.
    pub group_prefix: String,
    /// Members of a payment link's metadata that its app is told, `null` where there is none. No other is.
    pub metadata: Vec<String>,
    /// A further member of the metadata, and what it always says.
    pub provider: Provider,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Provider {
    pub member: String,
    pub value: String,
}

impl PaymentRules {
    /// What subscriptions are to when they name no type.
    pub fn pattern(&self) -> String {
        format!("{}*", self.family())
    }

    /// What all types of payments begin with, the point included.
    pub fn family(&self) -> &str {
        let last = self.event.rfind('.').map_or(0, |at| at + 1);
        &self.event[..last]
    }

    /// The type without its family, as receivers of before know it.
    pub fn short_event(&self) -> &str {
        &self.event[self.family().len()..]
    }
}

pub(super) fn read(table: &Table<'_>) -> Option<PaymentRules> {
    let table = table.table("payments")?;
    let event = table.required("event").and_then(|item| event(&item));
    let schema = table.required("schema").and_then(|item| name(&item));
    let group_prefix = table.required("group_prefix").and_then(|item| name(&item));
    let metadata = table
        .required("metadata")
        .and_then(|item| item.set(METADATA_MAX, |item| name(item)));
    let provider = table.required("provider").and_then(|item| {
        let table = item.table()?;
        let member = table.required("member").and_then(|item| name(&item));
        let value = table.required("value").and_then(|item| name(&item));
        table.finish();
        Some(Provider {
            member: member?,
            value: value?,
        })
    });
    table.finish();
    Some(PaymentRules {
        event: event?,
        schema: schema?,
        group_prefix: group_prefix?,
        metadata: metadata?,
        provider: provider?,
    })
}

/// It goes into headers and messages as it is.
fn name(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(good) {
        return Some(text.to_owned());
    }
    item.refuse(
        text,
        format_args!("but write 1 to {NAME_BYTES_MAX} of a-z, A-Z, 0-9, `_`, `-` and `.`"),
    )
}

fn event(item: &Item<'_>) -> Option<String> {
    let text = name(item)?;
    let words: Vec<&str> = text.split('.').collect();
    if words.len() < 2 || words.iter().any(|word| word.is_empty()) {
        return item.refuse(
            &text,
            "but a type is words joined by points, such as `shop.payment.changed`",
        );
    }
    Some(text)
}
