//! The lists of tokens.

use super::{Scene, on_request, scope_title};
use crate::context::Context;
use crate::model::personal_token::PersonalToken;
use crate::model::user::User;
use crate::oauth::params::Params;
use crate::platform::personal_tokens::is_open;
use crate::platform::personal_tokens::lists::{self, Listed};
use crate::platform::rights::{Relation, Right, may};
use crate::portal::account::day;
use crate::portal::desk::Desk;
use crate::portal::trouble::{Paged, Trouble};
use crate::store::keys;
use crate::web::request::Request;
use maud::{Markup, html};

/// Of a page of an organization's list.
const ROWS_MAX: u32 = 50;

/// `GET /account/tokens`.
pub async fn own(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let tokens = lists::own(ctx, &desk.actor).await?;
    let scene = Scene::Own;
    let managed = desk.open().filter(|open| {
        let relation = Relation {
            role: Some(open.role()),
            ..Relation::default()
        };
        may(Right::ManageTokens, relation)
    });
    let body = html! {
        (done(&desk, request))
        p { (desk.text("pat_text")) }
        @if desk.memberships.is_empty() {
            p.notice { (desk.text("pat_no_organization")) }
        } @else if is_open(ctx, &desk.actor) {
            p { a.button href="/account/tokens/new" { (desk.text("pat_new")) } }
        } @else {
            (on_request(&desk))
        }
        @if tokens.is_empty() {
            p.quiet { (desk.text("pat_none")) }
        } @else {
            (list(&desk, scene, &tokens).await?)
        }
        @if let Some(open) = managed {
            p { a href=(Scene::Organization(&open.organization.id).list()) {
                (desk.fill("pat_of_all", &[("organization", &open.organization.name)]))
            } }
        }
    };
    let title = scene.title(&desk);
    Ok(desk
        .page(scene.part(), &scene.way(&desk), title, body)
        .show(&desk.visit))
}

/// `GET /organizations/{id}/tokens`.
pub async fn of_organization(ctx: &Context, request: &Request, id: &str) -> Paged {
    let scene = Scene::Organization(id);
    let desk = match scene.desk(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes());
    let params = params.map_err(|_| Trouble::BadForm)?;
    let after = params.get("after").map_err(|_| Trouble::BadForm)?;
    let (tokens, next) = lists::of_organization(ctx, &desk.actor, id, after, ROWS_MAX).await?;
    let body = html! {
        (scene.tabs(&desk))
        (done(&desk, request))
        p { (desk.text("pat_text_all")) }
        p { a.button href={ (scene.list()) "/new" } { (desk.text("pat_new_system")) } }
        @if tokens.is_empty() {
            p.quiet { (desk.text("pat_none_all")) }
        } @else {
            (list(&desk, scene, &tokens).await?)
        }
        @if let Some(next) = next {
            p { a href={ (scene.list()) "?after=" (next) } { (desk.text("pat_more")) } }
        }
    };
    let title = scene.title(&desk);
    Ok(desk
        .page(scene.part(), &scene.way(&desk), title, body)
        .show(&desk.visit))
}

fn done(desk: &Desk<'_>, request: &Request) -> Markup {
    let revoked = request.query.as_deref() == Some("done=revoked");
    html! {
        @if revoked { p.notice.good role="status" { (desk.text("pat_revoked")) } }
    }
}

async fn list(desk: &Desk<'_>, scene: Scene<'_>, tokens: &[Listed]) -> Result<Markup, Trouble> {
    let mut rows = Vec::with_capacity(tokens.len());
    for listed in tokens {
        let whose = match scene {
            Scene::Own => organization_name(desk, &listed.token),
            Scene::Organization(_) => holder_name(desk.ctx(), &listed.token).await?,
        };
        rows.push((listed, whose));
    }
    let heading = match scene {
        Scene::Own => desk.text("pat_yours"),
        Scene::Organization(_) => desk.text("pat_theirs"),
    };
    Ok(html! {
        h2 { (heading) }
        ul.rows {
            @for (Listed { token, live, used_at }, whose) in &rows {
                li {
                    div.what {
                        h3 { bdi { (token.name) } }
                        p { bdi { (whose) } }
                        p.quiet { (titles(desk, token)) }
                        p.quiet {
                            (times(desk, token)) " · "
                            @match used_at {
                                Some(at) => { (desk.text("pat_used")) " " (day(*at)) }
                                None => (desk.text("pat_never_used")),
                            }
                        }
                        @if !live { p { span.tag.high { (desk.text("pat_ended")) } } }
                    }
                    p { a href={ (scene.list()) "/" (token.id) }
                        aria-label=(desk.fill("pat_revoke_of", &[("name", &token.name)])) {
                        (desk.text("pat_revoke"))
                    } }
                }
            }
        }
    })
}

/// When it was made and when it ends.
pub(super) fn times(desk: &Desk<'_>, token: &PersonalToken) -> Markup {
    html! {
        (desk.text("pat_made")) " " (day(token.created_at)) " · "
        @match token.expires_at {
            Some(at) => { (desk.text("pat_ends")) " " (day(at)) }
            None => { (desk.text("pat_never_ends")) }
        }
    }
}

pub(super) fn titles(desk: &Desk<'_>, token: &PersonalToken) -> String {
    let titles = token.scopes.iter().map(|name| scope_title(desk, name));
    titles.collect::<Vec<_>>().join(" · ")
}

/// Of one's own: an organization that one has left has only its id left.
fn organization_name(desk: &Desk<'_>, token: &PersonalToken) -> String {
    let of = desk
        .memberships
        .iter()
        .find(|m| m.organization.id == token.organization);
    of.map_or(&token.organization, |of| &of.organization.name).clone()
}

pub(super) async fn holder_name(ctx: &Context, token: &PersonalToken) -> Result<String, Trouble> {
    let user = ctx.load::<User>(&keys::user(&token.user)).await?;
    Ok(user.map_or_else(|| token.user.clone(), |user| format!("{} <{}>", user.name, user.email)))
}
