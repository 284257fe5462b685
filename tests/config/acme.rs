//! `[acme]`: what it may say, and the sentence for each thing that cannot be.

use super::{accepted, refused};
use grantd::config::AcmeChallenge;

const ISSUER: &str = "issuer = \"https://auth.example.com\"\nlisten = [\"https://0.0.0.0:443\"]\n";

#[test]
fn agreeing_to_the_terms_is_all_it_takes() {
    let config = accepted(&format!("{ISSUER}[acme]\nterms_agreed = true"));
    let acme = config.acme.as_ref().expect("there");
    assert_eq!(acme.directory, "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!(acme.domains, ["auth.example.com"]);
    assert_eq!((acme.challenge, acme.listen.len()), (AcmeChallenge::TlsAlpn01, 0));
    assert_eq!(
        config
            .warnings()
            .iter()
            .filter(|one| one.contains("certificate"))
            .count(),
        0
    );
    let http = format!("{ISSUER}[acme]\nterms_agreed = true\nchallenge = \"http-01\"");
    let acme = accepted(&http).acme.expect("there");
    assert_eq!(acme.listen[0].to_string(), "http://0.0.0.0:80", "for others, and plain");
}

#[test]
fn a_port_nobody_reaches_is_worth_a_warning() {
    let warned = |settings: &str, port: &str| {
        let config = accepted(&format!("{settings}terms_agreed = true"));
        let warnings = config.warnings();
        assert!(
            warnings
                .iter()
                .any(|one| one.contains(&format!("connects to port {port}"))),
            "{settings}: {warnings:?}"
        );
    };
    warned(&format!("{}[acme]\n", ISSUER.replace(":443", ":8443")), "443");
    warned(&format!("{}[acme]\n", ISSUER.replace("0.0.0.0", "127.0.0.1")), "443");
    let http = "challenge = \"http-01\"\nlisten = [\"http://0.0.0.0:8080\"]\n";
    warned(&format!("{ISSUER}[acme]\n{http}"), "80");
}

#[test]
fn terms_must_be_agreed_to_and_names_must_be_public() {
    let acme = |more: &str| format!("{ISSUER}[acme]\nterms_agreed = true\n{more}");
    refused(
        &format!("{ISSUER}[acme]"),
        &["`acme.terms_agreed` is missing in grantd.toml line 3"],
    );
    refused(
        &format!("{ISSUER}[acme]\nterms_agreed = false"),
        &[
            "`acme.terms_agreed` in grantd.toml line 4 is false; read the terms of the certificate authority, and say \
           true where you agree",
        ],
    );
    let name = "which is no public DNS name such as \"auth.example.com\"";
    for (bad, why) in [
        (
            "*.example.com",
            "but neither challenge shows that every name below it is yours; name each one",
        ),
        (
            "192.0.2.1",
            "which is an address; a certificate is obtained for names alone",
        ),
        ("localhost", name),
        ("a..example.com", name),
        ("-a.example.com", name),
        ("a_b.example.com", name),
        ("bücher.example", name),
    ] {
        let sentence = format!("`acme.domains[1]` in grantd.toml line 5 is {bad:?}, {why}");
        refused(
            &acme(&format!("domains = [\"auth.example.com\", \"{bad}\"]")),
            &[&sentence],
        );
    }
}

#[test]
fn each_value_is_judged_alone() {
    let acme = |more: &str| format!("{ISSUER}[acme]\nterms_agreed = true\n{more}");
    refused(
        &acme("directory = \"http://ca.example.com/\""),
        &["`acme.directory` in grantd.toml line 5 is \"http://ca.example.com/\", but must be https, without a user"],
    );
    refused(
        &acme("contact = [\"mailto:a@example.com\"]"),
        &[
            "`acme.contact[0]` in grantd.toml line 5 is \"mailto:a@example.com\", which is no email address such as \
           \"admin@example.com\"",
        ],
    );
    refused(
        &acme("listen = [\"https://0.0.0.0:80\"]"),
        &[
            "`acme.listen[0]` in grantd.toml line 5 is \"https://0.0.0.0:80\", but must be plain http: it answers \
           challenges, and leads everything else to https",
        ],
    );
    refused(
        &acme("listen = [\"http://0.0.0.0:443\"]"),
        &["`acme.listen` names 0.0.0.0:443, which is taken already"],
    );
    refused(
        &acme("challenge = \"http-01\"\nlisten = []"),
        &[
            "`acme` in grantd.toml line 3 has the challenge \"http-01\" and an empty `listen`: the authority asks at \
           port 80",
        ],
    );
}

#[test]
fn what_does_not_go_together_is_told() {
    let acme = |more: &str| format!("{ISSUER}[acme]\nterms_agreed = true\n{more}");
    refused(
        &acme("domains = [\"api.example.com\"]"),
        &["`acme.domains` lacks auth.example.com, the host of the issuer: clients would refuse to connect"],
    );
    refused(
        "issuer = \"https://127.0.0.1:8443\"\n[acme]\nterms_agreed = true",
        &[
            "`[acme]` is to obtain a certificate for the issuer's host 127.0.0.1, which is an address; a certificate \
           is obtained for names alone",
        ],
    );
    refused(
        &acme("[tls]\ncertificate = \"c\"\nkey = \"k\""),
        &["`[tls]` and `[acme]` both say where the certificate comes from; keep one of them"],
    );
    refused(
        "issuer = \"https://auth.example.com\"\nlisten = [\"http://127.0.0.1:80\"]\n[acme]\nterms_agreed = true",
        &["`[acme]` obtains a certificate that nobody uses: no listener speaks https"],
    );
}
