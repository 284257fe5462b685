//! What stands around every page of one app: the way to it, its name and state, its tabs.

use crate::context::Context;
use crate::model::app::{App, AppState, Kind};
use crate::platform::actor::AppAccess;
use crate::platform::rights::{Right, may};
use crate::portal::desk::{Crumb, Desk, Part};
use crate::portal::trouble::Trouble;
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use maud::{Markup, html};

/// The tabs, as the address ends. The first is the app itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tab {
    Overview,
    Details,
    Scopes,
    Credentials,
    Webhooks,
    Failures,
    Team,
    History,
    Consent,
}

/// A page of one app, for whoever may see it.
pub struct AppDesk<'a> {
    pub desk: Desk<'a>,
    pub access: AppAccess,
}

impl Tab {
    const ALL: [Self; 9] = [
        Self::Overview,
        Self::Details,
        Self::Scopes,
        Self::Credentials,
        Self::Webhooks,
        Self::Failures,
        Self::Team,
        Self::History,
        Self::Consent,
    ];

    const fn ending(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Details => "/details",
            Self::Scopes => "/scopes",
            Self::Credentials => "/credentials",
            Self::Webhooks => "/webhooks",
            Self::Failures => "/failures",
            Self::Team => "/team",
            Self::History => "/history",
            Self::Consent => "/consent",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "developer_tab_overview",
            Self::Details => "developer_tab_details",
            Self::Scopes => "developer_tab_scopes",
            Self::Credentials => "developer_tab_credentials",
            Self::Webhooks => "hook_heading",
            Self::Failures => "fail_heading",
            Self::Team => "developer_tab_team",
            Self::History => "developer_tab_history",
            Self::Consent => "developer_tab_consent",
        }
    }

    /// What it takes to see it.
    const fn right(self) -> Right {
        match self {
            Self::Overview | Self::Webhooks | Self::History | Self::Consent => Right::SeeApp,
            Self::Details | Self::Scopes | Self::Team => Right::ChangeApp,
            Self::Credentials => Right::ManageCredentials,
            Self::Failures => Right::SeeFailures,
        }
    }

    const fn is_of(self, kind: Kind) -> bool {
        match self {
            Self::Consent => matches!(kind, Kind::Public),
            Self::Scopes => !matches!(kind, Kind::ResourceServer),
            _ => true,
        }
    }
}

/// The way to the list of apps.
pub fn way(desk: &Desk<'_>) -> Vec<Crumb> {
    vec![
        ("/account".to_owned(), desk.text("nav_account").to_owned()),
        ("/developer".to_owned(), desk.text("nav_developer").to_owned()),
    ]
}

/// The page of an app.
pub fn address(client_id: &str) -> String {
    format!("/developer/apps/{client_id}")
}

impl<'a> AppDesk<'a> {
    /// `Err` is the way to the sign-in. Whoever may see the app and not do this is told so.
    pub async fn of(
        ctx: &'a Context,
        request: &'a Request,
        client_id: &str,
        right: Right,
    ) -> Result<Result<Self, Response>, Trouble> {
        let desk = match Desk::of(ctx, request).await? {
            Ok(desk) => desk,
            Err(to_sign_in) => return Ok(Err(to_sign_in)),
        };
        let access = desk.actor.on_app(ctx, client_id, right).await?;
        Ok(Ok(Self { desk, access }))
    }

    pub fn app(&self) -> &App {
        &self.access.app
    }

    pub fn may(&self, right: Right) -> bool {
        may(right, self.access.relation)
    }

    /// The page of this app, or one below it.
    pub fn address(&self, ending: &str) -> String {
        format!("{}{ending}", address(&self.app().client_id))
    }

    /// A tab's page.
    pub fn show(&self, tab: Tab, status: StatusCode, body: Markup) -> Response {
        let name = self.desk.text(tab.name());
        self.framed(name, Some(tab), &[], status, body)
    }

    /// A page below a tab's, at the end of this way from there.
    pub fn show_below(&self, tab: Tab, below: &[Crumb], title: &str, status: StatusCode, body: Markup) -> Response {
        let first = (self.address(tab.ending()), self.desk.text(tab.name()).to_owned());
        let way = [std::slice::from_ref(&first), below].concat();
        self.framed(title, Some(tab), &way, status, body)
    }

    /// A page of this app that is no tab.
    pub fn show_aside(&self, title: &str, status: StatusCode, body: Markup) -> Response {
        self.framed(title, None, &[], status, body)
    }

    fn framed(&self, name: &str, tab: Option<Tab>, below: &[Crumb], status: StatusCode, body: Markup) -> Response {
        let app = self.app();
        let mut way = way(&self.desk);
        way.push(("/developer".to_owned(), self.desk.text("developer_apps").to_owned()));
        let overview = tab == Some(Tab::Overview);
        if !overview {
            way.push((self.address(""), app.name.clone()));
        }
        way.extend_from_slice(below);
        let title = if overview { app.name.as_str() } else { name };
        let body = html! {
            @if !overview {
                p.of-app { bdi { (app.name) } " " (self.tags()) }
            }
            (tabs(&self.desk, &self.access, tab))
            (body)
        };
        let mut page = self.desk.page(Part::Developer, &way, title, body);
        if tab == Some(Tab::Details) && app.kind == Kind::Public {
            page = page.with_script(&self.desk.ctx().config.pages.redirect_uris);
        }
        page.with_status(status).show(&self.desk.visit)
    }

    /// Kind and state, in a word each.
    pub fn tags(&self) -> Markup {
        tags(&self.desk, self.app())
    }
}

/// The tabs of an app, as far as whoever asks may see them.
pub fn tabs(desk: &Desk<'_>, access: &AppAccess, here: Option<Tab>) -> Markup {
    let app = &access.app;
    let is_there = |tab: &Tab| tab.is_of(app.kind) && may(tab.right(), access.relation);
    html! {
        nav.tabs aria-label=(desk.text("developer_tabs")) {
            ul {
                @for tab in Tab::ALL.into_iter().filter(is_there) {
                    li {
                        a href={ (address(&app.client_id)) (tab.ending()) }
                            aria-current=[(here == Some(tab)).then_some("page")] { (desk.text(tab.name())) }
                    }
                }
            }
        }
    }
}

/// Kind and state, in a word each.
pub fn tags(desk: &Desk<'_>, app: &App) -> Markup {
    let good = app.usable();
    let high = matches!(
        app.state,
        AppState::ChangesRequested | AppState::Rejected | AppState::Suspended
    ) || app.disabled;
    html! {
        span.tag { (kind(desk, app.kind)) } " "
        span.tag.good[good].high[high] { (state(desk, app)) }
    }
}

fn kind<'d>(desk: &Desk<'d>, kind: Kind) -> &'d str {
    desk.text(match kind {
        Kind::Private => "developer_kind_private",
        Kind::Public => "developer_kind_public",
        Kind::ResourceServer => "developer_kind_resource_server",
        Kind::Native => "native",
    })
}

fn state<'d>(desk: &Desk<'d>, app: &App) -> &'d str {
    if app.disabled {
        return desk.text("developer_state_disabled");
    }
    desk.text(match app.state {
        AppState::Draft => "developer_state_draft",
        AppState::PendingReview => "developer_state_pending_review",
        AppState::ChangesRequested => "developer_state_changes_requested",
        AppState::Active => "developer_state_active",
        AppState::Rejected => "developer_state_rejected",
        AppState::Suspended => "developer_state_suspended",
    })
}
