//! Who asks, and whether they may.

use super::refusal::Refusal;
use super::rights::{Relation, Right, may, scope_of};
use crate::base::order;
use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::Dossier;
use crate::model::event::TokenUsed;
use crate::model::member::Member;
use crate::model::organization::Organization;
use crate::model::personal_token::PersonalToken;
use crate::model::role::Role;
use crate::model::user::User;
use crate::store::records::{Versioned, list_by_index, load};
use crate::store::{Batch, StoreError, keys};
use std::sync::Arc;

/// Organizations of one user that are looked at.
pub const MEMBERSHIPS_MAX: u32 = 200;

/// Somebody signed in, or a script with their personal access token.
#[derive(Clone)]
pub struct Actor {
    pub user: Arc<Versioned<User>>,
    pub token: Option<TokenBounds>,
}

/// What a personal access token lets its holder do of what its user may.
#[derive(Clone, Debug)]
pub struct TokenBounds {
    /// It works in its own organization only.
    pub record: Arc<Versioned<PersonalToken>>,
    /// What of its scopes is effective now.
    pub scopes: Vec<String>,
}

/// One organization somebody belongs to.
#[derive(Clone)]
pub struct Membership {
    pub organization: Arc<Versioned<Organization>>,
    pub member: Arc<Versioned<Member>>,
}

/// An app, as whoever asks may see it. [`Self::hold`] binds a batch to all that made it so.
pub struct AppAccess {
    pub app: Versioned<App>,
    pub dossier: Option<Versioned<Dossier>>,
    pub relation: Relation,
    membership: Option<Membership>,
}

impl Membership {
    pub fn role(&self) -> Role {
        self.member.role
    }
}

impl Actor {
    pub fn of_user(user: Arc<Versioned<User>>) -> Self {
        Self { user, token: None }
    }

    /// The user's id.
    pub fn id(&self) -> &str {
        &self.user.id
    }

    /// Whether they may do this in the organization. Whoever is no member does not learn that there is one.
    pub async fn in_organization(&self, ctx: &Context, id: &str, right: Right) -> Result<Membership, Refusal> {
        let membership = self.membership(ctx, id).await?.ok_or(Refusal::NotFound)?;
        let relation = Relation {
            role: Some(membership.role()),
            ..Relation::default()
        };
        self.judge(right, relation, id)?;
        Ok(membership)
    }

    /// Whether they may do this with the app. Whoever may not see it does not learn that there is one.
    pub async fn on_app(&self, ctx: &Context, client_id: &str, right: Right) -> Result<AppAccess, Refusal> {
        let app = load::<App>(&*ctx.store, &keys::app(client_id)).await?;
        let app = app.ok_or(Refusal::NotFound)?;
        let dossier = load::<Dossier>(&*ctx.store, &keys::dossier(client_id)).await?;
        let membership = self.membership(ctx, &app.organization).await?;
        let email = self.user.email.to_lowercase();
        let relation = Relation {
            role: membership.as_ref().map(Membership::role),
            in_team: dossier
                .as_ref()
                .is_some_and(|d| d.team.iter().any(|id| id == self.id())),
            stakeholder: dossier.as_ref().is_some_and(|d| d.stakeholders.contains(&email)),
            duty: None,
        };
        if !may(Right::SeeApp, relation) {
            return Err(Refusal::NotFound);
        }
        self.judge(right, relation, &app.organization)?;
        Ok(AppAccess {
            app,
            dossier,
            relation,
            membership,
        })
    }

    /// The token they act with, for the events of what they do.
    pub fn token_used(&self) -> Option<TokenUsed> {
        let record = &self.token.as_ref()?.record;
        Some(TokenUsed {
            id: record.id.clone(),
            name: record.name.clone(),
        })
    }

    /// Whether they may do this for the whole installation.
    pub fn on_duty(&self, right: Right) -> Result<(), Refusal> {
        let relation = Relation {
            duty: self.user.duty,
            ..Relation::default()
        };
        if !may(right, relation) {
            return Err(Refusal::NotFound);
        }
        self.judge_token(right)
    }

    /// The organizations they belong to and that are not disabled, by name.
    pub async fn memberships(&self, ctx: &Context) -> Result<Vec<Membership>, StoreError> {
        let index = keys::members_of_user(self.id());
        let mut found = Vec::new();
        let (members, _) = list_by_index::<Member>(&*ctx.store, &index, None, MEMBERSHIPS_MAX).await?;
        for member in members.iter().filter(|member| !member.removed) {
            found.extend(self.membership(ctx, &member.organization).await?);
        }
        order::by(&mut found, |a, b| a.organization.name.cmp(&b.organization.name));
        Ok(found)
    }

    async fn membership(&self, ctx: &Context, id: &str) -> Result<Option<Membership>, StoreError> {
        let organization = ctx.load::<Organization>(&keys::organization(id)).await?;
        let member = ctx.load::<Member>(&keys::member(id, self.id())).await?;
        Ok(match (organization, member) {
            (Some(organization), Some(member)) if !organization.disabled && !member.removed => {
                Some(Membership { organization, member })
            }
            _ => None,
        })
    }

    fn judge(&self, right: Right, relation: Relation, organization: &str) -> Result<(), Refusal> {
        if let Some(token) = &self.token
            && token.record.organization != organization
        {
            return Err(Refusal::NotFound);
        }
        if !may(right, relation) {
            return Err(Refusal::Forbidden);
        }
        self.judge_token(right)
    }

    fn judge_token(&self, right: Right) -> Result<(), Refusal> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let needed = scope_of(right).ok_or(Refusal::Forbidden)?;
        if token.scopes.iter().any(|scope| scope == needed) {
            Ok(())
        } else {
            Err(Refusal::MissingScope(needed))
        }
    }

    /// The batch rests on the user as they are now, and on the token they act with.
    pub fn hold<'b>(&self, batch: &'b mut Batch) -> &'b mut Batch {
        if let Some(token) = &self.token {
            batch.require(&*token.record);
        }
        batch.require(&*self.user)
    }
}

impl Membership {
    /// The batch rests on the role and on the organization as they are now.
    pub fn hold<'b>(&self, batch: &'b mut Batch) -> &'b mut Batch {
        batch.require(&*self.member).require(&*self.organization)
    }
}

impl AppAccess {
    /// The dossier; an empty one where the app was made without.
    pub fn dossier(&self) -> Dossier {
        match &self.dossier {
            Some(dossier) => dossier.value.clone(),
            None => Dossier::beside(&self.app),
        }
    }

    /// Puts this dossier in place of the one there was, if any.
    pub fn put_dossier(&self, batch: &mut Batch, new: &Dossier) -> Result<(), StoreError> {
        match &self.dossier {
            Some(old) => batch.replace(old, new)?,
            None => batch.insert(new)?,
        };
        Ok(())
    }

    /// The batch rests on the role, where it was a role that opened the app. What replaces the app itself or its
    /// dossier rests on those anyway.
    pub fn hold(&self, batch: &mut Batch) {
        if let Some(membership) = &self.membership {
            membership.hold(batch);
        }
    }
}
