//! What happened in an organization, the newest first: for its owners and admins to read, and to take along.

use super::actor::Actor;
use super::cursor;
use super::refusal::Refusal;
use super::rights::Right;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::App;
use crate::model::event::{COMMAND_LINE, Event, EventKind};
use crate::model::member::Member;
use crate::model::user::User;
use crate::store::records::{load, load_by_index};
use crate::store::{Key, StoreError, keys};
use std::collections::BTreeMap;
use tokio::sync::Semaphore;

/// Entries on one page.
pub const PAGE: usize = 50;
/// Entries in one file.
pub const FILE_MAX: usize = 10_000;
/// Index keys read at once, for one page, and for one file.
const READ_MAX: u32 = 500;
const PAGE_READ_MAX: usize = 5_000;
const FILE_READ_MAX: usize = 100_000;

/// Which entries are wanted; nothing said: all.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Filter {
    pub kind: Option<EventKind>,
    /// A user's id or email address: who did it, or whom it concerns.
    pub person: Option<String>,
    /// By client_id.
    pub app: Option<String>,
    pub from: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// Who did something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Doer {
    Person(Named),
    /// Whoever runs the server.
    CommandLine,
    /// Nobody: it happened by itself.
    Nobody,
}

/// An id, and what it is called. People who never belonged to the organization have no address here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
}

/// An entry, with the names of everything in it.
pub struct Entry {
    pub event: Event,
    pub doer: Doer,
    /// Whom it concerns, where that is somebody else.
    pub concerns: Option<Named>,
    pub app: Option<Named>,
}

pub struct Entries {
    pub entries: Vec<Entry>,
    /// Where the older ones begin; nothing: there are none.
    pub next: Option<String>,
}

/// One page of entries.
pub async fn page(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    filter: &Filter,
    after: Option<&str>,
    limit: usize,
) -> Result<Entries, Refusal> {
    read(ctx, actor, organization, filter, (limit, PAGE_READ_MAX), after).await
}

/// Files put together at once: each holds thousands of events.
static FILES: Semaphore = Semaphore::const_new(2);

/// All of them, or the newest [`FILE_MAX`]: then `next` is set.
pub async fn file(ctx: &Context, actor: &Actor, organization: &str, filter: &Filter) -> Result<Entries, Refusal> {
    let _turn = FILES.acquire().await;
    read(ctx, actor, organization, filter, (FILE_MAX, FILE_READ_MAX), None).await
}

async fn read(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    filter: &Filter,
    (wanted, read_max): (usize, usize),
    after: Option<&str>,
) -> Result<Entries, Refusal> {
    actor.in_organization(ctx, organization, Right::SeeAudit).await?;
    let mut names = Names::new(ctx, organization);
    let mut entries = Vec::new();
    let none = |entries| Ok(Entries { entries, next: None });
    let person = match &filter.person {
        Some(person) => match names.person_meant(person).await? {
            Some(id) => Some(id),
            None => return none(entries),
        },
        None => None,
    };
    let index = keys::events_of_organization(organization);
    let mut at = after.and_then(|after| key_of_cursor(organization, after));
    if at.is_none() {
        // The index counts what is left of all time: what is older comes later.
        let before = |until: Timestamp| Timestamp::from_millis(until.millis().saturating_sub(1));
        at = filter
            .until
            .map(|until| keys::event_of_organization(organization, before(until), ""));
    }
    let (mut read, mut last) = (0, None::<Event>);
    loop {
        let rows = ctx.store.scan(&index, at.as_ref(), READ_MAX).await?;
        let is_last = rows.len() < READ_MAX as usize;
        for (key, stored) in rows {
            if entries.len() == wanted || read == read_max {
                let next = last.as_ref().map(cursor_of);
                return Ok(Entries { entries, next });
            }
            read += 1;
            at = Some(key);
            // Swept meanwhile.
            let Some(event) = load::<Event>(&*ctx.store, &Key(stored.value.to_vec())).await? else {
                continue;
            };
            if filter.from.is_some_and(|from| event.at < from) {
                return none(entries);
            }
            if is_wanted(&event, filter, person.as_deref()) {
                entries.push(names.entry(event.value.clone()).await?);
            }
            last = Some(event.value);
        }
        if is_last {
            return none(entries);
        }
    }
}

fn is_wanted(event: &Event, filter: &Filter, person: Option<&str>) -> bool {
    let is = |one: &Option<String>, wanted: &str| one.as_deref() == Some(wanted);
    filter.kind.is_none_or(|kind| event.kind == kind)
        && person.is_none_or(|id| is(&event.user, id) || is(&event.by, id))
        && filter.app.as_deref().is_none_or(|app| is(&event.client_id, app))
}

fn cursor_of(event: &Event) -> String {
    format!("{}-{}", event.at.millis(), event.id)
}

fn key_of_cursor(organization: &str, text: &str) -> Option<Key> {
    let (at, id) = cursor(Some(text))?.split_once('-')?;
    let at = Timestamp::from_millis(at.parse().ok()?);
    Some(keys::event_of_organization(organization, at, id))
}

/// What ids are called, each looked up once.
struct Names<'a> {
    ctx: &'a Context,
    organization: &'a str,
    people: BTreeMap<String, Named>,
    apps: BTreeMap<String, Named>,
}

impl<'a> Names<'a> {
    fn new(ctx: &'a Context, organization: &'a str) -> Self {
        Self {
            ctx,
            organization,
            people: BTreeMap::new(),
            apps: BTreeMap::new(),
        }
    }

    /// The id of whom a filter names. An address names only who is or was a member: others are not told apart.
    async fn person_meant(&mut self, text: &str) -> Result<Option<String>, StoreError> {
        if !text.contains('@') {
            return Ok(cursor(Some(text)).map(str::to_owned));
        }
        if !User::valid_email(text) {
            return Ok(None);
        }
        let user = load_by_index::<User>(&*self.ctx.store, &keys::email(text)).await?;
        let Some(user) = user else { return Ok(None) };
        let known = self.ever_member(&user.id).await?;
        Ok(known.then(|| user.id.clone()))
    }

    async fn ever_member(&self, user: &str) -> Result<bool, StoreError> {
        let member = self.ctx.load::<Member>(&keys::member(self.organization, user)).await?;
        Ok(member.is_some())
    }

    async fn entry(&mut self, event: Event) -> Result<Entry, StoreError> {
        let did = event.by.as_ref().or(event.user.as_ref());
        let doer = match did {
            _ if event.note.as_deref() == Some(COMMAND_LINE) && event.by.is_none() => Doer::CommandLine,
            Some(id) => Doer::Person(self.person(id).await?),
            None => Doer::Nobody,
        };
        let by_other = event.by.is_some() || doer == Doer::CommandLine;
        let concerns = match &event.user {
            Some(user) if by_other && event.by.as_ref() != Some(user) => Some(self.person(user).await?),
            _ => None,
        };
        let app = match &event.client_id {
            Some(client_id) => Some(self.app(client_id).await?),
            None => None,
        };
        Ok(Entry {
            event,
            doer,
            concerns,
            app,
        })
    }

    async fn person(&mut self, id: &str) -> Result<Named, StoreError> {
        if let Some(known) = self.people.get(id) {
            return Ok(known.clone());
        }
        let user = self.ctx.load::<User>(&keys::user(id)).await?;
        let known = self.ever_member(id).await?;
        let named = Named {
            id: id.to_owned(),
            name: user.as_ref().map_or_else(|| id.to_owned(), |user| user.name.clone()),
            email: user.filter(|_| known).map(|user| user.email.clone()),
        };
        self.people.insert(id.to_owned(), named.clone());
        Ok(named)
    }

    async fn app(&mut self, client_id: &str) -> Result<Named, StoreError> {
        if let Some(known) = self.apps.get(client_id) {
            return Ok(known.clone());
        }
        let app = self.ctx.load::<App>(&keys::app(client_id)).await?;
        let named = Named {
            id: client_id.to_owned(),
            name: app.map_or_else(|| client_id.to_owned(), |app| app.name.clone()),
            email: None,
        };
        self.apps.insert(client_id.to_owned(), named.clone());
        Ok(named)
    }
}
