//! What the RFCs print.

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
        assert_eq!(
            (jws.alg(), jws.typ(), jws.kid()),
            (Alg::from(algorithm), None, None),
            "{name}"
        );
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
