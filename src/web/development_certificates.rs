//! Certificates for this machine only, so that the first minute has real TLS.

use crate::base::time::{Clock, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// Browsers refuse server certificates for longer than 398 days.
const VALID_DAYS: u32 = 397;
/// Made again when less is left.
const SPARE_DAYS: u32 = 7;
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Before the first PEM line stands what it holds: readers of PEM skip it (RFC 7468 §2), and this saves parsing X.509.
const NOTE: &str = "grantd development certificate";

pub struct DevelopmentCertificates {
    /// What clients are told to trust.
    pub ca_file: PathBuf,
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

/// A certificate authority and a leaf for localhost, 127.0.0.1, ::1 and `names` in `dir`: those there, or new ones when
/// they are missing, for other names or valid for less than a week. The authority's key is forgotten as soon as the
/// leaf is signed, so that nobody can sign with it anything else this machine would trust.
pub fn ensure(dir: &Path, names: &[String], clock: &dyn Clock) -> io::Result<DevelopmentCertificates> {
    let files = DevelopmentCertificates {
        ca_file: dir.join("ca.pem"),
        cert_file: dir.join("server.pem"),
        key_file: dir.join("server.key"),
    };
    let mut all: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    all.extend(names.iter().filter(|name| !ALWAYS.contains(&name.as_str())).cloned());
    let now = clock.now();
    if !usable(&files, &all, now)? {
        fs::create_dir_all(dir)?;
        make(&files, all, now)?;
    }
    Ok(files)
}

/// A certificate for these names that nobody trusts and that is written nowhere: where a real one is on its way, the
/// handshake succeeds for whoever only looks whether the server lives.
pub fn stand_in(
    names: &[String],
    clock: &dyn Clock,
) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let now = clock.now();
    let (begins, ends) = (day_of(now - DAY), day_of(now + DAY * VALID_DAYS));
    let params = params(names.to_vec(), "grantd has no certificate yet", begins, ends)?;
    let key = KeyPair::generate().map_err(other)?;
    let certificate = params.self_signed(&key).map_err(other)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((vec![certificate.der().clone()], key.into()))
}

fn note(names: &[String], ends: Timestamp) -> String {
    format!("{NOTE}; names: {}; ends: {}", names.join(", "), ends.seconds())
}

fn usable(files: &DevelopmentCertificates, names: &[String], now: Timestamp) -> io::Result<bool> {
    let present = files.ca_file.exists() && files.key_file.exists() && files.cert_file.exists();
    if !present {
        return Ok(false);
    }
    let text = fs::read_to_string(&files.cert_file)?;
    let first = text.lines().next().unwrap_or_default();
    if !first.starts_with(NOTE) {
        // Put there by the user: not ours to replace.
        return Ok(true);
    }
    let ends = first
        .rsplit_once("ends: ")
        .and_then(|(_, seconds)| seconds.parse().ok())
        .map(Timestamp::from_seconds);
    Ok(ends.is_some_and(|ends| first == note(names, ends) && ends > now + DAY * SPARE_DAYS))
}

fn make(files: &DevelopmentCertificates, names: Vec<String>, now: Timestamp) -> io::Result<()> {
    // A day back, for clients whose clock is a little behind.
    let (begins, ends) = (day_of(now - DAY), day_of(now + DAY * VALID_DAYS));
    let mut authority = params(Vec::new(), "grantd development CA", begins, ends)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(other)?).map_err(other)?;

    let note = note(&names, ends);
    let mut leaf = params(names, "grantd development server", begins, ends)?;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(other)?;
    let certificate = leaf.signed_by(&key, &authority).map_err(other)?;

    // The certificate carries the note and comes last: an interrupted run is seen as none at all.
    remove(&files.cert_file)?;
    write(&files.key_file, 0o600, &key.serialize_pem())?;
    write(&files.ca_file, 0o644, &authority.pem())?;
    write(&files.cert_file, 0o644, &format!("{note}\n{}", certificate.pem()))
}

fn params(names: Vec<String>, title: &str, begins: Timestamp, ends: Timestamp) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(names).map_err(other)?;
    params.distinguished_name.push(DnType::CommonName, title);
    let date = |at: Timestamp| -> io::Result<_> {
        let day = jiff::Timestamp::from_second(i64::try_from(at.seconds()).map_err(other)?).map_err(other)?;
        let day = day.to_zoned(jiff::tz::TimeZone::UTC);
        Ok(rcgen::date_time_ymd(
            i32::from(day.year()),
            u8::try_from(day.month()).map_err(other)?,
            u8::try_from(day.day()).map_err(other)?,
        ))
    };
    params.not_before = date(begins)?;
    params.not_after = date(ends)?;
    Ok(params)
}

/// The beginning of that day, UTC: certificates are dated by the day.
fn day_of(at: Timestamp) -> Timestamp {
    let day_seconds = DAY.as_secs();
    Timestamp::from_seconds(at.seconds() / day_seconds * day_seconds)
}

fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    // A file that is there would keep its old mode.
    remove(path)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?
        .write_all(text.as_bytes())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn other(cause: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(cause)
}
