//! TLS as it is offered on every https listener.
//!
//! TLS 1.3, and of TLS 1.2 exactly the four ECDHE suites with AES-GCM (RFC 9325 §4.2); nothing older, no CBC, no RSA
//! key exchange, no early data (its requests could be replayed, RFC 8446 §8).

use crate::base::certificate::{self, Validity};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// A certificate chain with its key, read from PEM files that can be read again while the server runs.
pub struct Tls {
    cert_file: PathBuf,
    key_file: PathBuf,
    current: RwLock<(Arc<ServerConfig>, Option<Validity>)>,
}

impl Tls {
    /// The error is a sentence for the operator.
    pub fn from_pem(cert_file: &Path, key_file: &Path) -> Result<Self, String> {
        let current = RwLock::new(load(cert_file, key_file)?);
        Ok(Self {
            cert_file: cert_file.to_owned(),
            key_file: key_file.to_owned(),
            current,
        })
    }

    /// Reads the files again. New connections get the new certificate, open ones keep theirs; where the files are no
    /// good the old certificate stays in use and the error says why.
    pub fn reload(&self) -> Result<(), String> {
        let fresh = load(&self.cert_file, &self.key_file)
            .map_err(|cause| format!("{cause} The certificate in use stays the old one."))?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// From when to when the certificate in use is good; `None` where it does not say so legibly.
    pub fn validity(&self) -> Option<Validity> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// The one function that makes a configuration, at the start and at every reload: a reload that built its own once
/// dropped the protocol minimum in another server (GHSA-gr79-9v6v-gc9r).
fn load(cert_file: &Path, key_file: &Path) -> Result<(Arc<ServerConfig>, Option<Validity>), String> {
    let chain = CertificateDer::pem_file_iter(cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| format!("Cannot read the certificate {}: {cause}.", cert_file.display()))?;
    let Some(own) = chain.first() else {
        return Err(format!("{} holds no certificate in PEM form.", cert_file.display()));
    };
    let validity = certificate::validity(own);
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|cause| format!("Cannot read the private key {}: {cause}.", key_file.display()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|cause| format!("TLS cannot be set up: {cause}."))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|cause| {
            format!(
                "{} and {} cannot be used together: {cause}.",
                cert_file.display(),
                key_file.display()
            )
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Resumption without memory on this side; the ticket keys change by themselves and die with the process.
    config.ticketer =
        aws_lc_rs::Ticketer::new().map_err(|cause| format!("TLS session tickets cannot be set up: {cause}."))?;
    Ok((Arc::new(config), validity))
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
