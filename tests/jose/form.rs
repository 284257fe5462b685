//! What is no compact JWS with a plain header.

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
