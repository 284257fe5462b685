//! The second factor: time-based one-time passwords (RFC 6238), and recovery codes for a device that is lost.
//!
//! A code counts once: accepting it is a conditional write of its time step. Attempts are counted in the store before
//! they are made, so that of many guesses at once only a few are looked at.

use super::attempts::{self, Allowance};
use super::letters::{self, compose, post};
use super::{Refusal, commit, note, passwords};
use crate::base::digest::{base64url, from_base64url};
use crate::base::master::{KeyedDigest, Purpose, Sealed};
use crate::base::random;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::config::Texts;
use crate::context::Context;
use crate::model::event::EventKind;
use crate::model::mail::{Letter, TRIED_FOR};
use crate::model::user::{Totp, User};
use crate::store::records::{Versioned, load};
use crate::store::{Batch, StoreError, keys};
use std::net::IpAddr;
use std::time::Duration;
use totp_rs::Builder;
use zeroize::Zeroizing;

/// A guess hits one of three codes in a million (RFC 6238 §5.2, RFC 4226 §7.3).
const GUESSES: Allowance = Allowance {
    what: "one-time code",
    max: 5,
    window: Duration::from_secs(15 * 60),
};

/// RFC 4226 §4, R6.
const SEED_BYTES: usize = 20;
const STEP_S: u64 = 30;
const RECOVERY_CODES: usize = 10;
/// Five bits each.
const RECOVERY_CHARS: usize = 10;
/// How long a new seed may stand on the page before it is confirmed.
const ENROLMENT_MAX: Duration = Duration::from_secs(60 * 60);

/// A seed that was shown and not confirmed yet. Nothing of it is stored: the page sends it back, sealed.
pub struct Enrolment {
    pub sealed: String,
    /// In base32, for typing.
    pub secret: Zeroizing<String>,
    /// `otpauth://totp/…`, for the picture.
    pub uri: Zeroizing<String>,
}

/// A seed that was offered, a code of it, and the password of whoever sends them.
pub struct NewFactor<'a> {
    pub sealed: &'a str,
    pub code: &'a str,
    pub password: &'a Secret,
}

/// What shows that whoever is signed in is the user, and no one who found the browser open.
pub enum Proof<'a> {
    Password(&'a Secret),
    Code(&'a str),
}

/// The hook of the sign-in, to be asked when the password was right: the user with `code` used up, or as they are where
/// they have no second factor. Whoever asks puts them in place of `user` in the batch of what the code opens: of two
/// who show the same code at once, one conflicts.
///
/// Each refusal has cost one commit, whatever it is for: see [`pretend`].
pub async fn check(ctx: &Context, user: &User, code: Option<&str>) -> Result<User, Refusal> {
    let Some(totp) = &user.totp else {
        return Ok(user.clone());
    };
    let Some(code) = code else {
        // Nothing is no guess.
        pretend(ctx).await?;
        return Err(Refusal::WrongCode);
    };
    if let Err(refusal) = attempts::count(ctx, &GUESSES, &user.id).await {
        pretend(ctx).await?;
        return Err(refusal);
    }
    let left = use_up(ctx, user, totp, code).ok_or(Refusal::WrongCode)?;
    attempts::forget(ctx, &GUESSES, &user.id).await?;
    Ok(User {
        totp: Some(left),
        ..user.clone()
    })
}

/// The work of a wrong code, for a sign-in that did not come so far: its time must not tell that the password is wrong.
pub async fn pretend(ctx: &Context) -> Result<(), StoreError> {
    attempts::pretend(ctx, &GUESSES).await
}

/// What is left when `code` is used; `None` when it is wrong or was used.
fn use_up(ctx: &Context, user: &User, totp: &Totp, code: &str) -> Option<Totp> {
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if code.len() == RECOVERY_CHARS {
        let subject = recovery_subject(user, &code.to_uppercase());
        let verify = |digest: &KeyedDigest| ctx.secret.verify(Purpose::RecoveryCode, &subject, digest);
        let at = totp.recovery.iter().position(verify)?;
        let mut left = totp.clone();
        left.recovery.remove(at);
        return Some(left);
    }
    let seed = ctx.secret.open(Purpose::TotpSeed, user.id.as_bytes(), &totp.seed)?;
    let step = step_of(&seed, &code, ctx.now())?;
    // RFC 6238 §5.2: the second attempt with a code is refused, and so is an older one.
    (step > totp.last_step).then(|| Totp {
        last_step: step,
        ..totp.clone()
    })
}

/// The time step whose code this is: the present one, or one to either side for clocks that differ (RFC 6238 §6).
fn step_of(seed: &[u8], code: &str, now: Timestamp) -> Option<u64> {
    generator(seed, String::new(), None).check(code, now.seconds())
}

fn generator(seed: &[u8], account: String, issuer: Option<String>) -> totp_rs::Totp {
    // Its defaults are those of RFC 6238 §4 and of the apps: SHA-1, six digits, 30 seconds, one step to either side.
    let builder = Builder::new().with_secret(seed.to_vec()).with_step_duration(STEP_S);
    builder
        .with_account_name(account)
        .with_issuer(issuer)
        .build_noncompliant()
}

/// A seed to show to the user.
pub fn offer(ctx: &Context, user: &User) -> Enrolment {
    let seed = Zeroizing::new(random::bytes::<SEED_BYTES>(&*ctx.random));
    let dated = Zeroizing::new([&ctx.now().millis().to_be_bytes()[..], &seed[..]].concat());
    let sealed = ctx.secret.seal(Purpose::TotpSeed, &pending(user), &dated, &*ctx.random);
    shown(ctx, user, &*seed, &sealed)
}

/// The same seed again, for a page that is shown once more; `None` when it is too old or not this user's.
pub fn offered(ctx: &Context, user: &User, sealed: &str) -> Option<Enrolment> {
    let seed = pending_seed(ctx, user, sealed)?;
    let sealed = Sealed::from_bytes(from_base64url(sealed)?);
    Some(shown(ctx, user, &seed, &sealed))
}

fn shown(ctx: &Context, user: &User, seed: &[u8], sealed: &Sealed) -> Enrolment {
    let host = ctx.issuer().split_once("://").map_or(ctx.issuer(), |(_, host)| host);
    // A colon ends the issuer in the address that the apps read.
    let issuer = host.split(':').next().unwrap_or(host).to_owned();
    let generator = generator(seed, user.email.clone(), Some(issuer));
    Enrolment {
        sealed: base64url(sealed.as_bytes()),
        secret: Zeroizing::new(generator.secret().to_base32()),
        uri: Zeroizing::new(generator.to_url().unwrap_or_default()),
    }
}

fn pending(user: &User) -> Vec<u8> {
    [b"pending\0", user.id.as_bytes()].concat()
}

fn pending_seed(ctx: &Context, user: &User, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = Sealed::from_bytes(from_base64url(sealed)?);
    let dated = ctx.secret.open(Purpose::TotpSeed, &pending(user), &sealed)?;
    let (offered_at, seed) = dated.split_first_chunk::<8>()?;
    let offered_at = Timestamp::from_millis(u64::from_be_bytes(*offered_at));
    (ctx.now().since(offered_at) < ENROLMENT_MAX).then(|| Zeroizing::new(seed.to_vec()))
}

/// Turns the second factor on with a code of the offered seed: the device has it. The recovery codes are in the answer
/// and nowhere else.
pub async fn enrol(ctx: &Context, user: &str, new: NewFactor<'_>, peer: IpAddr) -> Result<Vec<String>, Refusal> {
    let NewFactor { sealed, code, password } = new;
    let user = find(ctx, user).await?;
    let seed = pending_seed(ctx, &user, sealed).ok_or(Refusal::LinkGone)?;
    // One that is there already is turned off first.
    if user.totp.is_some() {
        return Err(Refusal::LinkGone);
    }
    passwords::verify(ctx, &user, password, peer).await?;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let last_step = step_of(&seed, &code, ctx.now()).ok_or(Refusal::WrongCode)?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(ctx)).collect();
    let digest = |code: &String| ctx.secret.digest(Purpose::RecoveryCode, &recovery_subject(&user, code));
    let totp = Totp {
        seed: ctx
            .secret
            .seal(Purpose::TotpSeed, user.id.as_bytes(), &seed, &*ctx.random),
        last_step,
        recovery: codes.iter().map(digest).collect(),
    };
    set(ctx, &user, Some(totp), None).await?;
    let (halves, half) = (codes.iter(), RECOVERY_CHARS / 2);
    Ok(halves
        .map(|code| format!("{}-{}", &code[..half], &code[half..]))
        .collect())
}

/// Turns the second factor off, for whoever shows the password or a code. What is shown has to be right.
pub async fn disable(ctx: &Context, texts: &Texts, user: &str, shown: Proof<'_>, peer: IpAddr) -> Result<(), Refusal> {
    let user = find(ctx, user).await?;
    match shown {
        Proof::Password(password) => passwords::verify(ctx, &user, password, peer).await?,
        Proof::Code(code) => check(ctx, &user, Some(code)).await.map(|_| ())?,
    }
    take_away(ctx, texts, &user).await
}

/// Turns the second factor off for an administrator, whose user has lost both the device and the recovery codes.
pub async fn take_away(ctx: &Context, texts: &Texts, user: &Versioned<User>) -> Result<(), Refusal> {
    // Who did not do it learns of it, as of a new password.
    let letter = compose(ctx, texts, &user.email, letters::TOTP_OFF, &[]);
    set(ctx, user, None, Some(&letter)).await
}

async fn find(ctx: &Context, user: &str) -> Result<Versioned<User>, Refusal> {
    let user = load::<User>(&*ctx.store, &keys::user(user)).await?;
    user.filter(|user| !user.disabled).ok_or(Refusal::LinkGone)
}

async fn set(
    ctx: &Context,
    user: &Versioned<User>,
    totp: Option<Totp>,
    letter: Option<&Letter>,
) -> Result<(), Refusal> {
    let changed = User {
        totp,
        ..user.value.clone()
    };
    let mut batch = Batch::new();
    batch.replace(user, &changed)?;
    note(ctx, &mut batch, EventKind::TotpChanged, &changed)?;
    if letter.is_some() {
        post(ctx, &mut batch, letter, ctx.now() + TRIED_FOR)?;
    }
    if commit(ctx, batch).await? {
        Ok(())
    } else {
        Err(StoreError::Unavailable("the user was changed at the same moment".into()).into())
    }
}

fn recovery_code(ctx: &Context) -> String {
    // Crockford's alphabet (no I, L, O and U); 32 divides 256, so no character is likelier than another.
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bytes: [u8; RECOVERY_CHARS] = random::bytes(&*ctx.random);
    bytes
        .iter()
        .map(|b| char::from(ALPHABET[usize::from(b % 32)]))
        .collect()
}

fn recovery_subject(user: &User, code: &str) -> Vec<u8> {
    [user.id.as_bytes(), b"\0", code.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        let seed = b"12345678901234567890";
        for (at, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(step_of(seed, code, Timestamp::from_seconds(at)), Some(at / STEP_S));
        }
    }

    #[test]
    fn one_step_to_either_side_is_good_and_no_more() {
        let seed = b"12345678901234567890";
        let step = 1_111_111_109 / STEP_S;
        for (off, good) in [(-2_i64, false), (-1, true), (0, true), (1, true), (2, false)] {
            let now = Timestamp::from_seconds(step.saturating_add_signed(off) * STEP_S);
            assert_eq!(step_of(seed, "081804", now).is_some(), good, "{off}");
        }
    }
}
