//! The shapes of webhooks.

use crate::platform::developer_api::schema::{Of, Shape, field, optional};

const STATUSES: Of = Of::Word(&[
    "enabled",
    "disabled",
    "paused_failing",
    "paused_gone",
    "paused_transferred",
    "paused_restored",
]);
const STATES: Of = Of::Word(&["pending", "delivered", "failed", "cancelled"]);

pub static WEBHOOK: Shape = Shape {
    name: "Webhook",
    fields: &[
        field("id", Of::Text),
        field("label", Of::Text),
        field("url", Of::Text),
        // Empty for everything.
        field("events", Of::Texts),
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
    ],
};

pub static WEBHOOK_CHANGE: Shape = Shape {
    name: "WebhookChange",
    fields: &[
        optional("label", Of::Line(60)),
        optional("url", Of::Line(1000)),
        optional("events", Of::Texts),
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
