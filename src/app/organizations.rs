//! An organization's own pages.

use super::{Place, Row, get, post, revoking};
use crate::context::Context;
use crate::portal::organizations::{api_keys, app, apps, audit, invitations, members, overview, policy};
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    List,
    Overview,
    Rename,
    Leave,
    Left,
    Members,
    Member,
    ChangeMember,
    RemoveMember,
    RemovedMember,
    Invite,
    WithdrawInvitation,
    Apps,
    App,
    SwitchApp,
    SwitchedApp,
    RevokeApp,
    RevokedApp,
    Policy,
    ChangePolicy,
    Keys,
    MakeKey,
    RevokeKey,
    RevokedKey,
    Audit,
    AuditFile,
}

pub static ROWS: [Row<Route>; 26] = [
    get("/organizations", Route::List),
    get("/organizations/{organization}", Route::Overview),
    post("/organizations/{organization}", Route::Rename),
    get("/organizations/{organization}/leave", Route::Leave),
    post("/organizations/{organization}/leave", Route::Left),
    get("/organizations/{organization}/members", Route::Members),
    get("/organizations/{organization}/members/{user}", Route::Member),
    post("/organizations/{organization}/members/{user}", Route::ChangeMember),
    get(
        "/organizations/{organization}/members/{user}/remove",
        Route::RemoveMember,
    ),
    revoking(
        "/organizations/{organization}/members/{user}/remove",
        Route::RemovedMember,
    ),
    post("/organizations/{organization}/invitations", Route::Invite),
    post(
        "/organizations/{organization}/invitations/withdraw",
        Route::WithdrawInvitation,
    ),
    get("/organizations/{organization}/apps", Route::Apps),
    get("/organizations/{organization}/apps/{client_id}", Route::App),
    get(
        "/organizations/{organization}/apps/{client_id}/switch",
        Route::SwitchApp,
    ),
    post(
        "/organizations/{organization}/apps/{client_id}/switch",
        Route::SwitchedApp,
    ),
    get(
        "/organizations/{organization}/apps/{client_id}/revoke",
        Route::RevokeApp,
    ),
    revoking(
        "/organizations/{organization}/apps/{client_id}/revoke",
        Route::RevokedApp,
    ),
    get("/organizations/{organization}/policy", Route::Policy),
    post("/organizations/{organization}/policy", Route::ChangePolicy),
    get("/organizations/{organization}/keys", Route::Keys),
    post("/organizations/{organization}/keys", Route::MakeKey),
    get("/organizations/{organization}/keys/{key}/revoke", Route::RevokeKey),
    revoking("/organizations/{organization}/keys/{key}/revoke", Route::RevokedKey),
    get("/organizations/{organization}/audit", Route::Audit),
    get("/organizations/{organization}/audit.csv", Route::AuditFile),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    let id = place.get("organization");
    let (user, client_id, key) = (place.get("user"), place.get("client_id"), place.get("key"));
    let page = |page| answer(ctx, request, page);
    match route {
        Route::List => page(overview::list(ctx, request).await),
        Route::Overview => page(overview::get(ctx, request, id).await),
        Route::Rename => page(overview::rename(ctx, request, id).await),
        Route::Leave => page(overview::leave(ctx, request, id).await),
        Route::Left => page(overview::left(ctx, request, id).await),
        Route::Members => page(members::get(ctx, request, id).await),
        Route::Member => page(members::show(ctx, request, id, user).await),
        Route::ChangeMember => page(members::change(ctx, request, id, user).await),
        Route::RemoveMember => page(members::remove(ctx, request, id, user).await),
        Route::RemovedMember => page(members::removed(ctx, request, id, user).await),
        Route::Invite => page(invitations::invite(ctx, request, id).await),
        Route::WithdrawInvitation => page(invitations::withdraw(ctx, request, id).await),
        Route::Apps => page(apps::get(ctx, request, id).await),
        Route::App => page(app::get(ctx, request, id, client_id).await),
        Route::SwitchApp => page(apps::switch(ctx, request, id, client_id).await),
        Route::SwitchedApp => page(apps::switched(ctx, request, id, client_id).await),
        Route::RevokeApp => page(app::revoke(ctx, request, id, client_id).await),
        Route::RevokedApp => page(app::revoked(ctx, request, id, client_id).await),
        Route::Policy => page(policy::get(ctx, request, id).await),
        Route::ChangePolicy => page(policy::change(ctx, request, id).await),
        Route::Keys => page(api_keys::get(ctx, request, id).await),
        Route::MakeKey => page(api_keys::make(ctx, request, id).await),
        Route::RevokeKey => page(api_keys::revoke(ctx, request, id, key).await),
        Route::RevokedKey => page(api_keys::revoked(ctx, request, id, key).await),
        Route::Audit => page(audit::get(ctx, request, id).await),
        Route::AuditFile => page(audit::file(ctx, request, id).await),
    }
}
