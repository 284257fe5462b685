//! Signed JWTs: the examples printed in the RFCs, and everything that must be refused (RFC 8725).

use grantd::base::digest::{base64url, from_base64url, hmac_sha256, sha256};
use grantd::base::jose::{Algorithm, Ed25519Key, JoseError, Jwk, PublicKey, SigningKey, UnverifiedJws, sign_jwt};
use grantd::base::json::parse_strict_object;
use grantd::base::random::{Random as _, SeededRandom};
use serde_json::{Value, json};

const BYTES_MAX: usize = 4096;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/jose.json")).unwrap()
}

fn read_jwk(jwk: &Value) -> Result<Jwk, String> {
    serde_json::from_value(jwk.clone()).map_err(|e| e.to_string())
}

fn public_key(jwk: &Value) -> PublicKey {
    PublicKey::from_jwk(&read_jwk(jwk).unwrap()).unwrap()
}

fn signing_key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm, &SeededRandom::new(7))
}

/// Signs any header, as an attacker with a key of their own could.
fn token(header: impl AsRef<[u8]>, payload: &[u8], key: &SigningKey) -> String {
    let input = format!("{}.{}", base64url(header), base64url(payload));
    let signature = base64url(key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn refusal(text: &str) -> JoseError {
    match UnverifiedJws::parse(text, BYTES_MAX) {
        Ok(jws) => panic!("accepted: {text}\n{jws:?}"),
        Err(error) => error,
    }
}

mod vectors_of_the_rfcs {
    use super::*;

    #[test]
    fn jws_examples_verify_and_no_changed_one_does() {
        let all = vectors();
        let plain = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}".as_slice();
        for (name, algorithm, payload) in [
            ("rfc7515_a2_rs256", Algorithm::Rs256, plain),
            ("rfc7515_a3_es256", Algorithm::Es256, plain),
            ("rfc8037_a_eddsa", Algorithm::EdDsa, b"Example of Ed25519 signing"),
        ] {
            let text = all[name]["jws"].as_str().unwrap();
            let key = public_key(&all[name]["jwk"]);
            let jws = UnverifiedJws::parse(text, BYTES_MAX).unwrap();
            assert_eq!((jws.alg(), jws.typ(), jws.kid()), (algorithm, None, None), "{name}");
            assert_eq!(jws.verify(&key), Ok(payload), "{name}");

            let (input, signature) = text.rsplit_once('.').unwrap();
            let signature = from_base64url(signature).unwrap();
            for at in [0, signature.len() / 2, signature.len() - 1] {
                let mut changed = signature.clone();
                changed[at] ^= 1;
                let changed = format!("{input}.{}", base64url(changed));
                let jws = UnverifiedJws::parse(&changed, BYTES_MAX).unwrap();
                assert_eq!(jws.verify(&key), Err(JoseError::Signature), "{name}, byte {at}");
            }
            let header = input.split_once('.').unwrap().0;
            let other = format!("{header}.{}.{}", base64url(b"{\"iss\":\"eve\"}"), base64url(signature));
            let jws = UnverifiedJws::parse(&other, BYTES_MAX).unwrap();
            assert_eq!(jws.verify(&key), Err(JoseError::Signature), "{name}, other payload");
        }
    }

    #[test]
    fn private_keys_make_the_public_keys_and_the_deterministic_signature() {
        let all = vectors();
        for (name, algorithm) in [
            ("rfc7515_a3_es256", Algorithm::Es256),
            ("rfc8037_a_eddsa", Algorithm::EdDsa),
        ] {
            let d = from_base64url(all[name]["d"].as_str().unwrap()).unwrap();
            let key = SigningKey::from_private_bytes(algorithm, &d).unwrap();
            let published = serde_json::to_value(key.public_jwk()).unwrap();
            for member in ["kty", "crv", "x", "y"] {
                assert_eq!(published[member], all[name]["jwk"][member], "{name} {member}");
            }
            assert_eq!(*key.to_private_bytes(), d);
        }
        let eddsa = &all["rfc8037_a_eddsa"];
        let d = from_base64url(eddsa["d"].as_str().unwrap()).unwrap();
        let key = SigningKey::from_private_bytes(Algorithm::EdDsa, &d).unwrap();
        assert_eq!(
            token(r#"{"alg":"EdDSA"}"#, b"Example of Ed25519 signing", &key),
            eddsa["jws"].as_str().unwrap()
        );
    }

    #[test]
    fn thumbprints_of_rfc7638_and_rfc8037() {
        for name in ["rfc7638_3_1_thumbprint", "rfc8037_a_eddsa"] {
            let vector = &vectors()[name];
            assert_eq!(
                read_jwk(&vector["jwk"]).unwrap().thumbprint(),
                vector["thumbprint"].as_str().unwrap()
            );
        }
    }

    #[test]
    fn dpop_proof_of_rfc9449() {
        let vector = &vectors()["rfc9449_dpop"];
        let proof = UnverifiedJws::parse(vector["proof"].as_str().unwrap(), BYTES_MAX).unwrap();
        assert!(proof.has_typ("dpop+jwt"));
        let jwk = proof.jwk().unwrap();
        assert_eq!(jwk.thumbprint(), vector["jkt"].as_str().unwrap());
        let payload = proof.verify(&PublicKey::from_jwk(jwk).unwrap()).unwrap();
        let claims: Value = parse_strict_object(payload).unwrap();
        assert_eq!(claims["htu"], "https://server.example.com/token");
        let ath = base64url(sha256(vector["access_token"].as_str().unwrap().as_bytes()));
        assert_eq!(ath, vector["ath"].as_str().unwrap());
    }
}

mod signing {
    use super::*;

    #[test]
    fn every_algorithm_signs_what_its_published_key_verifies() {
        for algorithm in Algorithm::ALL {
            let key = signing_key(algorithm);
            let jwk = serde_json::to_value(key.public_jwk()).unwrap();
            assert_eq!((&jwk["use"], &jwk["alg"]), (&json!("sig"), &json!(algorithm.as_str())));
            assert_eq!(jwk["kid"].as_str(), Some(key.public_jwk().thumbprint().as_str()));
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert_eq!(jwk.get(private), None);
            }

            let jwt = sign_jwt(&key, "key 1", "at+jwt", br#"{"sub":"u_1"}"#);
            let jws = UnverifiedJws::parse(&jwt, BYTES_MAX).unwrap();
            assert_eq!(
                (jws.alg(), jws.typ(), jws.kid()),
                (algorithm, Some("at+jwt"), Some("key 1"))
            );
            assert!(jws.jwk().is_none());
            assert_eq!(jws.verify(&public_key(&jwk)), Ok(br#"{"sub":"u_1"}"#.as_slice()));
            assert_eq!(jws.verify(&key.public_key()), Ok(br#"{"sub":"u_1"}"#.as_slice()));
            let other = SigningKey::generate(algorithm, &SeededRandom::new(8));
            assert_eq!(jws.verify(&other.public_key()), Err(JoseError::Signature));

            let header = from_base64url(jwt.split('.').next().unwrap()).unwrap();
            let expected = format!(r#"{{"typ":"at+jwt","alg":"{}","kid":"key 1"}}"#, algorithm.as_str());
            assert_eq!(String::from_utf8(header).unwrap(), expected);
        }
    }

    #[test]
    fn private_bytes_bring_the_key_back_and_those_of_another_kind_do_not() {
        for algorithm in Algorithm::ALL {
            let key = signing_key(algorithm);
            let bytes = key.to_private_bytes();
            let back = SigningKey::from_private_bytes(algorithm, &bytes).unwrap();
            assert_eq!(back.public_jwk(), key.public_jwk());
            assert_eq!(back.to_private_bytes(), bytes);
            assert!(SigningKey::from_private_bytes(algorithm, &bytes[1..]).is_err());
            assert_eq!(
                format!("{key:?}"),
                format!("SigningKey({} {})", algorithm.as_str(), jwk_kid(&key))
            );
        }
        for scalar in [[0; 32], [0xff; 32]] {
            assert!(
                SigningKey::from_private_bytes(Algorithm::Es256, &scalar).is_err(),
                "not in 1..n"
            );
        }
    }

    fn jwk_kid(key: &SigningKey) -> &str {
        key.public_jwk().kid.as_deref().unwrap()
    }

    #[test]
    fn elliptic_keys_are_a_function_of_the_randomness() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            assert_eq!(signing_key(algorithm).public_jwk(), signing_key(algorithm).public_jwk());
        }
    }

    #[test]
    fn both_ed25519_implementations_make_the_same_bytes() {
        let random = SeededRandom::new(25519);
        for length in 0..200 {
            let mut seed = [0; 32];
            random.fill(&mut seed);
            let mut message = vec![0; length * 7];
            random.fill(&mut message);
            let key = Ed25519Key::from_seed(&seed);
            assert_eq!(key.sign_dalek(&message), key.sign_aws(&message));
        }
    }

    #[test]
    fn typ_is_a_media_type() {
        let key = signing_key(Algorithm::EdDsa);
        for (typ, same) in [
            ("at+jwt", true),
            ("AT+JWT", true),
            ("application/at+jwt", true),
            ("Application/at+jwt", true),
            ("jwt", false),
            ("dpop+jwt", false),
            ("application/", false),
            ("text/at+jwt", false),
            ("", false),
        ] {
            let jwt = sign_jwt(&key, "k", typ, b"{}");
            assert_eq!(
                UnverifiedJws::parse(&jwt, BYTES_MAX).unwrap().has_typ("at+jwt"),
                same,
                "{typ:?}"
            );
        }
        let without = token(r#"{"alg":"EdDSA"}"#, b"{}", &key);
        assert!(!UnverifiedJws::parse(&without, BYTES_MAX).unwrap().has_typ("at+jwt"));
    }
}

mod algorithms {
    use super::*;

    #[test]
    fn none_symmetric_and_unknown_ones_are_refused() {
        let key = signing_key(Algorithm::EdDsa);
        for alg in [
            "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "ES384", "ES512", "RS384", "RS512",
        ]
        .into_iter()
        .chain([
            "PS256", "ES256K", "eddsa", "EDDSA", "Ed448", "rs256", "RSA-OAEP", "dir", "EdDSA ", "A256GCM",
        ]) {
            let error = refusal(&token(format!(r#"{{"alg":"{alg}"}}"#), b"{}", &key));
            assert!(matches!(error, JoseError::Unsupported(_)), "{alg}: {error}");
        }
    }

    #[test]
    fn header_without_a_textual_alg_is_refused() {
        let key = signing_key(Algorithm::EdDsa);
        for header in [
            r#"{}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["EdDSA"]}"#,
            r#"{"alg":1}"#,
            r#"{"ALG":"EdDSA"}"#,
        ] {
            assert!(
                matches!(refusal(&token(header, b"{}", &key)), JoseError::Header(_)),
                "{header}"
            );
        }
    }

    #[test]
    fn public_key_is_no_hmac_secret() {
        let key = signing_key(Algorithm::Rs256);
        let jwk = serde_json::to_string(key.public_jwk()).unwrap();
        let input = format!("{}.{}", base64url(r#"{"alg":"HS256"}"#), base64url("{}"));
        let tag = hmac_sha256(jwk.as_bytes(), &[input.as_bytes()]);
        assert!(matches!(
            refusal(&format!("{input}.{}", base64url(tag))),
            JoseError::Unsupported(_)
        ));

        // The same tag under the name of the key's own algorithm is only a bad signature.
        let input = format!("{}.{}", base64url(r#"{"alg":"RS256"}"#), base64url("{}"));
        let text = format!(
            "{input}.{}",
            base64url(hmac_sha256(jwk.as_bytes(), &[input.as_bytes()]))
        );
        let jws = UnverifiedJws::parse(&text, BYTES_MAX).unwrap();
        assert_eq!(jws.verify(&key.public_key()), Err(JoseError::Signature));
    }

    #[test]
    fn key_verifies_with_its_own_algorithm_only() {
        for own in Algorithm::ALL {
            let key = signing_key(own);
            for named in Algorithm::ALL.into_iter().filter(|named| *named != own) {
                let text = token(format!(r#"{{"alg":"{}"}}"#, named.as_str()), b"{}", &key);
                let jws = UnverifiedJws::parse(&text, BYTES_MAX).unwrap();
                assert_eq!(
                    jws.verify(&key.public_key()),
                    Err(JoseError::WrongAlgorithm),
                    "{own:?} {named:?}"
                );
            }
        }
    }

    #[test]
    fn es256_signature_is_r_and_s_in_64_bytes() {
        let key = signing_key(Algorithm::Es256);
        let message = b"message";
        let signature = key.sign(message);
        let verify = |signature: &[u8]| key.public_key().verify(Algorithm::Es256, message, signature);
        assert_eq!((signature.len(), verify(&signature)), (64, Ok(())));

        // The same numbers in DER, as other protocols write them.
        let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
        let der = [vec![0x30, 70], integer(&signature[..32]), integer(&signature[32..])].concat();
        for bad in [
            der.as_slice(),
            &[],
            &signature[..63],
            &[signature.as_slice(), &[0]].concat(),
            &[0; 64],
        ] {
            assert_eq!(verify(bad), Err(JoseError::Signature), "{} bytes", bad.len());
        }
    }

    #[test]
    fn ed25519_signature_has_one_form() {
        let key = signing_key(Algorithm::EdDsa);
        let signature = key.sign(b"message");
        let verify = |signature: &[u8]| key.public_key().verify(Algorithm::EdDsa, b"message", signature);
        assert_eq!(verify(&signature), Ok(()));

        // S + L, which is S again for those who do not check its range (RFC 8032 §5.1.7).
        let order = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10_u8,
        ];
        let mut malleable = signature.clone();
        let mut carry = 0;
        for (byte, add) in malleable[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
        assert_eq!(carry, 0, "the sum fits in 32 bytes");
        for bad in [
            malleable.as_slice(),
            &[],
            &signature[..63],
            &[signature.as_slice(), &[0]].concat(),
            &[0; 64],
        ] {
            assert_eq!(verify(bad), Err(JoseError::Signature), "{} bytes", bad.len());
        }
    }

    /// A signature whose R is the neutral element, S = h·a: valid to the letter of the equation, and refused by the
    /// strict verifier only.
    #[test]
    fn ed25519_signature_with_a_point_of_small_order_is_refused() {
        use ed25519_dalek::Verifier as _;
        use std::ops::{Add, Mul};

        fn little_endian<S: Copy + From<u64> + Add<Output = S> + Mul<Output = S>>(bytes: &[u8], _like: S) -> S {
            bytes
                .iter()
                .rev()
                .fold(S::from(0), |sum, byte| sum * S::from(256) + S::from(u64::from(*byte)))
        }

        let key = signing_key(Algorithm::EdDsa);
        let dalek = ed25519_dalek::SigningKey::try_from(key.to_private_bytes().as_slice()).unwrap();
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let hashed = [&neutral, dalek.verifying_key().as_bytes(), b"message".as_slice()].concat();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &hashed);
        let a = dalek.to_scalar();
        let s = little_endian(hash.as_ref(), a) * a;
        let signature = [neutral, s.to_bytes()].concat();

        let lenient = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        assert!(
            dalek.verifying_key().verify(b"message", &lenient).is_ok(),
            "the equation holds"
        );
        let strict = key.public_key().verify(Algorithm::EdDsa, b"message", &signature);
        assert_eq!(strict, Err(JoseError::Signature));
    }
}

mod form {
    use super::*;

    #[test]
    fn other_than_three_filled_parts_is_refused() {
        let good = sign_jwt(&signing_key(Algorithm::EdDsa), "k", "at+jwt", b"{}");
        let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!()
        };
        for bad in [
            String::new(),
            "..".into(),
            header.into(),
            format!("{header}.{payload}"),
            format!("{good}."),
            format!(".{good}"),
            format!("{good}.{signature}"),
            format!("{header}.{payload}.{signature}.{payload}.{signature}"),
            format!("{header}..{signature}"),
            format!(".{payload}.{signature}"),
            format!("{header}.{payload}."),
            format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        ] {
            assert!(matches!(refusal(&bad), JoseError::Malformed(_)), "{bad}");
        }
    }

    #[test]
    fn base64_of_another_spelling_is_refused_in_every_part() {
        // A payload of one byte leaves four unused bits in its second character, and so does the signature.
        let good = token(r#"{"alg":"EdDSA"} "#, b"1", &signing_key(Algorithm::EdDsa));
        let parts: Vec<&str> = good.split('.').collect();
        for at in 0..3 {
            let part = parts[at];
            let (rest, last) = part.split_at(part.len() - 1);
            let bumped = char::from(last.as_bytes()[0] + 1);
            let spellings = [
                format!("{part}="),
                format!("{part}=="),
                format!("{part}\n"),
                format!(" {part}"),
                format!("{rest} {last}"),
                format!("{rest}{bumped}"),
                format!("{rest}+"),
                format!("{rest}/"),
                format!("{part}\0"),
                format!("{part}%3D"),
                format!("{part}é"),
            ];
            for spelling in spellings {
                let mut changed = parts.clone();
                changed[at] = &spelling;
                assert!(
                    matches!(refusal(&changed.join(".")), JoseError::Malformed(_)),
                    "part {at}: {spelling:?}"
                );
            }
        }
    }

    #[test]
    fn length_is_limited_before_anything_is_decoded() {
        let good = sign_jwt(&signing_key(Algorithm::EdDsa), "k", "at+jwt", b"{}");
        assert!(UnverifiedJws::parse(&good, good.len()).is_ok());
        let error = UnverifiedJws::parse(&good, good.len() - 1).unwrap_err();
        assert_eq!(error, JoseError::Malformed("it is too long"));
    }

    #[test]
    fn header_that_is_no_strict_json_object_is_refused() {
        let key = signing_key(Algorithm::EdDsa);
        let headers: [&[u8]; 12] = [
            b"null",
            b"\"EdDSA\"",
            br#"["EdDSA"]"#,
            br#"[{"alg":"EdDSA"}]"#,
            br#"{"alg":"EdDSA"}x"#,
            br#"{"alg":"EdDSA"}{}"#,
            br#"{"alg":"EdDSA""#,
            br#"{"alg":"EdDSA",}"#,
            br#"{"alg":"EdDSA","alg":"EdDSA"}"#,
            br#"{"alg":"none","\u0061lg":"EdDSA"}"#,
            br#"{"alg":"EdDSA","x":{"y":[{"z":1,"z":1}]}}"#,
            b"{\"alg\":\"EdDSA\",\"kid\":\"\xff\"}",
        ];
        for header in headers {
            let error = refusal(&token(header, b"{}", &key));
            assert!(
                matches!(error, JoseError::Header(_)),
                "{}",
                String::from_utf8_lossy(header)
            );
        }
        let deep = format!(r#"{{"alg":"EdDSA","x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        assert!(matches!(refusal(&token(deep, b"{}", &key)), JoseError::Header(_)));
    }

    #[test]
    fn extensions_and_encryption_are_refused() {
        let key = signing_key(Algorithm::EdDsa);
        for member in [
            r#""crit":[]"#,
            r#""crit":null"#,
            r#""crit":["exp"],"exp":1"#,
            r#""crit":["b64"],"b64":false"#,
            r#""crit":"b64""#,
            r#""b64":false"#,
            r#""b64":true"#,
            r#""zip":"DEF""#,
            r#""enc":"A256GCM""#,
        ] {
            let error = refusal(&token(format!(r#"{{"alg":"EdDSA",{member}}}"#), b"{}", &key));
            assert!(matches!(error, JoseError::Unsupported(_)), "{member}: {error}");
        }
    }

    #[test]
    fn keys_that_a_header_points_to_are_ignored() {
        let key = signing_key(Algorithm::EdDsa);
        let header = r#"{"alg":"EdDSA","jku":"https://evil.example/jwks","x5u":"https://evil.example","x5c":["AA"]}"#;
        let text = token(header, b"{}", &key);
        let jws = UnverifiedJws::parse(&text, BYTES_MAX).unwrap();
        assert!(jws.jwk().is_none());
        assert_eq!(jws.verify(&key.public_key()), Ok(b"{}".as_slice()));
    }
}

mod keys {
    use super::*;

    #[test]
    fn private_and_symmetric_members_are_refused() {
        let all = vectors();
        for name in ["rfc7515_a2_rs256", "rfc7515_a3_es256", "rfc8037_a_eddsa"] {
            for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                for value in [json!("AAAA"), json!(null), json!([])] {
                    let mut jwk = all[name]["jwk"].clone();
                    assert!(read_jwk(&jwk).is_ok());
                    jwk[member] = value;
                    assert!(
                        read_jwk(&jwk).unwrap_err().contains("private or symmetric"),
                        "{name} {member}"
                    );
                }
            }
        }
        assert!(
            read_jwk(&json!({"kty": "oct", "k": "AAAA"}))
                .unwrap_err()
                .contains("private or symmetric")
        );
    }

    #[test]
    fn private_key_in_the_header_of_a_proof_is_refused() {
        let key = signing_key(Algorithm::EdDsa);
        let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
        jwk["d"] = json!(base64url(&*key.to_private_bytes()));
        let text = token(json!({"alg": "EdDSA", "jwk": jwk}).to_string(), b"{}", &key);
        let error = refusal(&text).to_string();
        assert!(error.contains("private or symmetric"), "{error}");
        assert!(!error.contains(jwk["d"].as_str().unwrap()), "{error}");
    }

    #[test]
    fn other_kinds_and_uses_are_refused() {
        let ed = vectors()["rfc8037_a_eddsa"]["jwk"].clone();
        let ec = vectors()["rfc7515_a3_es256"]["jwk"].clone();
        let rsa = vectors()["rfc7515_a2_rs256"]["jwk"].clone();
        for (base, member, value) in [
            (&ed, "kty", json!("EC")),
            (&ed, "kty", json!("okp")),
            (&ed, "kty", json!("oct")),
            (&ed, "crv", json!("X25519")),
            (&ed, "crv", json!("Ed448")),
            (&ed, "alg", json!("ES256")),
            (&ed, "alg", json!("HS256")),
            (&ed, "use", json!("enc")),
            (&ed, "x", json!(null)),
            (&ed, "x", json!("AAAA")),
            (&ed, "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")),
            (&ed, "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp")),
            (&ec, "crv", json!("P-384")),
            (&ec, "crv", json!("secp256k1")),
            (&ec, "y", json!(null)),
            (&rsa, "alg", json!("HS256")),
            (&rsa, "alg", json!("RS512")),
            (&rsa, "e", json!("AAEAAQ")),
            (&rsa, "e", json!("")),
            (&rsa, "n", json!(null)),
        ] {
            let mut jwk = base.clone();
            jwk[member] = value;
            assert!(read_jwk(&jwk).is_err(), "{jwk}");
        }
        let twice = r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert!(serde_json::from_str::<Jwk>(twice).is_err());
    }

    #[test]
    fn weak_rsa_numbers_are_refused() {
        let good = vectors()["rfc7515_a2_rs256"]["jwk"].clone();
        let n = from_base64url(good["n"].as_str().unwrap()).unwrap();
        let longer = [n.as_slice(), &n, &[1]].concat();
        // 2047 bits: the highest bit away.
        let shorter = [&[n[0] & 0x7f], &n[1..]].concat();
        for (n, e) in [
            (&shorter, [1, 0, 1].as_slice()),
            (&n[..128].to_vec(), &[1, 0, 1]),
            (&longer, &[1, 0, 1]),
            (&n, &[1]),
            (&n, &[3]),
            (&n, &[1, 0, 0]),
            (&n, &[1, 0, 2]),
            (&n, &[1, 0, 0, 0, 1]),
        ] {
            let jwk = read_jwk(&json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)})).unwrap();
            assert!(
                matches!(PublicKey::from_jwk(&jwk), Err(JoseError::Key(_))),
                "{} bytes, e {e:?}",
                n.len()
            );
        }
    }

    #[test]
    fn point_off_the_curve_is_refused() {
        let mut jwk = vectors()["rfc7515_a3_es256"]["jwk"].clone();
        jwk["y"] = jwk["x"].clone();
        assert!(PublicKey::from_jwk(&read_jwk(&jwk).unwrap()).is_err());
        let origin = json!({"kty": "EC", "crv": "P-256", "x": base64url([0; 32]), "y": base64url([0; 32])});
        assert!(PublicKey::from_jwk(&read_jwk(&origin).unwrap()).is_err());
    }

    #[test]
    fn ed25519_points_of_small_order_or_in_a_second_spelling_are_refused() {
        let refusal = |x: [u8; 32]| {
            let jwk = read_jwk(&json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(x)})).unwrap();
            PublicKey::from_jwk(&jwk).err().map(|error| error.to_string())
        };
        let mut small = [[0; 32], [0; 32], [0xff; 32]];
        small[1][0] = 1; // the neutral element; small[0] has order 4
        small[2][0] = 0xec; // y = -1, order 2
        small[2][31] = 0x7f;
        for x in small {
            assert!(refusal(x).is_some_and(|why| why.contains("small order")), "{x:02x?}");
        }
        let mut second_spellings = 0;
        for k in 0..19 {
            let mut x = [0xff; 32]; // p + k, where p = 2^255 - 19
            x[0] = 0xed + k;
            x[31] = 0x7f;
            let why = refusal(x).expect("a coordinate of p or above is never accepted");
            second_spellings += u32::from(why.contains("canonical"));
        }
        assert!(
            second_spellings > 2,
            "some are points of large order, which only this rule refuses"
        );
    }
}
