//! What an app asks for, and why.

use super::saving;
use crate::base::text::deceives;
use crate::config::ScopeCatalog;
use crate::context::Context;
use crate::model::app::{AppState, Kind, SCOPES_BYTES_MAX};
use crate::model::dossier::{REASON_CHARS_MAX, REASONS_BYTES_MAX};
use crate::model::event::EventKind;
use crate::model::review::{Case, same};
use crate::model::role::Role;
use crate::platform::actor::Actor;
use crate::platform::refusal::{Fault, Refusal};

/// One scope an app asks for, and the reason its developer gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    pub scope: String,
    pub why: String,
}

/// These scopes and no others. A complete app goes into review with it, or into use.
pub async fn set(ctx: &Context, actor: &Actor, client_id: &str, wishes: &[Wish]) -> Result<Case, Refusal> {
    saving::edit(ctx, actor, client_id, |edit| {
        let role = edit.access.relation.role.ok_or(Refusal::Forbidden)?;
        put(ctx, Some(role), &mut edit.case, wishes)?;
        edit.event = EventKind::AppScopesChanged;
        edit.hand_in = true;
        Ok(())
    })
    .await
}

/// These scopes in place of those of the case; `role` is that of whoever wants them, `None` whoever runs the server.
pub fn put(ctx: &Context, role: Option<Role>, case: &mut Case, wishes: &[Wish]) -> Result<(), Refusal> {
    let kind = case.app.kind;
    if kind == Kind::ResourceServer {
        return Err(Refusal::State("developer_no_scopes"));
    }
    let reviewed = kind == Kind::Public && role.is_some();
    let (wanted, reasons) = judge(&ctx.profile().scopes, wishes, reviewed)?;
    if let Some(role) = role.filter(|_| kind == Kind::Private) {
        // It acts as somebody who may be able to do more than whoever changes it: nobody lends themselves that.
        let had = &case.dossier.wanted;
        let mut added = wanted.iter().filter(|scope| !had.contains(scope));
        if let Some(scope) = added.find(|scope| !ctx.profile().scopes.may_grant(role, scope)) {
            return Err(Fault::new("scopes", "developer_fault_scope_above")
                .with("scope", scope)
                .into());
        }
    }
    let suspended = case.app.state == AppState::Suspended;
    if suspended && kind == Kind::Public && !same(&wanted, &case.dossier.wanted) {
        return Err(Refusal::State("developer_suspended_scopes"));
    }
    case.dossier.wanted = wanted;
    case.dossier.reasons = reasons;
    Ok(())
}

type Judged = (Vec<String>, Vec<(String, String)>);

/// In the order of the catalog, each once. A reviewer reads the reasons, so there they are required.
fn judge(catalog: &ScopeCatalog, wishes: &[Wish], reviewed: bool) -> Result<Judged, Refusal> {
    let mut faults = Vec::new();
    let about = |key, scope: &str| Fault::new("reasons", key).with("scope", scope);
    for wish in wishes.iter().filter(|wish| catalog.get(&wish.scope).is_none()) {
        let scope: String = wish.scope.chars().take(64).collect();
        faults.push(Fault::new("scopes", "developer_fault_scope").with("scope", scope));
    }
    let mut wanted = Vec::new();
    let mut reasons = Vec::new();
    for name in catalog.names() {
        let Some(wish) = wishes.iter().find(|wish| wish.scope == name) else {
            continue;
        };
        wanted.push(name.to_owned());
        let why = wish.why.trim();
        if why.chars().count() > REASON_CHARS_MAX || why.chars().any(deceives) {
            faults.push(about("developer_fault_reason", name).with("characters", REASON_CHARS_MAX));
        } else if !why.is_empty() {
            reasons.push((name.to_owned(), why.to_owned()));
        } else if reviewed {
            faults.push(about("developer_fault_no_reason", name));
        }
    }
    let bytes: usize = reasons.iter().map(|(scope, why)| scope.len() + why.len()).sum();
    if bytes > REASONS_BYTES_MAX {
        faults.push(Fault::new("scopes", "developer_fault_reasons"));
    }
    if wanted.is_empty() {
        faults.push(Fault::new("scopes", "developer_fault_no_scopes"));
    }
    if wanted.iter().map(String::len).sum::<usize>() > SCOPES_BYTES_MAX {
        faults.push(Fault::new("scopes", "developer_fault_many_scopes"));
    }
    if faults.is_empty() {
        Ok((wanted, reasons))
    } else {
        Err(Refusal::Invalid(faults))
    }
}
