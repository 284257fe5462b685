//! How people come in: invited into an organization, or by signing up.

use super::attempts::{self, Allowance};
use super::letters::{self, compose, post};
use super::{Refusal, commit, links, passwords};
use crate::base::random;
use crate::base::secret::Secret;
use crate::base::text;
use crate::config::{SignUp, Texts};
use crate::context::Context;
use crate::model::event::{Change, Event, EventKind, TokenUsed};
use crate::model::link::{Allows, Link, LinkKind};
use crate::model::member::Member;
use crate::model::organization::Organization;
use crate::model::role::Role;
use crate::model::user::{NAME_CHARS_MAX, User};
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, StoreError, keys};
use std::net::IpAddr;
use std::time::Duration;

/// Letters to one address, whoever asks for them.
const SIGN_UPS: Allowance = Allowance {
    what: "sign-up",
    max: 3,
    window: Duration::from_secs(60 * 60),
};

/// What an invitation offers, and to whom.
pub struct Invitation {
    link: Versioned<Link>,
    pub organization: Versioned<Organization>,
    pub email: String,
    pub role: Role,
    epoch: u64,
    by: Option<Versioned<Member>>,
    /// Whoever has the address already; they have to be signed in to accept.
    pub user: Option<Versioned<User>>,
}

/// A user who is in no organization yet.
pub fn new_user(ctx: &Context, email: &str, name: String, password: Option<String>) -> User {
    User {
        id: format!("u_{}", random::token::<12>(&*ctx.random)),
        email: email.to_owned(),
        name,
        password,
        totp: None,
        duty: None,
        language: None,
        disabled: false,
        epoch: 0,
        created_at: ctx.now(),
    }
}

/// Who is invited where, and by which member.
pub struct Invite<'a> {
    pub organization: &'a Organization,
    pub email: &'a str,
    pub role: Role,
    pub by: Option<&'a str>,
    pub token: Option<TokenUsed>,
}

/// Sends an invitation of whoever runs the server; its link, to show, where no mail server takes it.
pub async fn invite(
    ctx: &Context,
    texts: &Texts,
    organization: &Organization,
    email: &str,
    role: Role,
) -> Result<Option<String>, StoreError> {
    let invite = Invite {
        organization,
        email,
        role,
        by: None,
        token: None,
    };
    let mut batch = Batch::new();
    let link = invite_with(ctx, texts, &mut batch, &invite).await?;
    commit(ctx, batch).await?;
    Ok(link)
}

/// Sends an invitation with this batch; its link, to show, where no mail server takes it.
pub async fn invite_with(
    ctx: &Context,
    texts: &Texts,
    batch: &mut Batch,
    invite: &Invite<'_>,
) -> Result<Option<String>, StoreError> {
    let Invite {
        organization,
        email,
        role,
        by,
        ref token,
    } = *invite;
    let user = load_by_index::<User>(&*ctx.store, &keys::email(email)).await?;
    let member = match user {
        Some(user) => load::<Member>(&*ctx.store, &keys::member(&organization.id, &user.id)).await?,
        None => None,
    };
    let allows = Allows::Invitation {
        organization: organization.id.clone(),
        email: email.to_owned(),
        role,
        epoch: member.map_or(0, |member| member.epoch),
        by: by.map(str::to_owned),
    };
    let link = links::make(ctx, LinkKind::Invitation, allows);
    let values = [("link", link.url.as_str()), ("organization", &organization.name)];
    let letter = compose(ctx, texts, email, letters::INVITATION, &values);
    batch.insert(&link.record)?;
    post(ctx, batch, Some(&letter), link.record.expires_at)?;
    let event = Event::by_command_line(EventKind::MemberInvited, &organization.id, ctx.now(), &*ctx.random);
    batch.insert(&Event {
        subject: Some(email.to_owned()),
        changes: vec![Change::new("role", None::<Role>, Some(role))],
        by: by.map(str::to_owned),
        token: token.clone(),
        note: event.note.clone().filter(|_| by.is_none()),
        ..event
    })?;
    Ok(ctx.config.mail.is_none().then_some(link.url))
}

/// What the link invites to, while the organization stands.
pub async fn invitation(ctx: &Context, token: &str) -> Result<Invitation, Refusal> {
    let link = links::find(ctx, LinkKind::Invitation, token).await?;
    let link = link.ok_or(Refusal::LinkGone)?;
    let Allows::Invitation {
        organization,
        email,
        role,
        epoch,
        by,
    } = link.allows.clone()
    else {
        return Err(Refusal::LinkGone);
    };
    let by = match by {
        Some(by) => Some(
            inviting(ctx, &organization, &by, role)
                .await?
                .ok_or(Refusal::LinkGone)?,
        ),
        None => None,
    };
    let organization = load::<Organization>(&*ctx.store, &keys::organization(&organization)).await?;
    let organization = organization.filter(|organization| !organization.disabled);
    Ok(Invitation {
        organization: organization.ok_or(Refusal::LinkGone)?,
        user: load_by_index(&*ctx.store, &keys::email(&email)).await?,
        link,
        email,
        role,
        epoch,
        by,
    })
}

/// Who invited, while they may still give this role: whoever is removed or loses theirs leaves no way in behind.
pub async fn inviting(
    ctx: &Context,
    organization: &str,
    by: &str,
    role: Role,
) -> Result<Option<Versioned<Member>>, StoreError> {
    let user = load::<User>(&*ctx.store, &keys::user(by)).await?;
    if user.is_none_or(|user| user.disabled) {
        return Ok(None);
    }
    let member = load::<Member>(&*ctx.store, &keys::member(organization, by)).await?;
    Ok(member.filter(|member| !member.removed && member.role <= Role::Admin && member.role <= role))
}

/// The user who is signed in joins; only who has the address that was invited.
pub async fn accept(ctx: &Context, token: &str, signed_in: &str) -> Result<(), Refusal> {
    loop {
        let invitation = invitation(ctx, token).await?;
        let user = invitation.user.as_ref();
        let user = user.filter(|user| user.id == signed_in && !user.disabled);
        let user = user.ok_or(Refusal::OtherAccount)?;
        let mut batch = Batch::new();
        batch.require(user);
        join(ctx, &mut batch, &invitation, &user.id).await?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
}

/// Whoever was invited makes an account and joins with it.
pub async fn accept_as_new(ctx: &Context, token: &str, name: &str, password: &Secret) -> Result<(), Refusal> {
    let invited = invitation(ctx, token).await?;
    if ctx.config.sign_up == SignUp::Closed {
        return Err(Refusal::Closed);
    }
    let user = chosen(ctx, &invited.email, name, password).await?;
    loop {
        let invitation = invitation(ctx, token).await?;
        if invitation.user.is_some() {
            return Err(Refusal::OtherAccount);
        }
        let mut batch = Batch::new();
        batch.insert(&user)?;
        join(ctx, &mut batch, &invitation, &user.id).await?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
}

/// Uses the link up. Who is a member already keeps their role: an old invitation takes nothing away. Nor does it bring
/// back whom somebody has removed meanwhile.
async fn join(ctx: &Context, batch: &mut Batch, invitation: &Invitation, user: &str) -> Result<(), Refusal> {
    batch.remove(&invitation.link).require(&invitation.organization);
    if let Some(by) = &invitation.by {
        batch.require(by);
    }
    let (organization, role) = (&invitation.organization.id, invitation.role);
    match load::<Member>(&*ctx.store, &keys::member(organization, user)).await? {
        Some(old) if !old.removed => {
            batch.require(&old);
            return Ok(());
        }
        Some(old) if old.epoch != invitation.epoch => return Err(Refusal::LinkGone),
        Some(old) => batch.replace(&old, &old.with_role(role))?,
        None => batch.insert(&Member::new(organization, user, role, ctx.now()))?,
    };
    batch.insert(&Event {
        organization: Some(organization.clone()),
        user: Some(user.to_owned()),
        changes: vec![Change::new("role", None::<Role>, Some(role))],
        ..Event::new(EventKind::MemberAdded, ctx.now(), &*ctx.random)
    })?;
    Ok(())
}

/// Sends a link to this address: to make an account, or a word that there is one. The answer is the same.
pub async fn ask_sign_up(ctx: &Context, texts: &Texts, email: &str, peer: IpAddr) -> Result<(), Refusal> {
    if ctx.config.sign_up != SignUp::Open {
        return Err(Refusal::Closed);
    }
    if !User::valid_email(email) {
        return Err(Refusal::BadAddress);
    }
    if !attempts::ask(ctx, &SIGN_UPS, email, peer).await? {
        return Ok(());
    }
    let known = load_by_index::<User>(&*ctx.store, &keys::email(email)).await?;
    let (allows, letter) = match &known {
        Some(_) => (Allows::Nothing, letters::SIGN_UP_KNOWN),
        None => {
            let email = email.to_owned();
            (Allows::SignUp { email }, letters::SIGN_UP)
        }
    };
    let link = links::make(ctx, LinkKind::SignUp, allows);
    let to = known.as_ref().map_or(email, |user| &user.email);
    let letter = compose(ctx, texts, to, letter, &[("link", &link.url)]);
    let mut batch = Batch::new();
    batch.insert(&link.record)?;
    post(ctx, &mut batch, Some(&letter), link.record.expires_at)?;
    commit(ctx, batch).await?;
    Ok(())
}

/// For which address the link makes an account.
pub async fn signing_up(ctx: &Context, token: &str) -> Result<(Versioned<Link>, String), Refusal> {
    let link = links::find(ctx, LinkKind::SignUp, token).await?;
    let link = link.ok_or(Refusal::LinkGone)?;
    let Allows::SignUp { email } = link.allows.clone() else {
        return Err(Refusal::LinkGone);
    };
    // Somebody was faster, with another link.
    let taken = load_by_index::<User>(&*ctx.store, &keys::email(&email))
        .await?
        .is_some();
    if taken || ctx.config.sign_up != SignUp::Open {
        return Err(Refusal::LinkGone);
    }
    Ok((link, email))
}

/// Makes the account of a sign-up link, once.
pub async fn sign_up(ctx: &Context, token: &str, name: &str, password: &Secret) -> Result<(), Refusal> {
    let (_, email) = signing_up(ctx, token).await?;
    let user = chosen(ctx, &email, name, password).await?;
    loop {
        let (link, _) = signing_up(ctx, token).await?;
        let mut batch = Batch::new();
        batch.remove(&link).insert(&user)?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
}

/// Whoever chooses this name and this password, with an address that is theirs.
pub async fn chosen(ctx: &Context, email: &str, name: &str, password: &Secret) -> Result<User, Refusal> {
    let name = text::name(name, NAME_CHARS_MAX).ok_or(Refusal::BadName)?;
    let phc = passwords::hash(ctx, password, &[email, &name]).await?;
    Ok(new_user(ctx, email, name, Some(phc)))
}
