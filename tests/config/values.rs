//! The values of single keys, and the sentence for each that cannot be.

use super::{DAY, accepted, load_with, refused};
use grantd::base::limits::Limits;
use grantd::config::{Issuer, Overrides, Scheme, TlsFiles};
use std::time::Duration;

#[test]
fn an_issuer_is_a_bare_origin_kept_byte_for_byte() {
    for good in [
        "https://example.com",
        "https://auth.example.com:8443",
        "https://xn--bcher-kva.example",
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost",
    ] {
        assert_eq!(good.parse::<Issuer>().unwrap().as_str(), good);
    }
    let bare = "which is not a bare origin (scheme, host and port, without a slash at the end); write";
    for (bad, why) in [
        ("https://example.com/", format!("{bare} `https://example.com`")),
        ("https://example.com/tenant", format!("{bare} `https://example.com`")),
        ("https://example.com?x", format!("{bare} `https://example.com`")),
        ("https://example.com#", format!("{bare} `https://example.com`")),
        ("https://user@example.com", format!("{bare} `https://example.com`")),
        ("https://example.com:443", format!("{bare} `https://example.com`")),
        ("HTTPS://Example.com", format!("{bare} `https://example.com`")),
        (" https://example.com", format!("{bare} `https://example.com`")),
        (
            "https://bücher.example",
            format!("{bare} `https://xn--bcher-kva.example`"),
        ),
        ("https://127.1", format!("{bare} `https://127.0.0.1`")),
        (
            "http://example.com",
            "which must be https; plain http is only for the hosts 127.0.0.1, [::1] and localhost".into(),
        ),
        (
            "http://127.0.0.2",
            "which must be https; plain http is only for the hosts 127.0.0.1, [::1] and localhost".into(),
        ),
        (
            "http://localhost.example",
            "which must be https; plain http is only for the hosts 127.0.0.1, [::1] and localhost".into(),
        ),
        ("ftp://example.com", "which must be https, not ftp".into()),
        ("https://exa\\\"mple.com", "which has a host that is no DNS name".into()),
        ("example.com", "which is no URL: relative URL without a base".into()),
        ("", "which is no URL: relative URL without a base".into()),
    ] {
        let shown = if bad.contains('"') {
            bad.to_owned()
        } else {
            bad.escape_debug().to_string()
        };
        refused(
            &format!("issuer = \"{bad}\"\nlisten = [\"http://127.0.0.1:1\"]"),
            &[&format!("`issuer` in grantd.toml line 1 is \"{shown}\", {why}")],
        );
    }
    let long = format!("https://{}.example", "a".repeat(200));
    assert_eq!(long.parse::<Issuer>().unwrap_err(), "is longer than 200 bytes");
}

#[test]
fn an_issuer_knows_whether_it_is_this_machine() {
    for (text, host, loopback) in [
        ("http://127.0.0.1:8080", "127.0.0.1", true),
        ("https://[::1]:1", "::1", true),
        ("https://[2001:db8::1]", "2001:db8::1", false),
        ("http://localhost", "localhost", true),
        ("https://localhost.example:8443", "localhost.example", false),
    ] {
        let issuer: Issuer = text.parse().unwrap();
        assert_eq!((issuer.host(), issuer.is_loopback()), (host, loopback), "{text}");
        assert_eq!(issuer.is_https(), text.starts_with("https"));
    }
}

#[test]
fn plain_http_listens_on_loopback_only() {
    let config = accepted("listen = [\"https://0.0.0.0:8443\", \"http://127.0.0.1:8080\", \"http://[::1]:8080\"]");
    let schemes: Vec<Scheme> = config.listen.iter().map(|listen| listen.scheme).collect();
    assert_eq!(schemes, [Scheme::Https, Scheme::Http, Scheme::Http]);
    assert_eq!(config.listen[0].address, "0.0.0.0:8443".parse().unwrap());
    for address in ["0.0.0.0:80", "192.0.2.1:80", "[::]:80", "[::ffff:192.0.2.1]:80"] {
        refused(
            &format!("listen = [\"http://{address}\"]"),
            &[&format!(
                "`listen[0]` in grantd.toml line 1 is \"http://{address}\", which is plain http on an address \
                 others can reach; use https, or 127.0.0.1 or [::1] behind a TLS proxy"
            )],
        );
    }
    for text in [
        "https://localhost:1",
        "127.0.0.1:1",
        "https://127.0.0.1",
        "ftp://127.0.0.1:1",
        "https://127.0.0.1:70000",
    ] {
        refused(
            &format!("listen = [\"{text}\"]"),
            &[&format!(
                "`listen[0]` in grantd.toml line 1 is \"{text}\", which is no `https://ADDRESS:PORT` with an IP \
                 address, such as `https://0.0.0.0:8443` or `https://[::]:8443`"
            )],
        );
    }
    refused(
        "listen = []",
        &["`listen` names no address; a server must listen somewhere"],
    );
    refused(
        "listen = [\"https://127.0.0.1:1\", \"http://127.0.0.1:1\"]",
        &["`listen` names 127.0.0.1:1 twice"],
    );
    accepted("listen = [\"https://127.0.0.1:0\", \"http://127.0.0.1:0\"]");
}

#[test]
fn durations_are_a_whole_number_and_one_unit() {
    for (text, span) in [("7200s", DAY / 12), ("120m", DAY / 12), ("24h", DAY), ("3d", 3 * DAY)] {
        let config = accepted(&format!("[keys]\nrotate_after = \"365d\"\npublish_before = \"{text}\""));
        assert_eq!(config.keys.publish_before, span);
    }
    for text in [
        "90",
        "d",
        "",
        "+90d",
        "-1d",
        "1.5d",
        "90 d",
        "90D",
        "1d12h",
        "90w",
        "é",
        "99999999999999999999d",
    ] {
        refused(
            &format!("[keys]\nrotate_after = \"{text}\""),
            &[&format!(
                "`keys.rotate_after` in grantd.toml line 2 is {text:?}, but a duration is a whole number and one \
                 of s, m, h, d, such as \"10m\""
            )],
        );
    }
    refused(
        "[keys]\nrotate_after = 90",
        &[
            "`keys.rotate_after` in grantd.toml line 2 must be a duration such as \"30s\", \"10m\", \"12h\" or \
           \"90d\", not an integer",
        ],
    );
    refused(
        "[keys]\nrotate_after = \"23h\"\npublish_before = \"1h\"",
        &["`keys.rotate_after` in grantd.toml line 2 is \"23h\", but must be \"1d\" to \"3650d\""],
    );
    refused(
        "[keys]\nrotate_after = \"7d\"",
        &[
            "`keys` in grantd.toml line 1 announces the next key 7d ahead though keys change every 7d; make \
           `publish_before` the shorter one",
        ],
    );
}

#[test]
fn limits_have_their_own_limits() {
    let config = accepted("[limits]\nconnections_max = 100\nidle_max = \"2m\"\nhttp2_streams_max = 7");
    assert_eq!(config.limits.connections_max, 100);
    assert_eq!(config.limits.idle_ms_max, 120_000);
    assert_eq!(config.limits.http2_streams_max, 7);
    assert_eq!(accepted("").limits, Limits::default());
    let shown = serde_json::to_value(&config).unwrap();
    assert_eq!(shown["limits"]["idle_max"], "2m", "shown as it is written");
    assert_eq!(shown["limits"]["failures_max"], 10);
    assert_eq!(shown["limits"]["failure_refill"], "30s");
    let failures = accepted("[limits]\nfailures_max = 3\naddress_failures_max = 30\nfailure_refill = \"5m\"").limits;
    assert_eq!(failures.failures.failures_max.get(), 3);
    assert_eq!(failures.failures.address_failures_max.get(), 30);
    assert_eq!(failures.failures.refill_s.get(), 300);
    assert_eq!(
        (&shown["limits"]["pushes_max"], &shown["limits"]["push_refill"]),
        (&600.into(), &"1s".into())
    );
    let pushes = accepted("[limits]\npushes_max = 5\npush_refill = \"2s\"").limits.pushes;
    assert_eq!((pushes.burst.get(), pushes.refill_s.get()), (5, 2));
    refused(
        "[limits]\nconnections_max = 0\nidle_max = 60\nheader_fields_max = 101\nbody_max = \"0s\"\nfailures_max = 0",
        &[
            "`limits.connections_max` in grantd.toml line 2 is 0, but must be 16 to 1000000",
            "`limits.body_max` in grantd.toml line 5 is \"0s\", but must be \"1s\" to \"10m\"",
            "`limits.idle_max` in grantd.toml line 3 must be a duration such as \"30s\", \"10m\", \"12h\" or \
             \"90d\", not an integer",
            "`limits.header_fields_max` in grantd.toml line 4 is 101, but must be 16 to 100",
            "`limits.failures_max` in grantd.toml line 6 is 0, but must be 1 to 1000",
        ],
    );
}

#[test]
fn resources_in_the_file_replace_the_profiles() {
    let config = accepted(
        "issuer = \"https://www.makecrypto.io\"\nprofile = \"makecrypto\"\nlisten = [\"http://127.0.0.1:8080\"]\n\
         [[resources]]\nidentifier = \"https://makecrypto.io/api/partner/v1\"\nname = \"API\"\nalgorithm = \"RS256\"\n\
         introspection_clients = [\"mco_app_x\"]",
    );
    assert_eq!(config.profile.resources.len(), 1);
    let resource = config.profile.resource("https://makecrypto.io/api/partner/v1").unwrap();
    assert_eq!(resource.algorithm.as_str(), "RS256");
    assert_eq!(
        resource.access_token_lifetime,
        Duration::from_secs(600),
        "what is not said is the default"
    );
    assert_eq!(resource.introspection_clients, ["mco_app_x"]);
    assert!(
        config
            .profile
            .resource("https://makecrypto.io/api/partner/v1/")
            .is_none(),
        "compared byte for byte"
    );
}

#[test]
fn a_public_issuer_needs_a_certificate_or_a_proxy() {
    let issuer = "issuer = \"https://example.com\"";
    refused(
        issuer,
        &[
            "the issuer https://example.com needs a certificate: set `[acme]`, or `tls.certificate` and `tls.key`, or \
           listen on plain http on 127.0.0.1 behind a TLS proxy",
        ],
    );
    accepted(&format!("{issuer}\nlisten = [\"http://127.0.0.1:8080\"]"));
    let (config, directory) = load_with(
        &format!("{issuer}\n[tls]\ncertificate = \"c.pem\"\nkey = \"/k.pem\""),
        &Overrides::default(),
    );
    let tls = config.unwrap().tls.unwrap();
    assert_eq!(
        tls,
        TlsFiles {
            certificate: directory.path().join("c.pem"),
            key: "/k.pem".into()
        }
    );
    refused(
        "data_dir = \"\"",
        &["`data_dir` in grantd.toml line 1 is \"\", which is no path"],
    );
}

#[test]
fn branding_is_a_name_a_readable_colour_and_https_links() {
    refused(
        "[branding]\naccent = \"blue\"\nhelp = \"javascript:alert(1)\"\nwebsite = \"http://example.com\"",
        &[
            "`branding.accent` in grantd.toml line 2 is \"blue\", which is no colour such as \"#2f4fd0\"",
            "`branding.website` in grantd.toml line 4 is \"http://example.com\", which is no https address",
            "`branding.help` in grantd.toml line 3 is \"javascript:alert(1)\", which is no https address",
        ],
    );
    let config = accepted("[branding]\nname = \"Example <b>\"\naccent = \"#FFEE00\"");
    assert_eq!(
        config.branding.accent.map(|accent| accent.to_string()),
        Some("#ffee00".to_owned())
    );
    let style = String::from_utf8(config.pages.stylesheet.content.to_vec()).unwrap();
    let (light, dark) = style.split_once("@media(prefers-color-scheme:dark)").unwrap();
    assert!(dark.contains("--accent:#ffee00;"), "{dark}");
    assert!(!light.contains("--accent:#ffee00;"), "too light for text");
}
