//! Native apps: the platforms of the profile, and their installations, which register by themselves.
//!
//! An installation is a public client of its own that is known by a key (RFC 9449). What its tokens are like says the
//! template of its platform, which no installation changes.

pub mod error;
pub mod register;
mod registration;

use super::error::{ErrorCode, OAuthError};
use crate::base::jose::Algorithm;
use crate::config::{NativeTemplate, Resource};
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::failure::Rule;
use std::time::Duration;

/// Where installations register and are reset.
pub const PATH: &str = "/oauth/native/installations";

/// Of the platform that an installation is of; `None` for every other app, and for a platform that the profile no
/// longer has.
pub fn template<'a>(ctx: &'a Context, app: &App) -> Option<&'a NativeTemplate> {
    let installation = app.installation.as_ref()?;
    ctx.profile().native_template(&installation.platform)
}

/// What the tokens of an app are like.
pub struct Terms {
    pub algorithm: Algorithm,
    pub access_token: Duration,
    pub refresh_idle: Duration,
    pub refresh_absolute: Duration,
}

/// As the template says, else the resource and the profile.
pub fn terms(ctx: &Context, app: &App, resource: &Resource) -> Terms {
    match template(ctx, app) {
        Some(template) => Terms {
            algorithm: template.algorithm,
            access_token: template.access_token,
            refresh_idle: template.refresh_idle.unwrap_or(Duration::MAX),
            refresh_absolute: template.refresh_absolute.unwrap_or(Duration::MAX),
        },
        None => Terms {
            algorithm: resource.algorithm,
            access_token: resource.access_token_lifetime,
            refresh_idle: ctx.profile().lifetimes.refresh_idle,
            refresh_absolute: ctx.profile().lifetimes.refresh_absolute,
        },
    }
}

/// An installation is told of another resource than its own as of any other thing that does not fit the code or the
/// refresh token: its plugin knows no `invalid_target`.
pub fn as_grant_error(app: &App, error: OAuthError) -> OAuthError {
    if app.kind != Kind::Native || error.code != ErrorCode::InvalidTarget {
        return error;
    }
    OAuthError {
        code: ErrorCode::InvalidGrant,
        ..error.breaking(Rule::Resource)
    }
}
