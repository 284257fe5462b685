//! The master secret: digests, seals, its text and its file.

use grantd::base::master::{KeyedDigest, MasterSecret, Purpose, Sealed};
use grantd::base::random::{SeededRandom, SystemRandom};
use grantd::store::codec;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

fn secret(seed: u64) -> MasterSecret {
    MasterSecret::generate(&SeededRandom::new(seed))
}

/// A text with these keys and a check value that fits, whatever the keys are.
fn text_of(lines: &[&str]) -> String {
    use grantd::base::digest::{base64url, sha256};
    let mut text = String::from("grantd master secret, format 1\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    let check = base64url(&sha256(text.as_bytes())[..8]);
    format!("{text}check {check}\n")
}

fn key_line(secret: &MasterSecret, version: u8) -> String {
    let text = secret.to_text();
    let key = text.expose().lines().nth(1).unwrap().strip_prefix("key 1 ").unwrap();
    format!("key {version} {key}")
}

#[test]
fn digest_depends_on_secret_purpose_and_value() {
    let one = secret(1);
    let digest = one.digest(Purpose::RefreshToken, b"value");
    assert_eq!(digest, one.digest(Purpose::RefreshToken, b"value"));
    assert_eq!(
        digest,
        MasterSecret::from_text(one.to_text().expose())
            .unwrap()
            .digest(Purpose::RefreshToken, b"value")
    );
    assert!(one.verify(Purpose::RefreshToken, b"value", &digest));
    assert!(!one.verify(Purpose::RefreshToken, b"valuE", &digest));
    assert!(!one.verify(Purpose::Session, b"value", &digest));
    assert!(!secret(2).verify(Purpose::RefreshToken, b"value", &digest));
    assert_eq!((digest.as_bytes().len(), digest.as_bytes()[0]), (33, 1));
    for at in 0..KeyedDigest::BYTES {
        let mut changed = digest.as_bytes().to_vec();
        changed[at] ^= 0x80;
        let changed: KeyedDigest = stored(&byte_string::Bytes(changed));
        assert!(!one.verify(Purpose::RefreshToken, b"value", &changed), "byte {at}");
    }
}

#[test]
fn derivation_never_changes() {
    // A changed label or derivation would make every stored credential wrong: this text and digest are for good.
    let fixed = text_of(&["key 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]);
    let fixed = MasterSecret::from_text(&fixed).unwrap();
    let digest = fixed.digest(Purpose::RefreshToken, b"value");
    assert_eq!(
        format!("{digest:?} {}", fixed.fingerprint()),
        "KeyedDigest(1:ZKFk2mVeiA8k87oiFeGbo5aF0XDN5Bbj8Sr0sMc0CpQ) 3M9lB2-Y_u2qXbfJ5OSXLQ"
    );
}

#[test]
fn seal_opens_with_same_secret_purpose_and_context_only() {
    let (one, random) = (secret(1), SeededRandom::new(3));
    let sealed = one.seal(Purpose::SigningKey, b"record 1", b"plaintext", &random);
    assert_eq!(
        one.open(Purpose::SigningKey, b"record 1", &sealed).unwrap().as_slice(),
        b"plaintext"
    );
    assert!(one.open(Purpose::SigningKey, b"record 2", &sealed).is_none());
    assert!(one.open(Purpose::WebhookSecret, b"record 1", &sealed).is_none());
    assert!(secret(2).open(Purpose::SigningKey, b"record 1", &sealed).is_none());
    assert_ne!(
        one.seal(Purpose::SigningKey, b"record 1", b"plaintext", &random),
        sealed,
        "nonces differ"
    );
    let empty = one.seal(Purpose::SigningKey, b"", b"", &random);
    assert_eq!(one.open(Purpose::SigningKey, b"", &empty).unwrap().as_slice(), b"");
}

#[test]
fn no_changed_or_shortened_seal_opens() {
    let one = secret(1);
    let sealed = one.seal(Purpose::Receipt, b"context", b"plaintext", &SystemRandom);
    let bytes: byte_string::Bytes = stored(&sealed);
    assert!(!bytes.0.windows(9).any(|window| window == b"plaintext"));
    let again = |bytes: Vec<u8>| -> Sealed { stored(&byte_string::Bytes(bytes)) };
    assert_eq!(
        one.open(Purpose::Receipt, b"context", &again(bytes.0.clone()))
            .unwrap()
            .as_slice(),
        b"plaintext"
    );
    for at in 0..bytes.0.len() {
        let mut changed = bytes.0.clone();
        changed[at] ^= 0x40;
        assert!(
            one.open(Purpose::Receipt, b"context", &again(changed)).is_none(),
            "byte {at}"
        );
        assert!(
            one.open(Purpose::Receipt, b"context", &again(bytes.0[..at].to_vec()))
                .is_none(),
            "{at} bytes"
        );
    }
}

/// Through the store's encoding, as records travel.
fn stored<A: serde::Serialize, B: serde::de::DeserializeOwned>(value: &A) -> B {
    codec::decode(&codec::encode(value).unwrap()).unwrap()
}

mod byte_string {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

    /// A byte string as the store encodes it.
    pub struct Bytes(pub Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Take;
            impl Visitor<'_> for Take {
                type Value = Bytes;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }
                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(bytes.to_vec()))
                }
            }
            deserializer.deserialize_bytes(Take)
        }
    }
}

#[test]
fn digests_and_seals_are_stored_as_byte_strings() {
    let one = secret(1);
    let digest = one.digest(Purpose::Session, b"value");
    assert_eq!(stored::<_, KeyedDigest>(&digest), digest);
    assert_eq!(stored::<_, byte_string::Bytes>(&digest).0, digest.as_bytes());
    assert!(codec::encode(&digest).unwrap().len() < 5 + 33 + 4);
    let short = codec::encode(&byte_string::Bytes(vec![1; 32])).unwrap();
    assert!(codec::decode::<KeyedDigest>(&short).is_err());
}

#[test]
fn newest_key_makes_and_older_ones_still_verify_and_open() {
    let (old, newer) = (secret(1), secret(2));
    let digest = old.digest(Purpose::ApiKey, b"value");
    let sealed = old.seal(Purpose::TotpSeed, b"u_1", b"seed", &SystemRandom);

    let both = MasterSecret::from_text(&text_of(&[&key_line(&old, 1), &key_line(&newer, 7)])).unwrap();
    assert!(both.verify(Purpose::ApiKey, b"value", &digest));
    assert_eq!(
        both.open(Purpose::TotpSeed, b"u_1", &sealed).unwrap().as_slice(),
        b"seed"
    );
    let new_digest = both.digest(Purpose::ApiKey, b"value");
    assert_eq!(new_digest.as_bytes()[0], 7);
    assert!(both.verify(Purpose::ApiKey, b"value", &new_digest) && !old.verify(Purpose::ApiKey, b"value", &new_digest));
    assert_eq!(both.fingerprint(), newer.fingerprint());
    assert!(both.knows(&old.fingerprint()) && !old.knows(&both.fingerprint()));
    assert_eq!(
        MasterSecret::from_text(both.to_text().expose())
            .unwrap()
            .digest(Purpose::ApiKey, b"value"),
        new_digest
    );
}

#[test]
fn nothing_of_it_is_printed() {
    let one = secret(1);
    assert_eq!(format!("{one:?}"), "***");
    let text = one.to_text();
    let key = text.expose().lines().nth(1).unwrap().rsplit(' ').next().unwrap();
    for bad in [&text.expose()[..60], &text.expose().replace("check ", "check A")] {
        let error = MasterSecret::from_text(bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&key[..8]));
    }
}

#[test]
fn text_survives_crlf_and_a_lost_last_newline() {
    let one = secret(1);
    let text = one.to_text();
    for same in [text.expose().replace('\n', "\r\n"), text.expose().trim_end().to_owned()] {
        assert_eq!(MasterSecret::from_text(&same).unwrap().fingerprint(), one.fingerprint());
    }
}

#[test]
fn no_shortened_or_changed_text_is_accepted() {
    let text = secret(1).to_text();
    let text = text.expose().trim_end();
    for length in 0..text.len() {
        assert!(MasterSecret::from_text(&text[..length]).is_err(), "{length} bytes");
    }
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(
            MasterSecret::from_text(&String::from_utf8(bytes).unwrap()).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn text_that_says_something_else_is_refused_with_a_sentence() {
    let key = key_line(&secret(1), 1);
    let short = "key 1 AAAA";
    let cases: [(&[&str], &str); 8] = [
        (&[], "missing"),
        (&[&key, &key], "ascending"),
        (&[&key_line(&secret(1), 2), &key], "ascending"),
        (&[&key.replace("key 1", "key 0")], "neither a key"),
        (&[&key.replace("key 1", "key 01")], "neither a key"),
        (&[&key.replace("key 1", "key 256")], "neither a key"),
        (&[&key, "comment"], "neither a key"),
        (&[short], "32 bytes"),
    ];
    for (lines, sentence) in cases {
        let error = MasterSecret::from_text(&text_of(lines)).unwrap_err().to_string();
        assert!(error.contains(sentence), "{lines:?}: {error}");
    }
    let added = format!("{}more\n", text_of(&[&key]));
    assert!(
        MasterSecret::from_text(&added)
            .unwrap_err()
            .to_string()
            .contains("added to")
    );
}

mod file {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn allow(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn is_made_once_and_then_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let (first, created) = MasterSecret::load_or_create(&path, &SystemRandom).unwrap();
        assert!(created);
        assert_eq!(mode(&path), 0o600);
        let (second, created) = MasterSecret::load_or_create(&path, &SystemRandom).unwrap();
        assert!(!created);
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "nothing unfinished is left behind"
        );
    }

    #[test]
    fn that_others_may_use_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        MasterSecret::load_or_create(&path, &SystemRandom).unwrap();
        for bad in [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o601] {
            allow(&path, bad);
            let error = MasterSecret::load_or_create(&path, &SystemRandom).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            let sentence = error.to_string();
            assert!(
                sentence.contains(&*path.to_string_lossy()) && sentence.contains("chmod 600"),
                "{sentence}"
            );
        }
        allow(&path, 0o400);
        assert!(!MasterSecret::load_or_create(&path, &SystemRandom).unwrap().1);
    }

    #[test]
    fn that_is_damaged_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let whole = secret(1).to_text();
        for damaged in ["", "hello\n", &whole.expose()[..70]] {
            fs::write(&path, damaged).unwrap();
            allow(&path, 0o600);
            let error = MasterSecret::load_or_create(&path, &SystemRandom).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
        fs::write(&path, b"\xff\xfe").unwrap();
        assert_eq!(
            MasterSecret::load_or_create(&path, &SystemRandom).unwrap_err().kind(),
            ErrorKind::InvalidData
        );
    }

    #[test]
    fn that_is_a_directory_or_has_none_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(MasterSecret::load_or_create(directory.path(), &SystemRandom).is_err());
        let missing = directory.path().join("nowhere/secret");
        let error = MasterSecret::load_or_create(&missing, &SystemRandom).unwrap_err();
        assert!(error.to_string().contains("nowhere/secret"), "{error}");
    }

    #[test]
    fn behind_a_dangling_link_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        symlink(directory.path().join("unmounted"), &path).unwrap();
        assert!(MasterSecret::load_or_create(&path, &SystemRandom).is_err());
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[test]
    fn is_the_same_for_all_who_make_it_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let results: Vec<(String, bool)> = std::thread::scope(|scope| {
            let make = |_| {
                scope.spawn(|| {
                    let (secret, created) = MasterSecret::load_or_create(&path, &SystemRandom).unwrap();
                    (secret.fingerprint(), created)
                })
            };
            let threads: Vec<_> = (0..8).map(make).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|(_, created)| *created).count(), 1);
        assert!(results.iter().all(|(fingerprint, _)| *fingerprint == results[0].0));
    }
}
