//! What happened in an organization.

use super::app_life::event;
use super::call::Call;
use super::{Answered, Reply};
use crate::base::time::Timestamp;
use crate::model::event::EventKind;
use crate::platform::audit::{self, Filter};

/// `GET /organizations/{organization}/audit`: the newest first.
pub async fn entries(call: &Call<'_>, organization: &str) -> Answered {
    let kind = |name: &str| EventKind::ALL.iter().copied().find(|kind| kind.as_str() == name);
    let filter = Filter {
        kind: call.filter_as("event", kind)?,
        person: call.filter("person")?.map(str::to_owned),
        app: call.filter("client_id")?.map(str::to_owned),
        from: call.filter_as("from", Timestamp::parse)?,
        until: call.filter_as("until", Timestamp::parse)?,
    };
    let limit = call.limit as usize;
    let found = audit::page(call.ctx, call.actor(), organization, &filter, call.after(), limit).await?;
    let items = found.entries.iter().map(|entry| event(&entry.event)).collect();
    Ok(Reply::ok(call.page(items, found.next)))
}
