//! The master secret as text, and the file it is kept in. The text:
//!
//! ```text
//! grantd master secret, format 1
//! key 1 <base64url of 32 bytes>
//! check <base64url of the first 8 bytes of the SHA-256 of the lines above, each ended by one newline>
//! ```
//!
//! One `key` line for each version (1 to 255), ascending. The check is against damage, not against malice.

use super::{MasterSecret, VersionedKey};
use crate::base::digest::{base64url, from_base64url, sha256};
use crate::base::random::{self, Random, SystemRandom};
use crate::base::secret::Secret;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FIRST_LINE: &str = "grantd master secret, format 1";

/// 255 keys need half of it.
const FILE_BYTES_MAX: u64 = 32 * 1024;

/// Why a text is no master secret: a sentence that quotes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterSecretError(&'static str);

impl fmt::Display for MasterSecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for MasterSecretError {}

impl MasterSecret {
    /// The text form, for the file and for export.
    pub fn to_text(&self) -> Secret {
        let mut text = Zeroizing::new(String::with_capacity(64 * (self.keys.len() + 2)));
        text.push_str(FIRST_LINE);
        text.push('\n');
        for key in &self.keys {
            let encoded = Zeroizing::new(base64url(*key.bytes));
            text.push_str(&format!("key {} ", key.version));
            text.push_str(&encoded);
            text.push('\n');
        }
        let check = check_value(&text);
        text.push_str(&format!("check {check}\n"));
        Secret::new(std::mem::take(&mut *text))
    }

    /// Reads the text form. The newline at its end may be missing and newlines may be CR LF, nothing else may differ.
    pub fn from_text(text: &str) -> Result<Self, MasterSecretError> {
        let lines: Vec<&str> = text.lines().collect();
        let [FIRST_LINE, key_lines @ .., last] = lines.as_slice() else {
            return Err(MasterSecretError(
                "it does not begin with the line of a grantd master secret, format 1",
            ));
        };
        let Some(check) = last.strip_prefix("check ") else {
            return Err(MasterSecretError(
                "it does not end with its check line: it was cut short or added to",
            ));
        };
        let mut checked = Zeroizing::new(String::with_capacity(text.len()));
        for line in &lines[..lines.len() - 1] {
            checked.push_str(line);
            checked.push('\n');
        }
        if check != check_value(&checked) {
            return Err(MasterSecretError("it is damaged: its check value does not match"));
        }
        let keys = key_lines
            .iter()
            .map(|line| key_line(line))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() || keys.windows(2).any(|pair| pair[0].version >= pair[1].version) {
            return Err(MasterSecretError(
                "its keys are missing or their versions are not ascending",
            ));
        }
        Ok(Self { keys })
    }

    /// The secret in the file, or a new one written there. `true` says that it was made now.
    ///
    /// Errors are sentences naming the file: it may be read by others (`PermissionDenied`), it is damaged
    /// (`InvalidData`). An existing file is never replaced.
    pub fn load_or_create(path: &Path, random: &dyn Random) -> io::Result<(Self, bool)> {
        if let Some(secret) = Self::load(path)? {
            return Ok((secret, false));
        }
        let secret = Self::generate(random);
        match write_new(path, &secret.to_text(), random) {
            Ok(()) => Ok((secret, true)),
            // Another process was faster: its secret counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match Self::load(path)? {
                Some(theirs) => Ok((theirs, false)),
                None => Err(error),
            },
            Err(error) => Err(sentence(path, "cannot be written", error)),
        }
    }

    /// Writes it to a file that is not there yet, readable by its owner only. The errors are sentences naming the file.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        write_new(path, &self.to_text(), &SystemRandom).map_err(|error| sentence(path, "cannot be written", error))
    }

    /// The secret in the file; `None` when there is no file.
    pub fn load(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(sentence(path, "cannot be opened", error)),
        };
        let about = file
            .metadata()
            .map_err(|error| sentence(path, "cannot be examined", error))?;
        if !about.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is not a file", path.display()),
            ));
        }
        if about.mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "{} holds the master secret but other users may use it (mode {:04o}): run chmod 600 on it, and \
                     if others may have read it, count every stored credential as known",
                    path.display(),
                    about.mode() & 0o7777
                ),
            ));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| sentence(path, "cannot be read as a master secret", error))?;
        let secret = Self::from_text(&text).map_err(|why| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is no master secret: {why}", path.display()),
            )
        })?;
        Ok(Some(secret))
    }
}

fn check_value(lines: &str) -> String {
    base64url(&sha256(lines.as_bytes())[..8])
}

fn key_line(line: &str) -> Result<VersionedKey, MasterSecretError> {
    let unreadable = MasterSecretError("one of its lines is neither a key nor the check value");
    let Some((version, encoded)) = line.strip_prefix("key ").and_then(|rest| rest.split_once(' ')) else {
        return Err(unreadable);
    };
    let Ok(number @ 1..) = version.parse::<u8>() else {
        return Err(unreadable);
    };
    if number.to_string() != version {
        return Err(unreadable);
    }
    let bytes = Zeroizing::new(from_base64url(encoded).ok_or(unreadable)?);
    match <[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(bytes) => Ok(VersionedKey::new(number, Zeroizing::new(bytes))),
        Err(_) => Err(MasterSecretError("one of its keys does not have 32 bytes")),
    }
}

/// A file that is complete and on disk once it has its name, readable by its owner only, and replaces none.
fn write_new(path: &Path, text: &Secret, random: &dyn Random) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", random::token::<9>(random)));
    let unfinished = PathBuf::from(unfinished);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    let linked = file
        .write_all(text.expose().as_bytes())
        .and_then(|()| file.sync_all())
        // A link instead of a rename, which would silently take the place of an existing secret.
        .and_then(|()| fs::hard_link(&unfinished, path));
    let removed = fs::remove_file(&unfinished);
    linked.and(removed)?;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn sentence(path: &Path, what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} {what}: {error}", path.display()))
}
