//! Users: add, invite, list, disable, password, reset, duty.

use super::organizations;
use super::{LIST_MAX, check_name, commit, replace};
use crate::account::{Refusal, joining, passwords, second_factor};
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::link::LinkKind;
use crate::model::role::Role;
use crate::model::user::{Duty, NAME_CHARS_MAX, User};
use crate::platform::people;
use crate::platform::refusal::Refusal as Refused;
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, keys, records};
use serde_json::{Value, json};

pub async fn add(ctx: &Context, email: &str, name: Option<String>, password: Option<String>) -> Result<Value, String> {
    check_email(email)?;
    if load_by_index::<User>(&*ctx.store, &keys::email(email)).await?.is_some() {
        return Err(format!("there is a user with the address {email} already"));
    }
    let name = match name {
        Some(name) => check_name("a user", &name, NAME_CHARS_MAX)?,
        None => {
            let local = email.split('@').next().unwrap_or_default();
            local.chars().take(NAME_CHARS_MAX).collect()
        }
    };
    let password = match password {
        Some(password) => Some(hash(ctx, email, &name, password).await?),
        None => None,
    };
    let user = joining::new_user(ctx, email, name, password);
    let mut batch = Batch::new();
    batch.insert(&user)?;
    commit(ctx, batch).await?;
    Ok(view(&user))
}

pub async fn list(ctx: &Context) -> Result<Value, String> {
    let (users, _) = records::list::<User>(&*ctx.store, &keys::users(), None, LIST_MAX).await?;
    Ok(users.iter().map(|u| view(u)).collect())
}

/// A flag: enabling brings unexpired tokens back. `token revoke --user` is what ends them for good.
pub async fn disable(ctx: &Context, user: &str, disabled: bool) -> Result<Value, String> {
    let old = find(ctx, user).await?;
    let new = User {
        disabled,
        ..old.value.clone()
    };
    replace(ctx, &old, &new).await?;
    Ok(view(&new))
}

/// A new password ends whatever the old one opened.
pub async fn password(ctx: &Context, user: &str, password: String) -> Result<Value, String> {
    let old = find(ctx, user).await?;
    let phc = hash(ctx, &old.email, &old.name, password).await?;
    let new = passwords::replaced(&old, phc);
    replace(ctx, &old, &new).await?;
    Ok(view(&new))
}

/// Into an organization, whether or not there is an account with this address. The link is in the answer where no mail
/// server takes it.
pub async fn invite(ctx: &Context, email: &str, organization: &str, role: Role) -> Result<Value, String> {
    check_email(email)?;
    let organization = organizations::find(ctx, organization).await?;
    let texts = ctx.config.pages.texts([]);
    let link = joining::invite(ctx, texts, &organization, email, role).await?;
    Ok(sent(email, link, LinkKind::Invitation))
}

/// A link for a new password, which ends nothing before it is used; one-time codes end at once.
pub async fn reset(ctx: &Context, user: &str, second_factor: bool) -> Result<Value, String> {
    let user = find(ctx, user).await?;
    if user.disabled {
        return Err(format!("{} is disabled: enable them first", user.email));
    }
    let texts = ctx.config.pages.texts([]);
    if second_factor && user.totp.is_some() {
        let done = second_factor::take_away(ctx, texts, &user).await;
        done.map_err(|_| "the user was changed by somebody else at the same moment: try again".to_owned())?;
    }
    let link = passwords::send_reset(ctx, texts, &user).await?;
    Ok(sent(&user.email, link, LinkKind::PasswordReset))
}

/// What they do for the whole installation: reviewing apps, administering, or nothing.
pub async fn duty(ctx: &Context, user: &str, duty: Option<Duty>) -> Result<Value, String> {
    let user = find(ctx, user).await?;
    match people::set_duty(ctx, None, &user.id, duty).await {
        Ok(user) => Ok(view(&user)),
        Err(Refused::Store(error)) => Err(error.to_string()),
        Err(Refused::State(_)) => Err(format!(
            "there are {} people on duty already: end somebody's duty first",
            people::ON_DUTY_MAX
        )),
        Err(_) => Err("it was changed by somebody else at the same moment: look at it and try again".into()),
    }
}

/// A link that makes whoever opens it an administrator, once. The one before ends.
pub async fn administrator_link(ctx: &Context) -> Result<Value, String> {
    let link = people::new_link(ctx).await?;
    let hours = LinkKind::Administrator.lives().as_secs() / 3600;
    Ok(json!({ "link": link, "valid_hours": hours }))
}

fn sent(email: &str, link: Option<String>, kind: LinkKind) -> Value {
    let hours = kind.lives().as_secs() / 3600;
    match link {
        Some(link) => json!({ "email": email, "link": link, "valid_hours": hours }),
        None => json!({ "email": email, "mailed": true, "valid_hours": hours }),
    }
}

fn check_email(email: &str) -> Result<(), String> {
    if User::valid_email(email) {
        Ok(())
    } else {
        Err(format!("`{email}` is not an email address"))
    }
}

/// By id or by email.
pub async fn find(ctx: &Context, user: &str) -> Result<Versioned<User>, String> {
    let found = if user.contains('@') {
        load_by_index::<User>(&*ctx.store, &keys::email(user)).await
    } else {
        load::<User>(&*ctx.store, &keys::user(user)).await
    };
    let found = found?;
    found.ok_or_else(|| format!("there is no user {user}: `grantd user list` shows them"))
}

async fn hash(ctx: &Context, email: &str, name: &str, password: String) -> Result<String, String> {
    let hashed = passwords::hash(ctx, &Secret::new(password), &[email, name]).await;
    hashed.map_err(|refusal| match refusal {
        Refusal::Weak(weak) => weak.to_string(),
        _ => "many people are signing in at this moment: try again in a few seconds".to_owned(),
    })
}

fn view(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "status": if user.disabled { "disabled" } else { "active" },
        "can_sign_in": user.password.is_some() && !user.disabled,
        "duty": user.duty.map(Duty::as_str),
        "created_at": user.created_at.to_string(),
    })
}
