//! Personal access tokens: made by their user, or by an admin for a member that cannot sign in.

pub mod lists;

use super::actor::{Actor, Membership, TokenBounds};
use super::commit;
use super::refusal::{Fault, Refusal};
use super::rights::{Right, scopes_for};
use crate::base::master::Purpose;
use crate::base::random;
use crate::base::text;
use crate::base::time::Timestamp;
use crate::config::{PatRules, SelfService};
use crate::context::Context;
use crate::model::epoch::Epochs;
use crate::model::event::{Change, Event, EventKind};
use crate::model::member::Member;
use crate::model::personal_token::{NAME_CHARS_MAX, PersonalToken, SCOPES_BYTES_MAX, TOKENS_MAX};
use crate::model::user::{Duty, User};
use crate::oauth::personal_token;
use crate::store::records::Versioned;
use crate::store::{Batch, StoreError, keys};
use std::sync::Arc;

/// Times a decision is made anew because what it rested on changed meanwhile.
const ATTEMPTS_MAX: usize = 8;

/// What is asked for.
pub struct NewToken {
    pub organization: String,
    /// A user id: a member that cannot sign in. `None` for oneself.
    pub member: Option<String>,
    pub name: String,
    /// `None`: all that may be had.
    pub scopes: Option<Vec<String>>,
    pub expiry: Expiry,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// The profile's own.
    Usual,
    At(Timestamp),
    Never,
    /// What was sent is no time.
    Unreadable,
}

/// A new token, and the only time its text is known.
pub struct Made {
    pub token: PersonalToken,
    pub text: String,
}

/// Whom a token is for, with all that was judged.
pub struct Holder {
    /// Of whoever asks.
    pub own: Membership,
    pub user: Arc<Versioned<User>>,
    pub member: Arc<Versioned<Member>>,
}

/// Whoever shows a personal access token that works.
pub struct Bearer {
    pub actor: Actor,
    pub token: Arc<Versioned<PersonalToken>>,
    /// All of its scopes that are effective now: the API's, and those of the JSON API.
    pub scopes: Vec<String>,
}

/// `None` for every text that is worth nothing, whatever the reason.
pub async fn authenticate(ctx: &Context, text: &str) -> Result<Option<Bearer>, StoreError> {
    let acting = match personal_token::verify(ctx, text).await? {
        Ok(acting) => acting,
        Err(why) => {
            log::info!("a personal access token was refused: {why}");
            return Ok(None);
        }
    };
    let own = scopes_for(acting.stands.role, acting.stands.user.duty);
    let built_in = acting.token.scopes.iter().filter(|name| own.contains(&name.as_str()));
    let scopes: Vec<String> = acting.scopes.iter().chain(built_in).cloned().collect();
    let bounds = TokenBounds {
        record: acting.token.clone(),
        scopes: scopes.clone(),
    };
    Ok(Some(Bearer {
        actor: Actor {
            user: acting.stands.user,
            token: Some(bounds),
        },
        token: acting.token,
        scopes,
    }))
}

/// Whom a token would be for: oneself, or a member that cannot sign in, for admins.
pub async fn holder(ctx: &Context, actor: &Actor, organization: &str, member: Option<&str>) -> Result<Holder, Refusal> {
    let Some(id) = member.filter(|id| *id != actor.id()) else {
        let own = actor.in_organization(ctx, organization, Right::MakeTokens).await?;
        // As they are now, and still who was let in: a password that was changed since ends what came before it.
        let user = ctx.load::<User>(&keys::user(actor.id())).await?;
        let user = user.filter(|user| user.epoch == actor.user.epoch && !user.disabled);
        return Ok(Holder {
            user: user.ok_or(Refusal::Conflict)?,
            member: own.member.clone(),
            own,
        });
    };
    let own = actor.in_organization(ctx, organization, Right::ManageTokens).await?;
    let member = ctx.load::<Member>(&keys::member(organization, id)).await?;
    let user = ctx.load::<User>(&keys::user(id)).await?;
    match (user, member) {
        // Who can sign in makes their own: nobody else acts as them.
        (Some(user), Some(member))
            if !member.removed
                && user.password.is_none()
                && !user.disabled
                // Nor does anybody act as somebody above themselves.
                && member.role >= own.role() =>
        {
            Ok(Holder { own, user, member })
        }
        _ => Err(Fault::new("user", "pat_member_bad").into()),
    }
}

impl Holder {
    /// Everything a token of theirs may hold, if `actor` makes it: the API's scopes, then those of the JSON API.
    pub fn offered(&self, ctx: &Context, actor: &Actor) -> Vec<String> {
        let (own, role) = (self.own.role(), self.member.role);
        let catalog = &ctx.profile().scopes;
        let api = catalog.grantable_by(role).filter(|name| catalog.may_grant(own, name));
        // An admin lends a system neither a duty nor a right of their own that its role does not have.
        let duty: Option<Duty> = actor.user.duty.filter(|_| self.user.id == actor.id());
        let maker = scopes_for(own, duty);
        let built_in = scopes_for(role, duty).into_iter().filter(|name| maker.contains(name));
        let within = |name: &&str| match &actor.token {
            None => true,
            // A token makes none that may do more than itself.
            Some(token) => token.scopes.iter().any(|scope| scope == name),
        };
        api.chain(built_in).filter(within).map(str::to_owned).collect()
    }
}

/// Whether this actor may make one at all, as the profile has it.
pub fn is_open(ctx: &Context, actor: &Actor) -> bool {
    ctx.profile().pat.self_service == SelfService::Always || actor.user.duty == Some(Duty::Administrator)
}

pub async fn create(ctx: &Context, actor: &Actor, new: &NewToken) -> Result<Made, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let holder = holder(ctx, actor, &new.organization, new.member.as_deref()).await?;
        if !is_open(ctx, actor) {
            return Err(Refusal::State("pat_on_request"));
        }
        let mut batch = Batch::new();
        let made = add(ctx, actor, &holder, new, &mut batch).await?;
        if commit(ctx, batch).await? {
            return Ok(made);
        }
    }
    Err(Refusal::Conflict)
}

/// Puts a token into the batch, which rests on all that was judged.
pub(super) async fn add(
    ctx: &Context,
    actor: &Actor,
    holder: &Holder,
    new: &NewToken,
    batch: &mut Batch,
) -> Result<Made, Refusal> {
    let made = judge(ctx, actor, holder, new).await?;
    make_room(ctx, &holder.user.id, batch).await?;
    // Written as it is: of two tokens made at once, the second finds the first counted.
    batch.insert(&made.token)?.replace(&holder.user, &holder.user.value)?;
    batch.require(&*ctx.settings().await?);
    holder.own.hold(batch);
    if holder.user.id != actor.id() {
        actor.hold(batch).require(&*holder.member);
    } else if let Some(token) = &actor.token {
        batch.require(&*token.record);
    }
    batch.insert(&event(ctx, actor, &made.token, EventKind::PersonalTokenCreated))?;
    Ok(made)
}

/// All that is wrong with what is asked for, or the token.
async fn judge(ctx: &Context, actor: &Actor, holder: &Holder, new: &NewToken) -> Result<Made, Refusal> {
    let now = ctx.now();
    let mut faults = Vec::new();
    let name = text::name(&new.name, NAME_CHARS_MAX).unwrap_or_default();
    if name.is_empty() {
        faults.push(Fault::new("name", "pat_name_bad").with("characters", NAME_CHARS_MAX));
    }
    let offered = holder.offered(ctx, actor);
    let mut scopes = match &new.scopes {
        Some(wanted) => wanted.clone(),
        None => offered.clone(),
    };
    if scopes.iter().any(|name| !offered.contains(name)) {
        faults.push(Fault::new("scopes", "pat_scope_not_yours"));
    }
    // In the catalog's order, each once.
    scopes = offered.into_iter().filter(|name| scopes.contains(name)).collect();
    if scopes.is_empty() && faults.iter().all(|fault| fault.field != "scopes") {
        faults.push(Fault::new("scopes", "pat_scopes_none"));
    }
    if scopes.iter().map(String::len).sum::<usize>() > SCOPES_BYTES_MAX {
        faults.push(Fault::new("scopes", "pat_scopes_many"));
    }
    let expires_at = match expiry(ctx, actor, new.expiry) {
        Ok(expires_at) => expires_at,
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    let id = random::token::<12>(&*ctx.random);
    let text = personal_token::make(ctx, &holder.user.id, &id);
    let digest = ctx.secret.digest(Purpose::PersonalAccessToken, text.as_bytes());
    let stamps = Epochs {
        global: ctx.settings().await?.epoch,
        organization: holder.own.organization.epoch,
        user: holder.user.epoch,
        member: holder.member.epoch,
        ..Epochs::default()
    };
    let token = PersonalToken {
        id,
        user: holder.user.id.clone(),
        organization: holder.own.organization.id.clone(),
        name,
        digest,
        scopes,
        created_by: actor.id().to_owned(),
        made_with: actor
            .token
            .as_ref()
            .map(|token| (token.record.user.clone(), token.record.id.clone())),
        created_at: now,
        expires_at,
        stamps,
    };
    Ok(Made { token, text })
}

fn expiry(ctx: &Context, actor: &Actor, wanted: Expiry) -> Result<Option<Timestamp>, Fault> {
    let (now, rules) = (ctx.now(), ctx.profile().pat);
    let bad = |key| {
        Err(Fault {
            field: "expires_at",
            key,
            values: Vec::new(),
        })
    };
    // None outlives the token it was made with.
    let latest = actor.token.as_ref().and_then(|token| token.record.expires_at);
    match (wanted, latest) {
        (Expiry::Unreadable, _) => bad("pat_expiry_bad"),
        (Expiry::Never, _) if !rules.no_expiry => bad("pat_expiry_needed"),
        (Expiry::Never, Some(_)) => bad("pat_expiry_own"),
        (Expiry::Never, None) => Ok(None),
        (Expiry::Usual, latest) => {
            let usual = now + rules.default_lifetime;
            Ok(Some(latest.map_or(usual, |latest| usual.min(latest))))
        }
        (Expiry::At(at), _) if at <= now => bad("pat_expiry_past"),
        (Expiry::At(at), _) if at.since(now) > PatRules::LIFETIME_MAX => bad("pat_expiry_far"),
        (Expiry::At(at), Some(latest)) if at > latest => bad("pat_expiry_own"),
        (Expiry::At(at), _) => Ok(Some(at)),
    }
}

/// Where there are as many as there may be, one that works no more goes.
async fn make_room(ctx: &Context, user: &str, batch: &mut Batch) -> Result<(), Refusal> {
    let tokens = lists::all_of(ctx, user).await?;
    if tokens.len() < TOKENS_MAX as usize {
        return Ok(());
    }
    for token in &tokens {
        if personal_token::standing(ctx, token).await?.is_err() {
            batch.remove(token);
            return Ok(());
        }
    }
    Err(Refusal::State("pat_too_many"))
}

/// Ends at once. `token` is what [`lists::find_own`] or [`lists::find_in`] answered.
pub async fn revoke(ctx: &Context, actor: &Actor, token: &Versioned<PersonalToken>) -> Result<(), Refusal> {
    let mut batch = Batch {
        revokes: true,
        ..Batch::new()
    };
    batch.remove(token);
    batch.insert(&event(ctx, actor, token, EventKind::PersonalTokenRevoked))?;
    // A record of this kind is never changed, so a conflict says that it is gone.
    commit(ctx, batch).await?;
    Ok(())
}

fn event(ctx: &Context, actor: &Actor, token: &PersonalToken, kind: EventKind) -> Event {
    let said = |what: &str, text: String| match kind {
        EventKind::PersonalTokenCreated => Change {
            what: what.to_owned(),
            before: None,
            after: Some(text),
        },
        _ => Change {
            what: what.to_owned(),
            before: Some(text),
            after: None,
        },
    };
    let mut changes = vec![said("scopes", token.scopes.join(" "))];
    changes.extend(token.expires_at.map(|at| said("expires_at", at.to_string())));
    Event {
        organization: Some(token.organization.clone()),
        user: Some(token.user.clone()),
        by: (token.user != actor.id()).then(|| actor.id().to_owned()),
        token: actor.token_used(),
        subject: Some(token.name.clone()),
        changes,
        ..Event::new(kind, ctx.now(), &*ctx.random)
    }
}
