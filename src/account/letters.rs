//! Letters to people, put into the outbox by the batch that causes them. `jobs/mail.rs` delivers.

use crate::base::master::Purpose;
use crate::base::random;
use crate::base::time::Timestamp;
use crate::config::Texts;
use crate::context::Context;
use crate::model::mail::{Letter, Mail, TRIED_FOR};
use crate::store::{Batch, StoreError};

/// Writes a letter with this batch. `None` writes as much for nobody: how long an answer takes must not tell who has an
/// account. Nobody gets a letter after `useless_at`. Without a mail server nothing is written.
pub fn post(
    ctx: &Context,
    batch: &mut Batch,
    letter: Option<&Letter>,
    useless_at: Timestamp,
) -> Result<(), StoreError> {
    if ctx.config.mail.is_none() {
        return Ok(());
    }
    let now = ctx.now();
    let id = format!("m_{}", random::token::<12>(&*ctx.random));
    let seal = |letter| {
        let text = serde_json::to_vec(letter).expect("texts are JSON");
        ctx.secret.seal(Purpose::Mail, id.as_bytes(), &text, &*ctx.random)
    };
    let mail = Mail {
        letter: letter.map(seal),
        id,
        next_attempt_at: now,
        attempts: 0,
        given_up_at: useless_at.min(now + TRIED_FOR),
    };
    batch.insert(&mail).map(|_| ())
}

/// What stands in the mail; `None` where there is nobody to write to.
pub fn open(ctx: &Context, mail: &Mail) -> Option<Letter> {
    let text = ctx
        .secret
        .open(Purpose::Mail, mail.id.as_bytes(), mail.letter.as_ref()?)?;
    serde_json::from_slice(&text).ok()
}

/// Which texts a letter is made of.
#[derive(Clone, Copy)]
pub struct Form {
    subject: &'static str,
    text: &'static str,
}

impl Form {
    pub const fn new(subject: &'static str, text: &'static str) -> Self {
        Self { subject, text }
    }
}

pub const RESET: Form = Form {
    subject: "mail_reset_subject",
    text: "mail_reset_text",
};
pub const PASSWORD_CHANGED: Form = Form {
    subject: "mail_password_changed_subject",
    text: "mail_password_changed_text",
};
pub const TOTP_OFF: Form = Form {
    subject: "mail_totp_off_subject",
    text: "mail_totp_off_text",
};
pub const INVITATION: Form = Form {
    subject: "mail_invitation_subject",
    text: "mail_invitation_text",
};
pub const SIGN_UP: Form = Form {
    subject: "mail_sign_up_subject",
    text: "mail_sign_up_text",
};
pub const SIGN_UP_KNOWN: Form = Form {
    subject: "mail_sign_up_known_subject",
    text: "mail_sign_up_known_text",
};
pub const ASKS_FOR_APP: Form = Form {
    subject: "mail_consent_subject",
    text: "mail_consent_app_text",
};
pub const ASKS_FOR_ROLE: Form = Form {
    subject: "mail_consent_subject",
    text: "mail_consent_role_text",
};

pub fn compose(ctx: &Context, texts: &Texts, to: &str, form: Form, values: &[(&str, &str)]) -> Letter {
    let host = ctx.issuer().split_once("://").map_or(ctx.issuer(), |(_, host)| host);
    let values = [&[("host", host), ("email", to)], values].concat();
    let mut text = texts.fill(form.text, &values);
    if let Some(help) = ctx.config.help() {
        text = format!("{}\n\n{} {help}\n", text.trim_end(), texts.get("doc_help"));
    }
    Letter {
        to: to.to_owned(),
        subject: texts.fill(form.subject, &values),
        text,
    }
}
