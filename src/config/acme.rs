//! `[acme]` of `grantd.toml`: certificates that are obtained and renewed by themselves (RFC 8555).

use super::file::{listen_anywhere, path};
use super::reader::{Item, Problems, Table};
use super::{Config, Issuer, Listen, Scheme};
use lettre::Address;
use serde::Serialize;
use std::path::{Path, PathBuf};
use url::Url;

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Of Let's Encrypt; others allow no fewer.
const DOMAINS_MAX: usize = 100;
const CONTACTS_MAX: usize = 8;
const LISTENERS_MAX: usize = 8;
const URL_BYTES_MAX: usize = 500;

/// Who vouches for this server, and how it shows that the names are its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Acme {
    /// Where the authority says what it offers.
    pub directory: String,
    /// Addresses it may write to.
    pub contact: Vec<String>,
    /// DNS names in lower case; empty only while it is read.
    pub domains: Vec<String>,
    pub challenge: AcmeChallenge,
    /// Plain http for everybody, for the challenge and for those who forgot the s.
    pub listen: Vec<Listen>,
    /// PEM: whom to trust besides the system's certificate authorities when the directory is asked.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum AcmeChallenge {
    /// A file on port 80 (RFC 8555 §8.3).
    #[serde(rename = "http-01")]
    Http01,
    /// A certificate on port 443 (RFC 8737).
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

impl AcmeChallenge {
    /// Where the authority comes to look: it asks at no other port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Http01 => 80,
            Self::TlsAlpn01 => 443,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

impl Acme {
    /// Where no names are given, the issuer's.
    pub(super) fn for_issuer(mut self, issuer: &Issuer) -> Self {
        if self.domains.is_empty() {
            self.domains.push(issuer.host().to_owned());
        }
        self
    }
}

/// What only shows when everything is known.
pub(super) fn judge(config: &Config, https: bool, problems: &Problems) {
    let Some(acme) = &config.acme else { return };
    let host = config.issuer.host();
    if config.tls.is_some() {
        problems.add("`[tls]` and `[acme]` both say where the certificate comes from; keep one of them".to_owned());
    }
    if !https {
        problems.add("`[acme]` obtains a certificate that nobody uses: no listener speaks https".to_owned());
    }
    if acme.domains.len() == 1
        && acme.domains[0] == host
        && let Err(why) = judge_domain(host)
    {
        problems.add(format!(
            "`[acme]` is to obtain a certificate for the issuer's host {host}, {why}"
        ));
    } else if !acme.domains.iter().any(|domain| domain == host) {
        problems.add(format!(
            "`acme.domains` lacks {host}, the host of the issuer: clients would refuse to connect"
        ));
    }
    let others = config.listen.iter().chain(&config.metrics.listen);
    for taken in others.filter(|one| one.address.port() != 0) {
        if acme.listen.iter().any(|own| own.address == taken.address) {
            problems.add(format!("`acme.listen` names {}, which is taken already", taken.address));
        }
    }
}

/// `None` where there is no `[acme]`. What is wrong in it is told, and something else stands in until everything is.
pub(super) fn read(table: &Table<'_>, base: &Path) -> Option<Acme> {
    let table = table.table("acme")?;
    let directory = table.get("directory").and_then(|item| directory(&item));
    let contact = table.get("contact").and_then(|item| item.set(CONTACTS_MAX, address));
    let domains = table.get("domains").and_then(|item| item.set(DOMAINS_MAX, domain));
    let choices = [AcmeChallenge::TlsAlpn01, AcmeChallenge::Http01].map(|one| (one.as_str(), one));
    let challenge = table.choice("challenge", &choices);
    let challenge = challenge.unwrap_or(AcmeChallenge::TlsAlpn01);
    let listen = table.get("listen").and_then(|item| item.set(LISTENERS_MAX, plain));
    let ca_file = table.get("ca_file").and_then(|item| path(&item, base));
    if let Some(item) = table.required("terms_agreed")
        && item.boolean() == Some(false)
    {
        item.complain("is false; read the terms of the certificate authority, and say true where you agree");
    }
    if challenge == AcmeChallenge::Http01 && listen.as_ref().is_some_and(Vec::is_empty) {
        table.complain("has the challenge \"http-01\" and an empty `listen`: the authority asks at port 80");
    }
    table.finish();
    let usual = || match challenge {
        AcmeChallenge::Http01 => vec![listen_anywhere("http://0.0.0.0:80").expect("a test loads the defaults")],
        AcmeChallenge::TlsAlpn01 => Vec::new(),
    };
    Some(Acme {
        directory: directory.unwrap_or_else(|| LETS_ENCRYPT.to_owned()),
        contact: contact.unwrap_or_default(),
        domains: domains.unwrap_or_default(),
        challenge,
        listen: listen.unwrap_or_else(usual),
        ca_file,
    })
}

fn directory(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    match Url::parse(text) {
        _ if text.len() > URL_BYTES_MAX => {
            item.refuse(text, format_args!("which is longer than {URL_BYTES_MAX} bytes"))
        }
        Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => {
            Some(text.to_owned())
        }
        // RFC 8555 §6.1.
        Ok(_) => item.refuse(text, "but must be https, without a user"),
        Err(why) => item.refuse(text, format_args!("which is no URL: {why}")),
    }
}

fn address(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    match text.parse::<Address>() {
        Ok(_) => Some(text.to_owned()),
        Err(_) => item.refuse(text, "which is no email address such as \"admin@example.com\""),
    }
}

fn domain(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    match judge_domain(text) {
        Ok(()) => Some(text.to_ascii_lowercase()),
        Err(why) => item.refuse(text, why),
    }
}

/// The error is the end of a sentence.
pub(super) fn judge_domain(text: &str) -> Result<(), &'static str> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    if text.starts_with("*.") {
        Err("but neither challenge shows that every name below it is yours; name each one")
    } else if text.len() > 253 || !text.contains('.') || !text.split('.').all(is_label) {
        Err("which is no public DNS name such as \"auth.example.com\"")
    } else if last.bytes().all(|b| b.is_ascii_digit()) {
        Err("which is an address; a certificate is obtained for names alone")
    } else {
        Ok(())
    }
}

fn plain(item: &Item<'_>) -> Option<Listen> {
    let text = item.text()?;
    match listen_anywhere(text) {
        Ok(listen) if listen.scheme == Scheme::Http => Some(listen),
        Ok(_) => item.refuse(
            text,
            "but must be plain http: it answers challenges, and leads everything else to https",
        ),
        Err(why) => item.refuse(text, format_args!("which {why}")),
    }
}
