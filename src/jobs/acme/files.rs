//! What is kept of an authority, below the data directory: the account, and the certificate with its key. Each is a
//! file that is replaced whole, for its owner's eyes only.

use crate::config::{Acme, Config};
use instant_acme::AccountCredentials;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Before the first PEM line stands whom and what it was asked for: readers of PEM skip it (RFC 7468 §2).
const NOTE: &str = "grantd certificate";

pub struct Files {
    dir: PathBuf,
}

/// An account is one authority's.
#[derive(Serialize, Deserialize)]
pub struct Account {
    pub directory: String,
    pub contact: Vec<String>,
    pub credentials: AccountCredentials,
}

impl Files {
    pub fn of(config: &Config) -> Self {
        Self {
            dir: config.data_dir.join("acme"),
        }
    }

    /// Chain and private key.
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("certificate.pem")
    }

    fn account(&self) -> PathBuf {
        self.dir.join("account.json")
    }

    /// Whether the certificate there is from this authority and for these names.
    pub fn certificate_fits(&self, plan: &Acme) -> bool {
        let text = fs::read_to_string(self.certificate()).map(Zeroizing::new);
        text.is_ok_and(|text| text.lines().next() == Some(&note(plan)))
    }

    /// The account with this authority; `None` where there is none, or what there is cannot be used.
    pub fn read_account(&self, plan: &Acme) -> Option<Account> {
        let text = Zeroizing::new(fs::read(self.account()).ok()?);
        let account: Account = serde_json::from_slice(&text)
            .inspect_err(|why| log::warn!("{} is damaged: {why}; a new account is made", self.account().display()))
            .ok()?;
        (account.directory == plan.directory).then_some(account)
    }

    /// Errors are sentences.
    pub fn write_account(&self, account: &Account) -> Result<(), String> {
        let text = serde_json::to_vec(account).map(Zeroizing::new);
        let text = text.map_err(|why| format!("the account cannot be written: {why}"))?;
        self.write(&self.account(), &text)
    }

    /// Errors are sentences.
    pub fn write_certificate(&self, pem: &str) -> Result<(), String> {
        self.write(&self.certificate(), pem.as_bytes())
    }

    /// All of it on disk, or what was there before.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        let write = || -> io::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
            // Of mode 600 from its first byte on.
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|why| format!("{} cannot be written: {why}", path.display()))
    }
}

fn note(plan: &Acme) -> String {
    format!(
        "{NOTE}; directory: {}; names: {}",
        plan.directory,
        plan.domains.join(", ")
    )
}

/// As it lies in the file: whom it is from, the key, the chain.
pub fn bundle(plan: &Acme, key: &str, chain: &str) -> String {
    format!("{}\n{key}\n{chain}", note(plan))
}
