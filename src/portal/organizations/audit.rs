//! `/organizations/{organization}/audit`: what happened, to read and to take along.

use super::event_names::event_name;
use super::{Room, Tab, Wrong};
use crate::base::order;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::event::{Change, EventKind};
use crate::oauth::params::Params;
use crate::platform::audit::{self, Doer, Entry, Filter, Named};
use crate::platform::audit_file;
use crate::platform::rights::Right;
use crate::portal::account::moment;
use crate::portal::page::attachment;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use form_urlencoded::Serializer;
use maud::{Markup, html};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What may be asked for, as the address spells it.
const FILTERS: [&str; 5] = ["kind", "person", "app", "from", "to"];

/// What was asked for, as it was typed.
struct Asked {
    values: Vec<(&'static str, String)>,
    after: Option<String>,
}

impl Asked {
    fn of(request: &Request) -> Result<Self, Trouble> {
        let query = request.query.as_deref().unwrap_or_default();
        let params = Params::parse(query.as_bytes()).map_err(|_| Trouble::BadForm)?;
        let value = |name| -> Result<String, Trouble> {
            let value = params.get(name).map_err(|_| Trouble::BadForm)?;
            Ok(value.unwrap_or_default().trim().to_owned())
        };
        let mut values = Vec::new();
        for name in FILTERS {
            values.push((name, value(name)?));
        }
        let after = Some(value("after")?).filter(|after| !after.is_empty());
        Ok(Self { values, after })
    }

    fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// What is no filter is left out, as if nobody had asked.
    fn filter(&self) -> Filter {
        let text = |name| Some(self.value(name).to_owned()).filter(|value| !value.is_empty());
        let kind = |name: &str| EventKind::ALL.iter().copied().find(|kind| kind.as_str() == name);
        Filter {
            kind: kind(self.value("kind")),
            person: text("person"),
            app: text("app"),
            from: Timestamp::of_day(self.value("from")),
            // The day named last is part of it.
            until: Timestamp::of_day(self.value("to")).map(|start| start + DAY),
        }
    }

    /// The query with other values in place of these.
    fn with(&self, other: &[(&'static str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in &self.values {
            let replaced = other.iter().find(|(known, _)| known == name);
            let value = replaced.map_or(value.as_str(), |(_, value)| value);
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some((name, value)) = other.iter().find(|(name, _)| *name == "after") {
            query.append_pair(name, value);
        }
        query.finish()
    }

    fn is_filtered(&self) -> bool {
        self.values.iter().any(|(_, value)| !value.is_empty())
    }
}

/// `GET /organizations/{organization}/audit`.
pub async fn get(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeAudit).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let asked = Asked::of(request)?;
    let actor = &room.desk.actor;
    let found = audit::page(
        ctx,
        actor,
        organization,
        &asked.filter(),
        asked.after.as_deref(),
        audit::PAGE,
    )
    .await?;
    let file = format!("{}?{}", room.path("/audit.csv"), asked.with(&[]));
    let body = html! {
        (form(&room, &asked))
        @if found.entries.is_empty() && found.next.is_none() {
            p.quiet { (room.text(if asked.is_filtered() { "org_audit_none_such" } else { "org_audit_none" })) }
        } @else {
            ul.rows { @for entry in &found.entries { (row(&room, &asked, entry)) } }
        }
        @if let Some(next) = &found.next {
            p.after { a.button.secondary href={ (room.path("/audit")) "?" (asked.with(&[("after", next)])) } {
                (room.text("org_older"))
            } }
        }
        h2 { (room.text("org_audit_file")) }
        p { (room.desk.fill("org_audit_file_text", &[("most", &audit::FILE_MAX.to_string())])) }
        p { a.button.secondary href=(file) download { (room.text("org_audit_download")) } }
    };
    Ok(room.show(Tab::Audit, &[], room.text("org_audit"), &Wrong::none(), body))
}

fn form(room: &Room<'_>, asked: &Asked) -> Markup {
    let text = |name: &'static str, kind: &str, key| {
        html! {
            div {
                label for=(name) { (room.text(key)) }
                input id=(name) type=(kind) name=(name) value=(asked.value(name)) autocomplete="off"
                    autocapitalize="none" spellcheck="false";
            }
        }
    };
    let texts = room.desk.visit.texts;
    let mut kinds: Vec<_> = EventKind::ALL
        .iter()
        .filter_map(|kind| Some((kind, event_name(texts, *kind)?)))
        .collect();
    order::by_key(&mut kinds, |(_, name)| *name);
    html! {
        form.filter method="get" action=(room.path("/audit")) {
            div {
                label for="kind" { (room.text("org_audit_kind")) }
                select #kind name="kind" {
                    option value="" { (room.text("org_audit_any")) }
                    @for (kind, name) in kinds {
                        option value=(kind.as_str()) selected[kind.as_str() == asked.value("kind")] { (name) }
                    }
                }
            }
            (text("person", "text", "org_audit_person"))
            (text("app", "text", "org_audit_app"))
            (text("from", "date", "org_audit_from"))
            (text("to", "date", "org_audit_to"))
            div.links.below {
                button { (room.text("org_audit_filter")) }
                @if asked.is_filtered() { a href=(room.path("/audit")) { (room.text("org_audit_all")) } }
            }
        }
    }
}

fn row(room: &Room<'_>, asked: &Asked, entry: &Entry) -> Markup {
    let event = &entry.event;
    let link = |filter: &'static str, named: &Named| {
        html! {
            a href={ (room.path("/audit")) "?" (asked.with(&[(filter, &named.id)])) } { bdi { (named.name) } }
        }
    };
    html! {
        li {
            div.what {
                h2.plain { (event_name(room.desk.visit.texts, event.kind).unwrap_or(event.kind.as_str())) }
                @if let Some(subject) = &event.subject { p { bdi { (subject) } } }
                @if let Some(concerns) = &entry.concerns { p { (link("person", concerns)) } }
                @if let Some(app) = &entry.app { p { (link("app", app)) } }
                @for change in &event.changes { (difference(change)) }
                @if let (Some(note), false) = (&event.note, entry.doer == Doer::CommandLine) {
                    p { "“" bdi { (note) } "”" }
                }
                p.quiet {
                    (moment(event.at))
                    @match &entry.doer {
                        Doer::Person(person) => { " · " (link("person", person)) }
                        Doer::CommandLine => { " · " (room.text("org_command_line")) }
                        Doer::Nobody => {}
                    }
                    @if let Some(token) = &event.token {
                        " · " (room.desk.fill("org_with_token", &[("token", &token.name)]))
                    }
                }
            }
        }
    }
}

fn difference(change: &Change) -> Markup {
    html! {
        p.quiet {
            code { (change.what) } ": "
            @if let Some(before) = &change.before { del { bdi { (before) } } }
            @if change.before.is_some() && change.after.is_some() { " → " }
            @if let Some(after) = &change.after { ins { bdi { (after) } } }
        }
    }
}

/// `GET /organizations/{organization}/audit.csv`, of the same filter.
pub async fn file(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeAudit).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let filter = Asked::of(request)?.filter();
    let found = audit::file(ctx, &room.desk.actor, organization, &filter).await?;
    let now = ctx.now().to_string();
    // Ids are letters, digits, `_` and `-`.
    let name = format!("audit-{organization}-{}.csv", now.get(..10).unwrap_or_default());
    let content_type = "text/csv; charset=utf-8; header=present";
    Ok(attachment(ctx, content_type, &name, audit_file::write(&found)))
}
