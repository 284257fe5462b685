//! TLS as it is offered on every https listener.
//!
//! TLS 1.3, and of TLS 1.2 exactly the four ECDHE suites with AES-GCM (RFC 9325 §4.2); nothing older, no CBC, no RSA
//! key exchange, no early data (its requests could be replayed, RFC 8446 §8).

mod challenge;

use super::development_certificates;
use crate::base::certificate::{self, Validity};
use crate::base::time::Clock;
use challenge::Challenged;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ProducesTickets, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use challenge::{ACME_TLS, Answer};

/// What is spoken over TLS, the better first.
const USUAL: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate chain with its key, read from PEM files that can be read again while the server runs.
pub struct Tls {
    source: Source,
    current: RwLock<Current>,
    /// What an authority that is about to connect must be shown, by name (RFC 8737).
    challenges: Mutex<Vec<Answer>>,
}

enum Source {
    Files {
        cert_file: PathBuf,
        key_file: PathBuf,
    },
    /// Obtained by this server, which writes chain and key into one file: they change together or not at all.
    Obtained(PathBuf),
}

struct Current {
    certified: Arc<CertifiedKey>,
    validity: Option<Validity>,
    /// Nobody trusts it: there is no other yet.
    stands_in: bool,
    ticketer: Arc<dyn ProducesTickets>,
    usual: Arc<ServerConfig>,
    /// While a challenge waits for its answer, one that has it.
    challenged: Option<Arc<ServerConfig>>,
}

impl Tls {
    /// The error is a sentence for the operator.
    pub fn from_pem(cert_file: &Path, key_file: &Path) -> Result<Self, String> {
        Ok(Self {
            current: RwLock::new(load(cert_file, key_file)?),
            source: Source::Files {
                cert_file: cert_file.to_owned(),
                key_file: key_file.to_owned(),
            },
            challenges: Mutex::default(),
        })
    }

    /// The chain and key of one file; where it is missing or no good, something that nobody trusts stands in until
    /// [`Self::take`]. The error is a sentence for the operator.
    pub fn obtained(file: &Path, names: &[String], clock: &dyn Clock) -> Result<Self, String> {
        let there = file.exists().then(|| load(file, file)).and_then(|loaded| {
            loaded
                .inspect_err(|why| log::error!("{why} Another certificate is asked for."))
                .ok()
        });
        let current = match there {
            Some(current) => current,
            None => {
                let made = development_certificates::stand_in(names, clock);
                let (chain, key) = made.map_err(|why| format!("No certificate could be made: {why}."))?;
                Current {
                    stands_in: true,
                    validity: None,
                    ..current(chain, key, "a certificate that stands in")?
                }
            }
        };
        Ok(Self {
            current: RwLock::new(current),
            source: Source::Obtained(file.to_owned()),
            challenges: Mutex::default(),
        })
    }

    /// Reads the files again. New connections get the new certificate, open ones keep theirs; where the files are no
    /// good the old certificate stays in use and the error says why.
    pub fn reload(&self) -> Result<(), String> {
        let loaded = match &self.source {
            Source::Files { cert_file, key_file } => load(cert_file, key_file),
            // Nothing was obtained yet.
            Source::Obtained(file) if !file.exists() => return Ok(()),
            Source::Obtained(file) => load(file, file),
        };
        self.replace(loaded.map_err(|cause| format!("{cause} The certificate in use stays the old one."))?)
    }

    /// Takes a chain and its key, as PEM, that were obtained just now; the error says why it is no good.
    pub fn take(&self, pem: &str) -> Result<(), String> {
        let unreadable = |cause| format!("What was obtained cannot be read: {cause}.");
        let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(unreadable)?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(unreadable)?;
        self.replace(current(chain, key, "The certificate and the key that were obtained")?)
    }

    fn replace(&self, mut fresh: Current) -> Result<(), String> {
        let challenges = self.challenges();
        fresh.challenged = challenged(&fresh, &challenges)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    fn challenges(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on whoever offers `acme-tls/1` alone is shown this for the name; empty: nobody is shown anything.
    pub fn answer_challenges(&self, answers: Vec<Answer>) -> Result<(), String> {
        let mut challenges = self.challenges();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.challenged = challenged(&current, &answers)?;
        *challenges = answers;
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(current.challenged.as_ref().unwrap_or(&current.usual))
    }

    /// From when to when the certificate in use is good; `None` where it does not say so legibly, or nobody trusts it.
    pub fn validity(&self) -> Option<Validity> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).validity
    }

    /// There is no certificate that anybody trusts.
    pub fn stands_in(&self) -> bool {
        self.current.read().unwrap_or_else(PoisonError::into_inner).stands_in
    }
}

/// The end-entity certificate is the first.
fn load(cert_file: &Path, key_file: &Path) -> Result<Current, String> {
    let chain = CertificateDer::pem_file_iter(cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| format!("Cannot read the certificate {}: {cause}.", cert_file.display()))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate in PEM form.", cert_file.display()));
    }
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|cause| format!("Cannot read the private key {}: {cause}.", key_file.display()))?;
    current(
        chain,
        key,
        &format!("{} and {}", cert_file.display(), key_file.display()),
    )
}

fn current(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>, what: &str) -> Result<Current, String> {
    let validity = chain.first().and_then(|own| certificate::validity(own));
    let certified = CertifiedKey::from_der(chain, key, &provider())
        .map_err(|cause| format!("{what} cannot be used together: {cause}."))?;
    let certified = Arc::new(certified);
    // Resumption without memory on this side; the ticket keys change by themselves and die with the process.
    let ticketer =
        aws_lc_rs::Ticketer::new().map_err(|cause| format!("TLS session tickets cannot be set up: {cause}."))?;
    let always = Arc::new(SingleCertAndKey::from(Arc::clone(&certified)));
    Ok(Current {
        usual: configured(always, &USUAL, Arc::clone(&ticketer))?,
        challenged: None,
        stands_in: false,
        certified,
        validity,
        ticketer,
    })
}

fn challenged(current: &Current, answers: &[Answer]) -> Result<Option<Arc<ServerConfig>>, String> {
    if answers.is_empty() {
        return Ok(None);
    }
    let resolver = Challenged::new(Arc::clone(&current.certified), answers.to_vec());
    let protocols = [USUAL[0], USUAL[1], ACME_TLS];
    configured(Arc::new(resolver), &protocols, Arc::clone(&current.ticketer)).map(Some)
}

/// The one function that makes a configuration, at the start and at every reload: a reload that built its own once
/// dropped the protocol minimum in another server (GHSA-gr79-9v6v-gc9r).
fn configured(
    resolver: Arc<dyn ResolvesServerCert>,
    protocols: &[&[u8]],
    ticketer: Arc<dyn ProducesTickets>,
) -> Result<Arc<ServerConfig>, String> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|cause| format!("TLS cannot be set up: {cause}."))?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config.ticketer = ticketer;
    Ok(Arc::new(config))
}

fn provider() -> CryptoProvider {
    use aws_lc_rs::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS13_AES_128_GCM_SHA256,
        TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_128_GCM_SHA256,
            TLS13_AES_256_GCM_SHA384,
            TLS13_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        ..aws_lc_rs::default_provider()
    }
}
