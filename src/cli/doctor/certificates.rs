//! The certificate of the https listeners: readable, for this host, and good for some time.

use super::Findings;
use crate::base::certificate;
use crate::base::time::{Clock as _, SystemClock};
use crate::config::{Acme, Config, Scheme, TlsFiles};
use crate::jobs::acme::files::Files;
use crate::web::tls::Tls;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DAYS_MIN: u32 = 14;
const BY_HAND: &str = "Renew it, and send SIGHUP.";
const BY_ITSELF: &str = "The server renews it by itself while it runs: its log says what keeps it.";

pub fn examine(config: &Config, findings: &mut Findings) {
    let serves_tls = config.listen.iter().any(|listen| listen.scheme == Scheme::Https);
    if let Some(acme) = &config.acme {
        return obtained(config, acme, findings);
    }
    match &config.tls {
        _ if !serves_tls => findings.good("certificate", "None is needed: no listener speaks https."),
        None => findings.good("certificate", "A development certificate is made at the start."),
        Some(files) => look(config, files, BY_HAND, findings),
    }
}

/// One that the server gets by itself.
fn obtained(config: &Config, acme: &Acme, findings: &mut Findings) {
    let file = Files::of(config).certificate();
    if !file.exists() {
        let what = format!(
            "There is none yet: the server asks {} for one when it runs.",
            acme.directory
        );
        let remedy = format!(
            "Start it, and see to it that port {} of {} leads here, from everywhere.",
            acme.challenge.port(),
            acme.domains.join(" and of ")
        );
        return findings.warn("certificate", what, remedy);
    }
    let files = TlsFiles {
        certificate: file.clone(),
        key: file,
    };
    look(config, &files, BY_ITSELF, findings);
}

fn look(config: &Config, files: &TlsFiles, renew: &str, findings: &mut Findings) {
    if let Err(why) = Tls::from_pem(&files.certificate, &files.key) {
        let remedy = "Name the chain, the server's certificate first, and the private key that belongs to it; the \
                      server's user must be able to read both.";
        return findings.bad("certificate", why, remedy);
    }
    let mode = fs::metadata(&files.key).map_or(0, |about| about.permissions().mode() & 0o777);
    if mode & 0o007 != 0 {
        let shown = files.key.display();
        let what = format!("{shown} has the mode {mode:03o}: everybody on this machine can read the private key.");
        findings.bad(
            "certificate",
            what,
            format!("chmod 640 {shown}; then get a new key, if others use this machine."),
        );
    }
    let own = CertificateDer::from_pem_file(&files.certificate);
    let Ok(own) = own else { return };
    names(config, &own, findings);
    dates(&own, renew, findings);
}

fn names(config: &Config, own: &CertificateDer<'_>, findings: &mut Findings) {
    let host = config.issuer.host();
    let is_for_host = || {
        let name = ServerName::try_from(host).ok()?;
        let parsed = ParsedCertificate::try_from(own).ok()?;
        verify_server_name(&parsed, &name).ok()
    };
    if is_for_host().is_some() {
        findings.good("certificate", format!("It is for {host}."));
    } else {
        let remedy = format!("Get one that names {host}, the host of the issuer.");
        findings.bad(
            "certificate",
            format!("It is not for {host}: clients will refuse to connect."),
            remedy,
        );
    }
}

fn dates(own: &CertificateDer<'_>, renew: &str, findings: &mut Findings) {
    let Some(validity) = certificate::validity(own) else {
        return findings.warn(
            "certificate",
            "Until when it is good cannot be read.",
            "Look with `openssl x509`.",
        );
    };
    let now = SystemClock.now();
    let left = validity.ends.since(now);
    let days = left.as_secs() / DAY.as_secs();
    if validity.begins > now {
        findings.bad(
            "certificate",
            format!("It is good from {} on, not yet.", validity.begins),
            "Look at the clock.",
        );
    } else if left.is_zero() {
        findings.bad("certificate", format!("It ended at {}.", validity.ends), renew);
    } else if left < (DAY * DAYS_MIN).min(validity.ends.since(validity.begins) / 4) {
        findings.warn(
            "certificate",
            format!("It ends in {days} days, at {}.", validity.ends),
            renew,
        );
    } else {
        findings.good("certificate", format!("It is good for {days} more days."));
    }
}
