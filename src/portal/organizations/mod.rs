//! `/organizations/{organization}/…`: an organization's own pages. What they share: who may enter, the tabs above each
//! of them, what was wrong with a form, and the page that asks before something ends.

pub mod api_keys;
pub mod app;
pub mod apps;
pub mod audit;
pub mod event_names;
pub mod invitations;
pub mod members;
pub mod overview;
pub mod policy;

use super::desk::{Crumb, Desk, Part};
use super::page::redirect;
use super::trouble::Trouble;
use crate::account;
use crate::context::Context;
use crate::oauth::params::Params;
use crate::platform;
use crate::platform::actor::Membership;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::{Relation, Right, may};
use crate::web::request::Request;
use crate::web::response::{Response, retry_after_s};
use http::StatusCode;
use http::header::RETRY_AFTER;
use maud::{Markup, html};

/// The pages of an organization, as their tabs name them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tab {
    Overview,
    Members,
    Apps,
    Policy,
    Keys,
    Tokens,
    Audit,
}

/// Tab, its address behind that of the organization, its name, and what opens it.
const TABS: [(Tab, &str, &str, Right); 7] = [
    (Tab::Overview, "", "org_overview", Right::SeeOrganization),
    (Tab::Members, "/members", "org_members", Right::SeeMembers),
    (Tab::Apps, "/apps", "org_apps", Right::SeeConnectedApps),
    (Tab::Policy, "/policy", "org_policy", Right::SeeConnectedApps),
    (Tab::Keys, "/keys", "org_keys", Right::SeeApiKeys),
    (Tab::Tokens, "/tokens", "org_tokens", Right::ManageTokens),
    (Tab::Audit, "/audit", "org_audit", Right::SeeAudit),
];

/// Somebody on a page of an organization they belong to.
pub struct Room<'a> {
    pub desk: Desk<'a>,
    pub membership: Membership,
}

/// `Err` inside is the way to the sign-in, and back.
pub type Entered<'a> = Result<Result<Room<'a>, Response>, Trouble>;

/// What was wrong with a form that is shown once more.
#[derive(Default)]
pub struct Wrong {
    status: Option<StatusCode>,
    /// About the form as a whole.
    notice: Option<String>,
    faults: Vec<Fault>,
    wait: Option<u64>,
}

/// What is asked before something ends.
pub struct Confirm<'c> {
    pub action: &'c str,
    /// Names the form.
    pub form: &'static str,
    pub title: &'c str,
    pub text: Markup,
    /// What has to be typed.
    pub name: &'c str,
    pub button: &'c str,
    /// Where it leads not to do it.
    pub back: &'c str,
    pub hidden: &'c [(&'c str, &'c str)],
    pub crumbs: &'c [Crumb],
}

fn allows(membership: &Membership, right: Right) -> bool {
    let relation = Relation {
        role: Some(membership.role()),
        ..Relation::default()
    };
    may(right, relation)
}

/// The way around an organization's pages, for this member.
pub fn tabs(desk: &Desk<'_>, membership: &Membership, open: Tab) -> Markup {
    let keys = desk.ctx().profile().api_keys.enabled;
    let shown = |tab: Tab, right| allows(membership, right) && (tab != Tab::Keys || keys);
    let tabs: Vec<_> = TABS
        .into_iter()
        .filter(|(tab, .., right)| shown(*tab, *right))
        .collect();
    html! {
        @if tabs.len() > 1 {
            nav.tabs aria-label=(desk.visit.noun()) {
                ul {
                    @for (tab, rest, name, _) in tabs {
                        li { a href=(format!("/organizations/{}{rest}", membership.organization.id))
                            aria-current=[(tab == open).then_some("page")] {
                            (desk.text(name))
                        } }
                    }
                }
            }
        }
    }
}

impl<'a> Room<'a> {
    /// Whoever may do this there. Others learn nothing of it.
    pub async fn enter(ctx: &'a Context, request: &'a Request, organization: &str, right: Right) -> Entered<'a> {
        let desk = match Desk::of(ctx, request).await? {
            Ok(desk) => desk.at(organization),
            Err(to_sign_in) => return Ok(Err(to_sign_in)),
        };
        let organization = platform::cursor(Some(organization)).ok_or(Trouble::NotFound)?;
        let membership = desk.actor.in_organization(ctx, organization, right).await?;
        Ok(Ok(Self { desk, membership }))
    }

    pub fn id(&self) -> &str {
        &self.membership.organization.id
    }

    pub fn name(&self) -> &str {
        &self.membership.organization.name
    }

    pub fn may(&self, right: Right) -> bool {
        allows(&self.membership, right)
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/organizations/{}{rest}", self.id())
    }

    pub fn text(&self, key: &'static str) -> &'a str {
        self.desk.text(key)
    }

    /// On to another of its pages; `done` says there what was done.
    pub fn done(&self, rest: &str, done: &str) -> Response {
        redirect(&self.desk.visit, &format!("{}?done={done}", self.path(rest)), None)
    }

    /// The page of a tab, or one below it where `crumbs` lead to it.
    pub fn show(&self, tab: Tab, crumbs: &[Crumb], title: &str, wrong: &Wrong, body: Markup) -> Response {
        let mut way = vec![("/account".to_owned(), self.text("nav_account").to_owned())];
        if tab != Tab::Overview || !crumbs.is_empty() {
            way.push((self.path(""), self.name().to_owned()));
        }
        way.extend_from_slice(crumbs);
        let body = html! {
            (tabs(&self.desk, &self.membership, tab))
            @if let Some(notice) = &wrong.notice {
                p.notice.danger role="alert" { (notice) }
            }
            (body)
        };
        let page = self.desk.page(Part::Organization, &way, title, body);
        let response = page
            .with_status(wrong.status.unwrap_or(StatusCode::OK))
            .show(&self.desk.visit);
        match wrong.wait {
            Some(wait) => response.with_value(RETRY_AFTER, &wait.to_string()),
            None => response,
        }
    }

    /// A step of the way to a page below a tab.
    pub fn crumb(&self, rest: &str, name: &str) -> Crumb {
        (self.path(rest), name.to_owned())
    }

    pub fn confirm(&self, tab: Tab, confirm: &Confirm<'_>, wrong: &Wrong) -> Response {
        let body = html! {
            (confirm.text)
            form method="post" action=(confirm.action) {
                (self.desk.visit.csrf(confirm.form))
                @for (name, value) in confirm.hidden {
                    input type="hidden" name=(name) value=(value);
                }
                label for="confirm" { (self.text("org_confirm")) }
                p.typed { strong { bdi { (confirm.name) } } }
                (wrong.beside(&self.desk, "confirm"))
                input #confirm type="text" name="confirm" required autocomplete="off" autocapitalize="none"
                    spellcheck="false" aria-describedby=[wrong.describes("confirm")];
                div.choices {
                    button.danger { (confirm.button) }
                    a.button.secondary href=(confirm.back) { (self.text("back")) }
                }
            }
        };
        self.show(tab, confirm.crumbs, confirm.title, wrong, body)
    }
}

/// Whether what had to be typed was. Blanks are as browsers show them.
pub fn is_typed(fields: &Params<'_>, name: &str) -> Result<bool, Trouble> {
    let typed = fields.get("confirm").map_err(|_| Trouble::BadForm)?.unwrap_or_default();
    Ok(typed.split_whitespace().eq(name.split_whitespace()))
}

/// A field that may stand once; empty where it does not.
pub fn field<'f>(fields: &'f Params<'_>, name: &'static str) -> Result<&'f str, Trouble> {
    let value = fields.get(name).map_err(|_| Trouble::BadForm)?;
    Ok(value.unwrap_or_default())
}

impl Wrong {
    pub fn none() -> Self {
        Self::default()
    }

    /// What the form says of a refusal; a page of its own where the form is no use any more.
    pub fn of(desk: &Desk<'_>, refusal: Refusal) -> Result<Self, Trouble> {
        let refused = |status| Self {
            status: Some(status),
            ..Self::default()
        };
        match refusal {
            Refusal::Invalid(faults) => Ok(Self {
                faults,
                ..refused(StatusCode::UNPROCESSABLE_ENTITY)
            }),
            Refusal::State(key) => Ok(Self {
                notice: Some(desk.text(key).to_owned()),
                ..refused(StatusCode::UNPROCESSABLE_ENTITY)
            }),
            Refusal::Account(account::Refusal::Wait(wait)) => {
                let wait = retry_after_s(wait);
                Ok(Self {
                    notice: Some(desk.fill("too_many_attempts", &[("seconds", &wait.to_string())])),
                    wait: Some(wait),
                    ..refused(StatusCode::TOO_MANY_REQUESTS)
                })
            }
            other => Err(other.into()),
        }
    }

    /// What had to be typed was not.
    pub fn not_typed() -> Self {
        Self {
            status: Some(StatusCode::UNPROCESSABLE_ENTITY),
            faults: vec![Fault::new("confirm", "org_confirm_wrong")],
            ..Self::default()
        }
    }

    pub fn is_none(&self) -> bool {
        self.status.is_none()
    }

    /// What is wrong with this field, to stand beside it.
    pub fn beside(&self, desk: &Desk<'_>, field: &str) -> Markup {
        let fault = self.faults.iter().find(|fault| fault.field == field);
        let values = fault.map_or(&[][..], |fault| fault.values.as_slice());
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        html! {
            @if let Some(fault) = fault {
                p.fault-above id={ "fault-" (field) } role="alert" { (desk.fill(fault.key, &values)) }
            }
        }
    }

    /// The id of what stands beside this field, for `aria-describedby`.
    pub fn describes(&self, field: &str) -> Option<String> {
        let found = self.faults.iter().any(|fault| fault.field == field);
        found.then(|| format!("fault-{field}"))
    }
}

/// What was just done, as the address says it; `texts` are the ones this page knows.
pub fn said(desk: &Desk<'_>, texts: &[(&str, &'static str)]) -> Markup {
    let query = desk.visit.request.query.as_deref().unwrap_or_default();
    let params = Params::parse(query.as_bytes()).unwrap_or_default();
    let done = params.get("done").ok().flatten();
    let text = texts.iter().find(|(name, _)| Some(*name) == done);
    html! {
        @if let Some((_, key)) = text {
            p.notice.good role="status" { (desk.text(key)) }
        }
    }
}

/// A parameter of the address.
pub fn asked(request: &Request, name: &'static str) -> Option<String> {
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes()).ok()?;
    params.get(name).ok().flatten().map(str::to_owned)
}
