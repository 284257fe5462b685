//! For which organization the user grants: always asked, never guessed.

use super::asking::ASK;
use super::visit::Visit;
use crate::base::order;
use crate::context::Context;
use crate::model::member::Member;
use crate::model::organization::{Barred, Organization};
use crate::model::role::Role;
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::scope;
use crate::store::records::load;
use crate::store::{Key, StoreError, keys};
use maud::{Markup, html};

/// Organizations shown at most; somebody with more chooses among those with the lowest ids.
const SHOWN_MAX: u32 = 200;

/// One of the user's organizations.
pub struct Choice {
    id: String,
    name: String,
    role: Role,
    grantable: usize,
    /// For an installation, which takes all of its scopes or none.
    all_or_nothing: bool,
    /// Titles of the scopes that the role may not grant.
    left_out: Vec<String>,
    /// By the organization's policy.
    barred: Option<Barred>,
    /// Who may consent there.
    least_role: Role,
}

impl Choice {
    pub fn possible(&self) -> bool {
        let enough = self.grantable > 0 && (!self.all_or_nothing || self.left_out.is_empty());
        enough && self.barred.is_none()
    }

    /// Whether its owners and admins can be asked from here.
    pub fn askable(&self, ctx: &Context) -> bool {
        self.barred.is_some() && ctx.config.mail.is_some()
    }
}

/// Every organization the user is a member of, those where something can be granted first. An installation that is
/// connected stays with its organization until it is reset.
pub async fn of(ctx: &Context, asking: &AuthorizationRequest, user: &str) -> Result<Vec<Choice>, StoreError> {
    let (catalog, asked) = (&ctx.profile().scopes, &asking.asked.scopes);
    let rows = ctx.store.scan(&keys::members_of_user(user), None, SHOWN_MAX).await?;
    let bound = bound(asking);
    let mut choices = Vec::with_capacity(rows.len());
    for (_, stored) in rows {
        let Some(member) = load::<Member>(&*ctx.store, &Key(stored.value.to_vec())).await? else {
            continue;
        };
        let organization = ctx
            .load::<Organization>(&keys::organization(&member.organization))
            .await?;
        let offered = |o: &Organization| !o.disabled && bound.is_none_or(|bound| o.id == bound);
        let Some(organization) = organization.filter(|o| offered(o) && !member.removed) else {
            continue;
        };
        let granted = scope::effective(catalog, &asking.app, member.role, asked);
        let left_out = asked.iter().filter(|name| !granted.contains(name));
        choices.push(Choice {
            id: organization.id.clone(),
            name: organization.name.clone(),
            role: member.role,
            grantable: granted.len(),
            all_or_nothing: asking.app.installation.is_some(),
            barred: organization.policy.judge(member.role, &asking.app.client_id).err(),
            least_role: organization.policy.least_role,
            left_out: left_out
                .map(|name| catalog.get(name).map_or(name, |scope| &scope.title).clone())
                .collect(),
        });
    }
    order::by_key(&mut choices, |choice| !choice.possible());
    Ok(choices)
}

/// The organization that an installation is connected with.
fn bound(asking: &AuthorizationRequest) -> Option<&str> {
    let place = asking.app.installation.as_ref()?.grant.as_ref()?;
    Some(&place.organization)
}

/// The radio buttons. The only possible one is chosen already, else the one of the last time.
pub fn fields(visit: &Visit<'_>, asking: &AuthorizationRequest, choices: &[Choice], last: Option<&str>) -> Markup {
    let possible = choices.iter().filter(|choice| choice.possible()).count();
    let barred = choices.iter().any(|choice| choice.barred.is_some());
    let nothing = match bound(asking) {
        Some(_) if choices.is_empty() => "native_connected_elsewhere",
        _ if barred => "nothing_allowed",
        _ => "nothing_to_grant",
    };
    html! {
        fieldset {
            legend { (visit.noun()) }
            @if possible == 0 {
                p.notice.warning { (visit.text(nothing)) }
            }
            @for choice in choices {
                label.option.impossible[!choice.possible()] {
                    input type="radio" name="organization" value=(choice.id) required
                        checked[choice.possible() && (possible == 1 || last == Some(&choice.id))]
                        disabled[!choice.possible()];
                    span {
                        strong { bdi { (choice.name) } }
                        span.quiet { (visit.fill("your_role", &[("role", role(visit, choice.role))])) }
                        (left_out(visit, choice))
                    }
                }
                @if choice.askable(visit.ctx) {
                    p.ask {
                        button.secondary form=(ASK) name="organization" value=(choice.id)
                            aria-label=(visit.fill("ask_admin_of", &[("organization", &choice.name)])) {
                            (visit.text("ask_admin"))
                        }
                    }
                }
            }
        }
    }
}

fn left_out(visit: &Visit<'_>, choice: &Choice) -> Markup {
    html! {
        @if let Some(barred) = choice.barred {
            span.left-out { (reason(visit, barred, choice.least_role)) }
        } @else if choice.grantable == 0 {
            span.left-out { (visit.text("role_grants_nothing")) }
        } @else if !choice.possible() {
            span.left-out { (visit.fill("native_role_too_low", &[("scopes", &choice.left_out.join(", "))])) }
        } @else if !choice.left_out.is_empty() {
            span.left-out { (visit.fill("left_out", &[("scopes", &choice.left_out.join(", "))])) }
        }
    }
}

fn reason(visit: &Visit<'_>, barred: Barred, least: Role) -> String {
    match barred {
        Barred::App => visit.text("app_not_allowed").to_owned(),
        Barred::Role => {
            let roles = Role::ALL.into_iter().filter(|may| *may <= least);
            let roles: Vec<&str> = roles.map(|may| role(visit, may)).collect();
            visit.fill("role_not_allowed", &[("roles", &roles.join(", "))])
        }
    }
}

pub fn role<'a>(visit: &Visit<'a>, role: Role) -> &'a str {
    visit.text(match role {
        Role::Owner => "role_owner",
        Role::Admin => "role_admin",
        Role::Developer => "role_developer",
        Role::Member => "role_member",
    })
}
