//! The members of an organization, as those an app may name.

use crate::base::order;
use crate::context::Context;
use crate::model::member::Member;
use crate::model::role::Role;
use crate::model::user::User;
use crate::platform::refusal::Fault;
use crate::store::records::{Versioned, list};
use crate::store::{Batch, StoreError, keys};
use std::sync::Arc;

/// Members that a form offers.
const OFFERED_MAX: u32 = 200;

/// A member who can be named.
#[derive(Clone)]
pub struct Person {
    pub user: Arc<Versioned<User>>,
    pub member: Arc<Versioned<Member>>,
}

/// What somebody wrote where a member is asked for.
pub enum Named {
    Nobody,
    Member(Person),
    /// No member, or one who is disabled.
    Unknown,
}

/// The members who are not disabled, by name.
pub async fn of_organization(ctx: &Context, organization: &str) -> Result<Vec<Person>, StoreError> {
    let (members, _) = list::<Member>(&*ctx.store, &keys::members(organization), None, OFFERED_MAX).await?;
    let mut people = Vec::new();
    for member in members.into_iter().filter(|member| !member.removed) {
        let user = ctx.load::<User>(&keys::user(&member.user)).await?;
        if let Some(user) = user.filter(|user| !user.disabled) {
            let member = Arc::new(member);
            people.push(Person { user, member });
        }
    }
    order::by(&mut people, |a, b| {
        a.user
            .name
            .cmp(&b.user.name)
            .then_with(|| a.user.email.cmp(&b.user.email))
    });
    Ok(people)
}

/// The member with this user id.
pub async fn find(ctx: &Context, organization: &str, user: &str) -> Result<Named, StoreError> {
    if user.is_empty() {
        return Ok(Named::Nobody);
    }
    let member = ctx.load::<Member>(&keys::member(organization, user)).await?;
    let user = ctx.load::<User>(&keys::user(user)).await?;
    Ok(match (user, member) {
        (Some(user), Some(member)) if !user.disabled && !member.removed => Named::Member(Person { user, member }),
        _ => Named::Unknown,
    })
}

impl Named {
    /// Whom a private app acts as, chosen by somebody with this role. Nobody chooses a member above themselves: the
    /// app's tokens would do for them what they may not do.
    pub fn dedicated(&self, role: Role, batch: &mut Batch, faults: &mut Vec<Fault>) -> Option<String> {
        let key = match self {
            Self::Nobody => return None,
            Self::Unknown => "developer_fault_no_member",
            // From the most to the least powerful.
            Self::Member(person) if person.member.role < role => "developer_fault_user_above",
            Self::Member(person) => {
                batch.require(&*person.member).require(&*person.user);
                return Some(person.user.id.clone());
            }
        };
        faults.push(Fault::new("dedicated_user", key));
        None
    }
}
