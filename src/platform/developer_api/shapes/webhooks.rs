//! The shapes of webhooks.

use crate::platform::developer_api::schema::{Of, Shape, field, optional};

const STATUSES: Of = Of::Word(&[
    "enabled",
    "disabled",
    "paused_failing",
    "paused_gone",
    "paused_transferred",
]);
pub const STATES: Of = Of::Word(&["pending", "delivered", "failed", "cancelled"]);

pub static WEBHOOK: Shape = Shape {
    name: "Webhook",
    fields: &[
        field("id", Of::Text),
        field("label", Of::Text),
        field("url", Of::Text),
        // Empty for everything.
        field("events", Of::Texts),
        field("in_order", Of::Boolean),
        field("status", STATUSES),
        field("failing_since", Of::OrNull(&Of::Time)),
        field("secret_created_at", Of::Time),
        field("created_at", Of::Time),
    ],
};

pub static NEW_WEBHOOK: Shape = Shape {
    name: "NewWebhook",
    fields: &[
        field("label", Of::Line(60)),
        field("url", Of::Line(1000)),
        optional("events", Of::Texts),
        optional("in_order", Of::Boolean),
    ],
};

pub static WEBHOOK_CHANGE: Shape = Shape {
    name: "WebhookChange",
    fields: &[
        optional("label", Of::Line(60)),
        optional("url", Of::Line(1000)),
        optional("events", Of::Texts),
        optional("in_order", Of::Boolean),
        optional("enabled", Of::Boolean),
    ],
};

pub static MADE_WEBHOOK: Shape = Shape {
    name: "MadeWebhook",
    fields: &[field("secret", Of::Text), field("webhook", Of::One(&WEBHOOK))],
};

pub static DELIVERY: Shape = Shape {
    name: "Delivery",
    fields: &[
        field("id", Of::Text),
        field("event", Of::Text),
        field("type", Of::Text),
        field("status", STATES),
        field("origin", Of::Word(&["event", "test", "resend"])),
        field("created_at", Of::Time),
        field("next_attempt_at", Of::OrNull(&Of::Time)),
        field("attempts", Of::Number(0, 1000)),
        field("response_status", Of::OrNull(&Of::Number(100, 599))),
        field("response", Of::Text),
        field("error", Of::OrNull(&Of::Text)),
        field("body", Of::Text),
    ],
};

/// Of a range: each end a time or a delivery, which is part of it; nothing said, all of the log.
pub static RESEND: Shape = Shape {
    name: "Resend",
    fields: &[
        optional("from", Of::Time),
        optional("until", Of::Time),
        optional("from_delivery", Of::Line(64)),
        optional("until_delivery", Of::Line(64)),
        optional("status", Of::Word(&["delivered", "failed", "cancelled"])),
    ],
};

pub static RESENT: Shape = Shape {
    name: "Resent",
    fields: &[
        field("resent", Of::Number(0, 200)),
        // `from_delivery` of the call that goes on.
        field("next", Of::OrNull(&Of::Text)),
    ],
};
