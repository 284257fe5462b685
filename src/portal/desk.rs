//! A page of the portal for whoever is signed in: in which organization they work, and how they get around.

use super::next;
use super::page::{Page, redirect};
use super::session;
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::account;
use crate::base::password_pool::Busy;
use crate::context::Context;
use crate::model::role::Role;
use crate::model::session::Session;
use crate::platform::actor::{Actor, Membership};
use crate::platform::refusal::Refusal;
use crate::platform::rights::{Relation, Right, may};
use crate::store::{Batch, Outcome};
use crate::web::request::Request;
use crate::web::response::{Response, retry_after_s};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const SWITCH: &str = "organization";

/// The parts of the portal, for the way around.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Account,
    Developer,
    Organization,
    Administration,
    Documentation,
}

pub struct Desk<'a> {
    pub visit: Visit<'a>,
    pub actor: Actor,
    /// By name.
    pub memberships: Vec<Membership>,
    /// The one that is open: chosen last, else the first.
    open: Option<usize>,
}

/// One step of the way to a page: where it leads, and its name.
pub type Crumb = (String, String);

impl<'a> Desk<'a> {
    /// `Err` is the way to the sign-in, and back.
    pub async fn of(ctx: &'a Context, request: &'a Request) -> Result<Result<Self, Response>, Trouble> {
        let visit = Visit::of(ctx, request).await?;
        let Some(signed_in) = visit.signed_in() else {
            return Ok(Err(redirect(&visit, &to_sign_in(request), None)));
        };
        let actor = Actor::of_user(signed_in.user.clone());
        let chosen = signed_in.session.organization.clone();
        let memberships = actor.memberships(ctx).await?;
        let position = memberships
            .iter()
            .position(|m| Some(&m.organization.id) == chosen.as_ref());
        let open = position.or((!memberships.is_empty()).then_some(0));
        Ok(Ok(Self {
            visit,
            actor,
            memberships,
            open,
        }))
    }

    /// On a page of this organization it is the one that is open, whichever was chosen last.
    pub fn at(mut self, organization: &str) -> Self {
        let position = self.memberships.iter().position(|m| m.organization.id == organization);
        self.open = position.or(self.open);
        self
    }

    pub fn ctx(&self) -> &'a Context {
        self.visit.ctx
    }

    /// The organization that is open; `None` for who belongs to none.
    pub fn open(&self) -> Option<&Membership> {
        self.open.and_then(|at| self.memberships.get(at))
    }

    pub fn text(&self, key: &'static str) -> &'a str {
        self.visit.text(key)
    }

    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.visit.fill(key, values)
    }

    /// A page in this part, at the end of this way.
    pub fn page<'p>(&'p self, part: Part, way: &[Crumb], title: &'p str, body: Markup) -> Page<'p> {
        let organizations = self.memberships.len();
        let frame = html! {
            nav.parts aria-label=(self.text("nav_parts")) {
                ul {
                    @for (to, name, of) in self.parts() {
                        li { a href=(to) aria-current=[(of == part).then_some("true")] { (name) } }
                    }
                }
                @if let Some(open) = self.open() {
                    @if organizations > 1 { (self.switcher(open)) }
                    @else { p.open { bdi { (open.organization.name) } } }
                }
            }
            @if !way.is_empty() {
                nav.way aria-label=(self.text("nav_way")) {
                    ol {
                        @for (to, name) in way {
                            li { a href=(to) { bdi { (name) } } }
                        }
                        li aria-current="page" { bdi { (title) } }
                    }
                }
            }
        };
        Page::new(title, body).wide().framed(frame)
    }

    fn parts(&self) -> Vec<(String, &'a str, Part)> {
        let mut parts = vec![
            ("/account".to_owned(), self.text("nav_account"), Part::Account),
            ("/developer".to_owned(), self.text("nav_developer"), Part::Developer),
        ];
        if let Some(open) = self.open() {
            let to = format!("/organizations/{}", open.organization.id);
            parts.push((to, self.noun_plain(), Part::Organization));
        }
        let relation = Relation {
            duty: self.actor.user.duty,
            ..Relation::default()
        };
        if may(Right::Review, relation) {
            parts.push((
                "/admin".to_owned(),
                self.text("nav_administration"),
                Part::Administration,
            ));
        }
        parts.push(("/docs".to_owned(), self.text("nav_documentation"), Part::Documentation));
        parts
    }

    fn noun_plain(&self) -> &'a str {
        let noun: &'a str = &self.ctx().profile().noun.singular;
        self.visit.texts.find(&format!("noun_{noun}")).unwrap_or(noun)
    }

    fn switcher(&self, open: &Membership) -> Markup {
        html! {
            form.switch method="post" action="/organization" {
                (self.visit.csrf(SWITCH))
                input type="hidden" name="next" value=(self.visit.request.path);
                select name="organization" aria-label=(self.noun_plain()) {
                    @for membership in &self.memberships {
                        option value=(membership.organization.id)
                            selected[membership.organization.id == open.organization.id] {
                            (membership.organization.name)
                        }
                    }
                }
                button.secondary { (self.text("nav_switch")) }
            }
        }
    }

    /// The role's name, in the page's language.
    pub fn role(&self, role: Role) -> &'a str {
        self.text(match role {
            Role::Owner => "role_owner",
            Role::Admin => "role_admin",
            Role::Developer => "role_developer",
            Role::Member => "role_member",
        })
    }
}

/// `/login`, and back to what was asked for where that can be asked for again.
fn to_sign_in(request: &Request) -> String {
    // Where a sign-in leads anyway needs no saying.
    if request.method == http::Method::POST || request.path == "/account" {
        return "/login".to_owned();
    }
    let query = request
        .query
        .as_deref()
        .map_or(String::new(), |query| format!("?{query}"));
    let next = format!("{}{query}", request.path);
    format!("/login?next={}", utf8_percent_encode(&next, NON_ALPHANUMERIC))
}

/// `POST /organization`: another one is open from now on, under another secret in the cookie.
pub async fn switch(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(SWITCH)?;
    let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
    let wanted = field("organization")?.ok_or(Trouble::BadForm)?;
    let next = field("next")?.and_then(|next| next::local(ctx, next));
    let known = desk.memberships.iter().find(|m| m.organization.id == wanted);
    let membership = known.ok_or(Trouble::NotFound)?;
    let signed_in = desk.visit.signed_in().ok_or(Trouble::ForeignForm)?;
    let fresh = session::rotated(ctx, &signed_in.session);
    let session = Session {
        organization: Some(wanted.to_owned()),
        ..fresh.session
    };
    let mut batch = Batch::new();
    batch.replace(&signed_in.session, &session)?;
    membership.hold(&mut batch);
    if ctx.store.commit(batch).await? == Outcome::Conflict {
        return Err(Trouble::Conflict);
    }
    // A page of the other organization is a page of that one.
    let next = next.filter(|next| !next.starts_with("/organizations/"));
    let to = next.map_or_else(|| format!("/organizations/{wanted}"), str::to_owned);
    Ok(redirect(&desk.visit, &to, Some(&fresh.cookie)))
}

impl From<Refusal> for Trouble {
    /// What is left where no form says it better.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Forbidden | Refusal::MissingScope(_) => Self::Forbidden,
            Refusal::Invalid(_) => Self::BadForm,
            Refusal::State(_) | Refusal::Conflict => Self::Conflict,
            Refusal::Account(account::Refusal::Busy(Busy { retry_after_s, .. })) => Self::Busy(retry_after_s.into()),
            Refusal::Account(account::Refusal::Wait(wait)) => Self::Busy(retry_after_s(wait)),
            Refusal::Account(account::Refusal::LinkGone) => Self::LinkGone,
            Refusal::Account(_) => Self::BadForm,
            Refusal::Store(error) => Self::Store(error),
        }
    }
}
