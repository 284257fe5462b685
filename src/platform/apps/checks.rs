//! What may stand in an app's details. The command line holds to the same.

use super::Details;
use crate::base::text;
use crate::model::app::{App, ClientType, Kind, NAME_CHARS_MAX, REDIRECT_URIS_BYTES_MAX, REDIRECT_URIS_MAX};
use crate::model::dossier::{STAKEHOLDERS_BYTES_MAX, STAKEHOLDERS_MAX};
use crate::model::user::User;
use crate::oauth::redirect_uri;
use crate::platform::refusal::Fault;
use url::Url;

pub const URL_BYTES_MAX: usize = 250;

/// Puts the details into the app, those that are no good left out, and says what is wrong with them. What is required
/// is judged later.
pub fn apply(app: &mut App, stakeholders: &mut Vec<String>, details: &Details, faults: &mut Vec<Fault>) {
    let too_long = |field| Fault::new(field, "developer_fault_name").with("characters", NAME_CHARS_MAX);
    app.name = optional(&details.name, name, || too_long("name"), faults).unwrap_or_default();
    let developer = &mut app.developer;
    developer.company = optional(&details.company, name, || too_long("company"), faults).unwrap_or_default();
    let no_url = |field| Fault::new(field, "developer_fault_url").with("characters", URL_BYTES_MAX);
    developer.website = optional(&details.website, url, || no_url("website"), faults).unwrap_or_default();
    developer.privacy_policy = optional(&details.privacy_policy, url, || no_url("privacy_policy"), faults);
    developer.terms = optional(&details.terms, url, || no_url("terms"), faults);
    let no_support = || Fault::new("support", "developer_fault_support").with("characters", URL_BYTES_MAX);
    developer.support = optional(&details.support, support, no_support, faults);
    app.redirect_uris = match app.kind {
        Kind::Public => redirect_uris(app.client_type, &details.redirect_uris, faults),
        Kind::Private | Kind::ResourceServer | Kind::Native => Vec::new(),
    };
    *stakeholders = addresses(&details.stakeholders, faults);
}

/// `None` for what is empty, and for what is wrong, which is said.
fn optional(
    text: &str,
    read: impl Fn(&str) -> Option<String>,
    fault: impl Fn() -> Fault,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let read = read(text);
    if read.is_none() {
        faults.push(fault());
    }
    read
}

fn name(text: &str) -> Option<String> {
    text::name(text, NAME_CHARS_MAX)
}

/// An https URL that a page can link to as it is.
pub fn url(text: &str) -> Option<String> {
    let parsed = Url::parse(text).ok()?;
    let good =
        parsed.scheme() == "https" && parsed.has_host() && parsed.username().is_empty() && parsed.password().is_none();
    // The characters of RFC 3986, none of which ends an attribute of a page.
    let allowed = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    (good && text.len() <= URL_BYTES_MAX && text.bytes().all(allowed)).then(|| text.to_owned())
}

/// An address where users get help: of mail, or an https URL.
pub fn support(text: &str) -> Option<String> {
    if text.starts_with("https://") {
        return url(text);
    }
    let (name, host) = text.split_once('@')?;
    let mailbox =
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.');
    // It becomes a mailto: link, so what means something in one is left out.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@.-_+".contains(&b);
    (mailbox && text.len() <= URL_BYTES_MAX && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Every one is told of that is no good.
fn redirect_uris(client_type: ClientType, uris: &[String], faults: &mut Vec<Fault>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for uri in uris.iter().map(|uri| uri.trim()).filter(|uri| !uri.is_empty()) {
        if let Err(flaw) = redirect_uri::check(client_type, uri) {
            faults.push(Fault::new("redirect_uris", flaw.key()).with("uri", shortened(uri)));
        } else if !kept.iter().any(|other| other == uri) {
            kept.push(uri.to_owned());
        }
    }
    let bytes: usize = kept.iter().map(String::len).sum();
    if kept.len() > REDIRECT_URIS_MAX || bytes > REDIRECT_URIS_BYTES_MAX {
        let fault = Fault::new("redirect_uris", "developer_fault_redirect_uris");
        let fault = fault.with("count", REDIRECT_URIS_MAX);
        faults.push(fault.with("characters", REDIRECT_URIS_BYTES_MAX));
    }
    kept
}

/// Lower case, each once.
fn addresses(emails: &[String], faults: &mut Vec<Fault>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for email in emails
        .iter()
        .map(|email| email.trim())
        .filter(|email| !email.is_empty())
    {
        let lower = email.to_lowercase();
        if !User::valid_email(email) {
            faults.push(Fault::new("stakeholders", "developer_fault_email").with("email", shortened(email)));
        } else if !kept.contains(&lower) {
            kept.push(lower);
        }
    }
    let bytes: usize = kept.iter().map(String::len).sum();
    if kept.len() > STAKEHOLDERS_MAX || bytes > STAKEHOLDERS_BYTES_MAX {
        let fault = Fault::new("stakeholders", "developer_fault_stakeholders");
        let fault = fault.with("count", STAKEHOLDERS_MAX);
        faults.push(fault.with("characters", STAKEHOLDERS_BYTES_MAX));
    }
    kept
}

/// Enough of it to be recognised in a sentence.
fn shortened(text: &str) -> String {
    const CHARS: usize = 80;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
