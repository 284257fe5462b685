//! What events are called on pages.

use crate::config::Texts;
use crate::model::event::EventKind;

/// `None` for what happens to a person, in no organization.
pub fn event_name(texts: &Texts, kind: EventKind) -> Option<&str> {
    texts.find(&format!("org_event_{}", kind.as_str().replace('.', "_")))
}
