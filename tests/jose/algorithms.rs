//! A key has one algorithm, and a signature one form (RFC 8725 §3.1).

use super::*;

#[test]
fn none_symmetric_and_unknown_ones_are_refused() {
    let key = signing_key(Algorithm::EdDsa);
    for alg in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "ES384", "ES512", "RS384", "RS512",
    ]
    .into_iter()
    .chain([
        "PS256", "Ed25519", "ES256K", "eddsa", "EDDSA", "Ed448", "rs256", "RSA-OAEP", "dir", "EdDSA ", "A256GCM",
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
        for named in Alg::ALL.into_iter().filter(|named| *named != own.into()) {
            let text = token(format!(r#"{{"alg":"{}"}}"#, named.as_str()), b"{}", &key);
            let jws = UnverifiedJws::parse_accepting(&text, BYTES_MAX, &Alg::ALL).unwrap();
            assert_eq!(
                jws.verify(&key.public_key()),
                Err(JoseError::WrongAlgorithm),
                "{own:?} {named:?}"
            );
        }
    }
}

/// A key that names no algorithm has those of its kind, and one that names one has that alone.
#[test]
fn a_key_has_the_algorithm_it_names_or_those_of_its_kind() {
    let all = vectors();
    for (vector, fitting) in [
        ("rfc8037_a_eddsa", [Alg::EdDsa, Alg::Ed25519].as_slice()),
        ("rfc7515_a3_es256", &[Alg::Es256]),
        ("ps256_of_openssl", &[Alg::Rs256, Alg::Ps256]),
    ] {
        let mut jwk = all[vector]["jwk"].clone();
        let has = |jwk: &Value| {
            Alg::ALL
                .into_iter()
                .filter(|alg| read_jwk(jwk).unwrap().has(*alg))
                .collect::<Vec<_>>()
        };
        assert_eq!(has(&jwk), fitting, "{vector}");
        for alg in Alg::ALL {
            jwk["alg"] = json!(alg.as_str());
            if fitting.contains(&alg) {
                assert_eq!(has(&jwk), [alg], "{vector}");
                let written = serde_json::to_value(read_jwk(&jwk).unwrap()).unwrap();
                assert_eq!(written["alg"], alg.as_str(), "as it was read");
            } else {
                assert!(read_jwk(&jwk).is_err(), "{vector} {alg:?}");
            }
        }
    }
}

#[test]
fn the_caller_says_which_algorithms_it_accepts() {
    let vector = &vectors()["ps256_of_openssl"];
    let (ps256, rs256) = (vector["jws"].as_str().unwrap(), vector["rs256"].as_str().unwrap());
    let accepting = |text, algs: &[Alg]| UnverifiedJws::parse_accepting(text, BYTES_MAX, algs).map(|jws| jws.alg());
    assert_eq!(accepting(ps256, &[Alg::Es256, Alg::Ps256]), Ok(Alg::Ps256));
    for (text, algs) in [(ps256, [Alg::Rs256, Alg::Es256]), (rs256, [Alg::Ps256, Alg::Es256])] {
        assert!(
            matches!(accepting(text, &algs), Err(JoseError::Unsupported(_))),
            "{algs:?}"
        );
        assert!(matches!(accepting(text, &[]), Err(JoseError::Unsupported(_))));
    }
    assert!(
        matches!(refusal(ps256), JoseError::Unsupported(_)),
        "no token of ours has it"
    );
}

#[test]
fn ps256_has_the_salt_and_the_mask_of_rfc7518() {
    let vector = &vectors()["ps256_of_openssl"];
    let mut jwk = vector["jwk"].clone();
    let verify = |jwk: &Value, text: &Value| {
        let jws = UnverifiedJws::parse_accepting(text.as_str().unwrap(), BYTES_MAX, &Alg::ALL).unwrap();
        jws.verify(&public_key(jwk)).map(<[u8]>::to_vec)
    };
    let payload = b"Example of RSASSA-PSS".to_vec();
    assert_eq!(verify(&jwk, &vector["jws"]), Ok(payload.clone()));
    assert_eq!(verify(&jwk, &vector["rs256"]), Ok(payload.clone()));
    for other in vector["other_salts"]
        .as_array()
        .unwrap()
        .iter()
        .chain([&vector["other_mask"]])
    {
        assert_eq!(verify(&jwk, other), Err(JoseError::Signature));
    }
    let renamed = vector["rs256"]
        .as_str()
        .unwrap()
        .replace(&base64url(r#"{"alg":"RS256"}"#), &base64url(r#"{"alg":"PS256"}"#));
    assert_eq!(
        verify(&jwk, &json!(renamed)),
        Err(JoseError::Signature),
        "one padding is not the other"
    );

    jwk["alg"] = json!("PS256");
    assert_eq!(verify(&jwk, &vector["jws"]), Ok(payload));
    assert_eq!(verify(&jwk, &vector["rs256"]), Err(JoseError::WrongAlgorithm));
    jwk["alg"] = json!("RS256");
    assert_eq!(verify(&jwk, &vector["jws"]), Err(JoseError::WrongAlgorithm));
}

/// RFC 9864 §2.2: the same signature under the name that says the curve.
#[test]
fn ed25519_has_two_names() {
    let key = signing_key(Algorithm::EdDsa);
    let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
    jwk.as_object_mut().unwrap().remove("alg");
    for name in ["EdDSA", "Ed25519"] {
        let text = token(format!(r#"{{"alg":"{name}"}}"#), b"{}", &key);
        let jws = UnverifiedJws::parse_accepting(&text, BYTES_MAX, &Alg::ALL).unwrap();
        assert_eq!(jws.verify(&public_key(&jwk)), Ok(b"{}".as_slice()), "{name}");
    }
}

#[test]
fn es256_signature_is_r_and_s_in_64_bytes() {
    let key = signing_key(Algorithm::Es256);
    let message = b"message";
    let signature = key.sign(message);
    let verify = |signature: &[u8]| key.public_key().verify(Alg::Es256, message, signature);
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
    let verify = |signature: &[u8]| key.public_key().verify(Alg::EdDsa, b"message", signature);
    assert_eq!(verify(&signature), Ok(()));

    // S + L, which is S again for those who do not check its range (RFC 8032 §5.1.7).
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10_u8,
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
    let strict = key.public_key().verify(Alg::EdDsa, b"message", &signature);
    assert_eq!(strict, Err(JoseError::Signature));
}
