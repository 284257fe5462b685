//! Whether a private app works: its organization's own decision.

use super::saving;
use crate::context::Context;
use crate::model::app::Kind;
use crate::model::event::EventKind;
use crate::model::review::Case;
use crate::platform::actor::Actor;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;

/// A flag: its credentials and tokens stop working at once, and unexpired ones work again when it is taken back.
pub async fn set_disabled(ctx: &Context, actor: &Actor, client_id: &str, disabled: bool) -> Result<Case, Refusal> {
    saving::edit_by(ctx, actor, client_id, Right::DisableApp, |edit| {
        if edit.case.app.kind != Kind::Private {
            return Err(Refusal::State("developer_only_private"));
        }
        edit.event = if disabled {
            EventKind::AppDisabled
        } else {
            EventKind::AppEnabled
        };
        edit.case.app.disabled = disabled;
        Ok(())
    })
    .await
}
