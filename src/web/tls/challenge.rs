//! The challenge `tls-alpn-01` (RFC 8737): an authority connects, speaks of nothing but `acme-tls/1`, is shown a
//! certificate that only whoever asked for it could have made, and hangs up.

use super::provider;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// The protocol that is no protocol: after the handshake the connection is closed (RFC 8737 §4).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// What is shown for one name.
#[derive(Clone, Debug)]
pub struct Answer {
    name: String,
    certified: Arc<CertifiedKey>,
}

impl Answer {
    /// `digest` is SHA-256 of the key authorization. The error is a sentence.
    pub fn new(name: &str, digest: &[u8; 32]) -> Result<Self, String> {
        let cannot = |why: rcgen::Error| format!("no certificate could be made for the challenge: {why}");
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(cannot)?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate().map_err(cannot)?;
        let certificate = params.self_signed(&key).map_err(cannot)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = provider().key_provider.load_private_key(key);
        let key = key.map_err(|why| format!("the challenge cannot be answered: {why}"))?;
        Ok(Self {
            name: name.to_ascii_lowercase(),
            // Not `from_der`: it reads the certificate as a client would, and to one its extension is a stranger.
            certified: Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)),
        })
    }
}

/// Everybody is shown the usual certificate, but for authorities.
#[derive(Debug)]
pub(super) struct Challenged {
    usual: Arc<CertifiedKey>,
    answers: Vec<Answer>,
}

impl Challenged {
    pub fn new(usual: Arc<CertifiedKey>, answers: Vec<Answer>) -> Self {
        Self { usual, answers }
    }
}

impl ResolvesServerCert for Challenged {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut offered = hello.alpn().into_iter().flatten();
        // RFC 8737 §3: that protocol and no other.
        if offered.next() != Some(ACME_TLS) || offered.next().is_some() {
            return Some(Arc::clone(&self.usual));
        }
        let name = hello.server_name()?;
        let found = self
            .answers
            .iter()
            .find(|answer| answer.name.eq_ignore_ascii_case(name));
        found.map(|answer| Arc::clone(&answer.certified))
    }
}
