//! *Explain my failure*: the refused requests of an app, for its developers.

use super::actor::{Actor, AppAccess};
use super::refusal::Refusal;
use super::rights::Right;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::failure::{FAILURES_MAX, Failure, KEPT, Rule};
use crate::store::records::list as list_records;
use crate::store::{StoreError, keys};

/// The app, for whoever may see what of it was refused.
pub async fn open(ctx: &Context, actor: &Actor, client_id: &str) -> Result<AppAccess, Refusal> {
    actor.on_app(ctx, client_id, Right::SeeFailures).await
}

/// Those after the one that was refused at `after.0` and has the error id `after.1`, the newest first.
pub async fn list(
    ctx: &Context,
    access: &AppAccess,
    after: Option<(Timestamp, &str)>,
    limit: u32,
) -> Result<Vec<Failure>, StoreError> {
    let client_id = &access.app.client_id;
    let after = after.map(|(at, id)| keys::failure(client_id, at, id));
    let (found, _) = list_records::<Failure>(&*ctx.store, &keys::failures(client_id), after.as_ref(), limit).await?;
    let now = ctx.now();
    let kept = found.into_iter().map(|failure| failure.value);
    Ok(kept.filter(|failure| now < failure.at + KEPT).collect())
}

/// The one with this error id.
pub async fn find(ctx: &Context, access: &AppAccess, id: &str) -> Result<Option<Failure>, StoreError> {
    let all = list(ctx, access, None, 2 * FAILURES_MAX as u32).await?;
    Ok(all.into_iter().find(|failure| failure.id == id))
}

/// Names the sentence in `data/translations` that says what the rule is.
pub const fn sentence(rule: Rule) -> &'static str {
    match rule {
        Rule::Parameter => "fail_rule_parameter",
        Rule::ClientAuthentication => "fail_rule_client_authentication",
        Rule::ClientSecret => "fail_rule_client_secret",
        Rule::ClientAssertion => "fail_rule_client_assertion",
        Rule::ClientMethod => "fail_rule_client_method",
        Rule::AppInactive => "fail_rule_app_inactive",
        Rule::GrantTypeUnsupported => "fail_rule_grant_type_unsupported",
        Rule::GrantTypeNotAllowed => "fail_rule_grant_type_not_allowed",
        Rule::Organization => "fail_rule_organization",
        Rule::DedicatedUser => "fail_rule_dedicated_user",
        Rule::RedirectUri => "fail_rule_redirect_uri",
        Rule::ResponseType => "fail_rule_response_type",
        Rule::RequestUri => "fail_rule_request_uri",
        Rule::RequestObject => "fail_rule_request_object",
        Rule::PushedOnly => "fail_rule_pushed_only",
        Rule::CodeChallenge => "fail_rule_code_challenge",
        Rule::CodeVerifier => "fail_rule_code_verifier",
        Rule::CodeUnknown => "fail_rule_code_unknown",
        Rule::CodeOfAnother => "fail_rule_code_of_another",
        Rule::CodeExpired => "fail_rule_code_expired",
        Rule::CodeUsed => "fail_rule_code_used",
        Rule::CodeRedirectUri => "fail_rule_code_redirect_uri",
        Rule::RefreshUnknown => "fail_rule_refresh_unknown",
        Rule::RefreshOfAnother => "fail_rule_refresh_of_another",
        Rule::RefreshEnded => "fail_rule_refresh_ended",
        Rule::RefreshReused => "fail_rule_refresh_reused",
        Rule::NotRepeated => "fail_rule_not_repeated",
        Rule::GrantEnded => "fail_rule_grant_ended",
        Rule::Scope => "fail_rule_scope",
        Rule::ScopeBeyondGrant => "fail_rule_scope_beyond_grant",
        Rule::ScopeBeyondRole => "fail_rule_scope_beyond_role",
        Rule::Resource => "fail_rule_resource",
        Rule::DpopProof => "fail_rule_dpop_proof",
        Rule::DpopKey => "fail_rule_dpop_key",
    }
}
