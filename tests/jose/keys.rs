//! Which keys verify at all.

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
    // 2047 bits: the highest bit away, the next one set.
    let shorter = [&[0x7f], &n[1..]].concat();
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
