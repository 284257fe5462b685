//! Delivers the outbox. Mail goes out at least once: it is removed when the server has taken it, so one that was taken
//! while this process died goes out twice.

use crate::account::letters;
use crate::base::random;
use crate::config::{MailSecurity, MailServer};
use crate::context::Context;
use crate::model::counts::Delivered;
use crate::model::mail::{Letter, Mail};
use crate::store::records::{Versioned, list};
use crate::store::{Batch, StoreError, keys};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::time::Duration;

const PAGE: u32 = 50;
/// From connecting to the server's last word (RFC 5321 §4.5.3.2 is more patient; there is always another attempt).
const DELIVERY_MAX: Duration = Duration::from_secs(60);
/// How long nothing is looked for where nothing is told.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Runs until dropped. Written mail is looked at once; what was put off, when it is due.
pub async fn run(ctx: &Context) {
    loop {
        if let Err(error) = turn(ctx).await {
            log::error!("the outbox could not be read: {error}");
        }
        // Either way there is a next turn.
        let _ = tokio::time::timeout(LOOK_EVERY, ctx.mail_waiting.notified()).await;
    }
}

/// Tries everything that is due, once.
pub async fn turn(ctx: &Context) -> Result<(), StoreError> {
    let Some(server) = &ctx.config.mail else { return Ok(()) };
    loop {
        // What is tried is put off or removed, so the page always begins with what was not tried yet.
        let (mails, more) = list::<Mail>(&*ctx.store, &keys::mails(), None, PAGE).await?;
        for mail in &mails {
            if mail.next_attempt_at > ctx.now() {
                return Ok(());
            }
            // A server that is down is not asked for every mail that waits for it.
            if !attempt(ctx, server, mail).await? {
                return Ok(());
            }
        }
        if more.is_none() {
            return Ok(());
        }
    }
}

/// `false` when the server cannot be reached.
async fn attempt(ctx: &Context, server: &MailServer, mail: &Versioned<Mail>) -> Result<bool, StoreError> {
    let (mut batch, mut reached) = (Batch::new(), true);
    if ctx.now() >= mail.given_up_at {
        if mail.letter.is_some() {
            log::error!("the mail {} was given up after {} attempts", mail.id, mail.attempts);
            ctx.counts.mail(Delivered::GivenUp).one();
        }
        batch.remove(mail);
    } else {
        let sent = match letters::open(ctx, mail) {
            Some(letter) => {
                let sent = deliver(server, &mail.id, letter).await;
                let came_to = if sent.is_ok() {
                    Delivered::Taken
                } else {
                    Delivered::PutOff
                };
                ctx.counts.mail(came_to).one();
                sent
            }
            // Nobody to write to, or sealed with a key that is gone.
            None => Ok(()),
        };
        batch.remove(mail);
        if let Err(Failed { why, answered }) = sent {
            reached = answered;
            let jitter = u32::from_be_bytes(random::bytes(&*ctx.random));
            let later = mail.put_off(ctx.now(), jitter);
            log::warn!(
                "the mail {} was not taken: {why}; the next attempt is at {}",
                mail.id,
                later.next_attempt_at
            );
            batch.insert(&later)?;
        }
    }
    // A conflict: another process of this store was faster.
    ctx.store.commit(batch).await?;
    Ok(reached)
}

/// The reason names neither the address nor what the mail says.
struct Failed {
    why: String,
    /// By the server, with a code of its own.
    answered: bool,
}

async fn deliver(server: &MailServer, id: &str, letter: Letter) -> Result<(), Failed> {
    let answered = |answered| move |why| Failed { why, answered };
    let message = message(server, id, letter).map_err(answered(true))?;
    let transport = transport(server).map_err(answered(false))?;
    let name = &server.server;
    match tokio::time::timeout(DELIVERY_MAX, transport.send(message)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(match error.status() {
            Some(code) => answered(true)(format!("{name} answered {code}")),
            None => answered(false)(format!("{name} cannot be talked to: {}", causes(&error))),
        }),
        Err(_) => Err(answered(false)(format!("{name} did not answer in time"))),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The headers are written by lettre, which encodes whatever could end one.
fn message(server: &MailServer, id: &str, letter: Letter) -> Result<Message, String> {
    let from: Mailbox = server.from.parse().map_err(|_| "`mail.from` is no sender")?;
    let to = letter
        .to
        .parse()
        .map_err(|_| "its address is none that mail can be sent to")?;
    let message_id = format!("<{id}@{}>", from.email.domain());
    let message = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(letter.subject)
        .message_id(Some(message_id))
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text);
    message.map_err(|error| format!("it cannot be written: {error}"))
}

fn transport(server: &MailServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = match server.security {
        MailSecurity::None => Tls::None,
        MailSecurity::Starttls => Tls::Required(tls(server)?),
        MailSecurity::Tls => Tls::Wrapper(tls(server)?),
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.server)
        .port(server.port)
        .timeout(Some(DELIVERY_MAX))
        .tls(tls);
    if let (Some(username), Some(file)) = (&server.username, &server.password_file) {
        let cannot = |why: std::io::Error| format!("`mail.password_file` {} cannot be read: {why}", file.display());
        let text = zeroize::Zeroizing::new(std::fs::read_to_string(file).map_err(cannot)?);
        let password = text.lines().next().unwrap_or_default();
        transport = transport.credentials(Credentials::new(username.clone(), password.to_owned()));
    }
    Ok(transport.build())
}

fn tls(server: &MailServer) -> Result<TlsParameters, String> {
    let mut tls = TlsParameters::builder(server.server.clone());
    if let Some(file) = &server.ca_file {
        let cannot = |why: &dyn std::fmt::Display| format!("`mail.ca_file` {} cannot be used: {why}", file.display());
        let pem = std::fs::read(file).map_err(|why| cannot(&why))?;
        tls = tls.add_root_certificate(Certificate::from_pem(&pem).map_err(|why| cannot(&why))?);
    }
    tls.build_rustls().map_err(|why| format!("TLS cannot be set up: {why}"))
}
