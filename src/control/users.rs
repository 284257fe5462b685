//! Users: add, list, disable, password.

use super::{LIST_MAX, check_name, commit, deceives, replace};
use crate::base::password;
use crate::base::random;
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::user::{EMAIL_BYTES_MAX, NAME_CHARS_MAX, User};
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, keys, records};
use serde_json::{Value, json};

const PASSWORD_CHARS_MIN: usize = 12;
const PASSWORD_BYTES_MAX: usize = 1024;

pub async fn add(ctx: &Context, email: &str, name: Option<String>, password: Option<String>) -> Result<Value, String> {
    if !User::valid_email(email) || email.chars().any(deceives) || email.to_lowercase().len() > EMAIL_BYTES_MAX {
        return Err(format!("`{email}` is not an email address"));
    }
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
        Some(password) => Some(hash(ctx, password).await?),
        None => None,
    };
    let user = User {
        id: format!("u_{}", random::token::<12>(&*ctx.random)),
        email: email.to_owned(),
        name,
        password,
        disabled: false,
        epoch: 0,
        created_at: ctx.now(),
    };
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
    let new = User {
        password: Some(hash(ctx, password).await?),
        epoch: old.epoch + 1,
        ..old.value.clone()
    };
    replace(ctx, &old, &new).await?;
    Ok(view(&new))
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

async fn hash(ctx: &Context, password: String) -> Result<String, String> {
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        return Err(format!(
            "a password has at least {PASSWORD_CHARS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes"
        ));
    }
    let password = Secret::new(password);
    let random = ctx.random.clone();
    let hashed = tokio::task::spawn_blocking(move || password::hash(&password, &*random)).await;
    hashed.map_err(|_| "the password could not be hashed".to_owned())
}

fn view(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "status": if user.disabled { "disabled" } else { "active" },
        "can_sign_in": user.password.is_some() && !user.disabled,
        "created_at": user.created_at.to_string(),
    })
}
