//! One certificate, from the account to the chain (RFC 8555 §7).

use super::files::{Account as Kept, Files, bundle};
use super::messenger::Messenger;
use crate::config::{Acme, AcmeChallenge};
use crate::context::Context;
use crate::web::client::Client;
use crate::web::tls::{Answer, Tls};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem,
    RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long an authority may think, about the challenges and about the certificate.
const THINKS_MAX: Duration = Duration::from_secs(120);
/// Of what an authority says, in a log.
const WHY_CHARS_MAX: usize = 400;

/// Why there is no certificate: the beginning of a sentence.
pub struct Trouble {
    pub why: String,
    /// The authority asks to be left alone for a while.
    pub is_patient: bool,
}

impl Trouble {
    pub fn new(why: String) -> Self {
        Self { why, is_patient: false }
    }
}

/// A chain with its key, as it is kept.
pub async fn obtain(ctx: &Context, plan: &Acme, files: &Files, tls: &Tls) -> Result<String, Trouble> {
    let failed = |error| trouble(plan, error);
    let account = account(plan, files).await?;
    let names: Vec<Identifier> = plan.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = match account.new_order(&NewOrder::new(&names)).await {
        // An authority that lost its accounts; ours is made again, once.
        Err(Error::Api(problem)) if is(&problem, "accountDoesNotExist") => {
            let account = register(plan, files).await?;
            account.new_order(&NewOrder::new(&names)).await.map_err(failed)?
        }
        placed => placed.map_err(failed)?,
    };
    answer_challenges(ctx, plan, &mut order, tls).await?;
    let retries = RetryPolicy::new().timeout(THINKS_MAX);
    match order.poll_ready(&retries).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) | Err(Error::Api(_)) => return Err(why_refused(plan, &mut order).await),
        Err(error) => return Err(failed(error)),
    }
    let cannot = |why: rcgen::Error| Trouble::new(format!("no certificate can be asked for: {why}"));
    // A new key for each: one that leaked is of no use for longer than its certificate.
    let key = KeyPair::generate().map_err(cannot)?;
    let mut params = CertificateParams::new(plan.domains.clone()).map_err(cannot)?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key).map_err(cannot)?;
    order.finalize_csr(request.der()).await.map_err(failed)?;
    let chain = order.poll_certificate(&retries).await.map_err(failed)?;
    Ok(bundle(plan, &Zeroizing::new(key.serialize_pem()), &chain))
}

fn messenger(plan: &Acme) -> Result<Box<Messenger>, Trouble> {
    let client = Client::of_system(plan.ca_file.as_deref());
    Ok(Box::new(Messenger(client.map_err(Trouble::new)?)))
}

/// The one that is kept, or a new one.
async fn account(plan: &Acme, files: &Files) -> Result<Account, Trouble> {
    let Some(kept) = files.read_account(plan) else {
        return register(plan, files).await;
    };
    let account = Account::builder_with_http(messenger(plan)?).from_credentials(kept.credentials);
    let account = account.await.map_err(|error| trouble(plan, error))?;
    if kept.contact != plan.contact {
        let contact = mailto(plan);
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        match account.update_contacts(&contact).await {
            Ok(()) => {
                // Read again: credentials are for one use.
                if let Some(kept) = files.read_account(plan) {
                    let contact = plan.contact.clone();
                    files.write_account(&Kept { contact, ..kept }).map_err(Trouble::new)?;
                }
            }
            Err(Error::Api(problem)) if is(&problem, "accountDoesNotExist") => {}
            Err(error) => return Err(trouble(plan, error)),
        }
    }
    Ok(account)
}

async fn register(plan: &Acme, files: &Files) -> Result<Account, Trouble> {
    let contact = mailto(plan);
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contact,
        // The configuration is refused where nobody agreed.
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let made = Account::builder_with_http(messenger(plan)?).create(&new, plan.directory.clone(), None);
    let (account, credentials) = made.await.map_err(|error| trouble(plan, error))?;
    let kept = Kept {
        directory: plan.directory.clone(),
        contact: plan.contact.clone(),
        credentials,
    };
    files.write_account(&kept).map_err(Trouble::new)?;
    log::info!("{} has an account for this server now", plan.directory);
    Ok(account)
}

fn mailto(plan: &Acme) -> Vec<String> {
    plan.contact.iter().map(|address| format!("mailto:{address}")).collect()
}

/// Puts the answers up, and then says for each name that the authority may come.
async fn answer_challenges(ctx: &Context, plan: &Acme, order: &mut Order, tls: &Tls) -> Result<(), Trouble> {
    let kind = match plan.challenge {
        AcmeChallenge::Http01 => ChallengeType::Http01,
        AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
    };
    let mut answers = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| trouble(plan, error))?;
        // It remembers what was shown a while ago.
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(kind.clone()) else {
            let why = format!("{} offers no {} for {name}", plan.directory, plan.challenge.as_str());
            return Err(Trouble::new(why));
        };
        let expected = challenge.key_authorization();
        match plan.challenge {
            AcmeChallenge::Http01 => ctx.acme.expect(challenge.token.clone(), expected.as_str().to_owned()),
            AcmeChallenge::TlsAlpn01 => {
                let digest = expected.digest();
                let digest = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
                answers.push(Answer::new(&name, digest).map_err(Trouble::new)?);
                tls.answer_challenges(answers.clone()).map_err(Trouble::new)?;
            }
        }
        challenge.set_ready().await.map_err(|error| trouble(plan, error))?;
    }
    Ok(())
}

/// What the authority found when it came.
async fn why_refused(plan: &Acme, order: &mut Order) -> Trouble {
    let mut whys = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() {
            continue;
        }
        let name = authorization.identifier().to_string();
        let errors = authorization.challenges.iter().filter_map(|one| one.error.as_ref());
        whys.extend(errors.map(|problem| format!("{name}: {}", said(problem))));
    }
    let why = match whys.is_empty() {
        true => "it does not say why".to_owned(),
        false => whys.join("; "),
    };
    let challenge = plan.challenge.as_str();
    Trouble::new(clipped(&format!(
        "{} did not accept {challenge}, for which it connects to port {}: {why}",
        plan.directory,
        plan.challenge.port()
    )))
}

fn trouble(plan: &Acme, error: Error) -> Trouble {
    let directory = &plan.directory;
    match error {
        Error::Api(problem) => Trouble {
            is_patient: is(&problem, "rateLimited"),
            why: clipped(&format!("{directory} refused: {}", said(&problem))),
        },
        Error::Json(why) => Trouble::new(format!("{directory} does not answer as an ACME directory does: {why}")),
        Error::Timeout(_) => Trouble::new(format!("{directory} took too long")),
        other => Trouble::new(clipped(&format!("no certificate could be obtained: {other}"))),
    }
}

fn is(problem: &Problem, kind: &str) -> bool {
    let spelled = problem
        .r#type
        .as_deref()
        .and_then(|full| full.strip_prefix("urn:ietf:params:acme:error:"));
    spelled == Some(kind)
}

fn said(problem: &Problem) -> String {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    let kind = kind.rsplit(':').next().unwrap_or_default();
    let details = std::iter::once(&problem.detail).chain(problem.subproblems.iter().map(|one| &one.detail));
    let details: Vec<&str> = details.flatten().map(String::as_str).collect();
    format!("{} ({kind})", details.join("; "))
}

/// Of any length and content, on one line of a log.
fn clipped(text: &str) -> String {
    text.chars()
        .take(WHY_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
