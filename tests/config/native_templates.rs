//! `[[native_templates]]`: those of the built-in profile, and the sentence for everything that cannot be one.

use super::DAY;
use super::profile_files::refused;
use super::profiles::{ONE_SCOPE, load};
use grantd::base::jose::Algorithm;
use grantd::config::{NativeTemplate, Nonces, Site, Subscription, embedded_profiles};
use std::fs;

const LINKS: &str = "icon = \"medusa.png\"\nsupport = \"https://a.example/s\"\n\
                     privacy_policy = \"https://a.example/p\"\nterms = \"https://a.example/t\"\n";
const GOOD: &str = "platform = \"shop\"\nname = \"Shop\"\nscopes = [\"company:read\"]\nsite = \"origin\"\n\
                    redirect_uri = \"{siteUrl}/callback\"\n\
                    required_fields = [\"platform\", \"siteUrl\", \"redirectUri\", \"dpopJkt\"]\n\
                    algorithm = \"ES256\"\naccess_token = \"1h\"\n\
                    refresh_idle = \"30d\"\nrefresh_absolute = \"never\"\n\
                    webhook_subscription = \"none\"\nnonces = \"never\"\n";

fn profile(settings: &str) -> Result<Vec<NativeTemplate>, String> {
    load("makecrypto", &[("makecrypto/profile.toml", settings)]).map(|profile| profile.native_templates)
}

/// The template that is good but for what `from` becomes, and the one sentence about it.
#[track_caller]
fn complaint(from: &str, to: &str) -> String {
    let settings = format!("[[native_templates]]\n{GOOD}{LINKS}");
    assert!(settings.contains(from), "{from}");
    let problems = profile(&settings.replace(from, to)).expect_err(to);
    assert_eq!(problems.lines().count(), 1, "{problems}");
    problems
}

#[test]
fn makecrypto_has_three_and_no_other_profile_has_any() {
    for name in embedded_profiles().filter(|name| *name != "makecrypto") {
        assert_eq!(load(name, &[]).unwrap().native_templates, [], "{name}");
    }
    let templates = load("makecrypto", &[]).unwrap().native_templates;
    let platforms: Vec<&str> = templates.iter().map(|template| template.platform.as_str()).collect();
    assert_eq!(platforms, ["medusa", "btcpay-server", "wordpress"]);
    for template in &templates {
        // Its clients refuse every other signature, and answer no nonce.
        assert_eq!((template.algorithm, template.nonces), (Algorithm::Rs256, Nonces::Never));
        assert_eq!(template.access_token, DAY / 24);
    }
    let [medusa, btcpay, wordpress] = templates.as_slice() else {
        panic!("{templates:?}")
    };
    let links = ["makepay:payment-links:read", "makepay:payment-links:write"];
    let of = |last: [&'static str; 2]| [&["company:read"], &links[..], &last[..]].concat();
    assert_eq!(medusa.scopes, of(["makepay:webhooks:read", "makepay:webhooks:write"]));
    assert_eq!(btcpay.scopes, of(["makepay:settings:read", "makepay:settings:write"]));
    assert_eq!(medusa.redirect_uri, "{siteUrl}/makepay/oauth/callback");
    assert_eq!(
        btcpay.redirect_uri,
        "{siteUrl}/plugins/{segment}/makepay/oauth/callback"
    );
    assert_eq!(wordpress.redirect_uri, "{siteOrigin}/{path}");
    assert!(wordpress.is_named("woocommerce") && wordpress.is_named("wordpress"));
    assert_eq!((medusa.site, btcpay.site), (Site::Origin, Site::Path));
    assert!(medusa.required_fields.iter().any(|name| name == "registrationId"));
    assert!(btcpay.required_fields.iter().all(|name| name != "registrationId"));
    assert!(btcpay.optional_fields.iter().any(|name| name == "btcpayServerVersion"));
    assert_eq!((medusa.refresh_idle, medusa.refresh_absolute), (None, None));
    for other in [btcpay, wordpress] {
        assert_eq!(
            (other.refresh_idle, other.refresh_absolute),
            (Some(DAY * 30), Some(DAY * 365))
        );
        assert_eq!(other.webhook_subscription, Subscription::None);
    }
    assert_eq!(medusa.webhook_subscription, Subscription::Required);
}

#[test]
fn every_key_is_needed_and_an_unknown_one_is_refused_with_the_nearest() {
    let problems = profile("[[native_templates]]").unwrap_err();
    let missing: Vec<&str> = problems.lines().map(|line| line.split('`').nth(1).unwrap()).collect();
    let keys = [
        "platform",
        "name",
        "icon",
        "support",
        "privacy_policy",
        "terms",
        "scopes",
        "site",
        "redirect_uri",
        "required_fields",
        "algorithm",
        "access_token",
        "webhook_subscription",
        "nonces",
    ];
    assert_eq!(missing, keys.map(|key| format!("native_templates[0].{key}")));
    let unknown = complaint("nonces = \"never\"\n", "nonces = \"never\"\nnonce = \"never\"\n");
    assert!(
        unknown.starts_with("unknown key `native_templates[0].nonce` in profiles/makecrypto/profile.toml line")
            && unknown.ends_with("did you mean `native_templates[0].nonces`?"),
        "{unknown}"
    );
    refused(
        "[[native_template]]\nplatform = \"a\"",
        ONE_SCOPE,
        &["unknown key `native_template` in profiles/p/profile.toml line 1; did you mean `native_templates`?"],
    );
}

#[test]
fn what_a_template_cannot_be_is_refused_with_a_sentence() {
    for (from, to, what) in [
        ("\"shop\"", "\"My Shop\"", "a platform is 1 to 32 of a-z, 0-9 and -"),
        (
            "\"company:read\"",
            "\"company:reed\"",
            "no scope of scopes.json; did you mean `company:read`?",
        ),
        (
            "[\"company:read\"]",
            "[]",
            "an installation without scopes can do nothing",
        ),
        (
            "\"company:read\"",
            "\"company:read\", \"company:read\"",
            "repeats an earlier member",
        ),
        (
            "\"medusa.png\"",
            "\"../scopes.json\"",
            "an icon is a file of the profile's `icons`",
        ),
        ("\"medusa.png\"", "\"madusa.png\"", "hold no such file"),
        ("https://a.example/t", "http://a.example/t", "no https address"),
        ("\"origin\"", "\"host\"", "not one of `origin`, `path`"),
        ("\"ES256\"", "\"HS256\"", "not one of `EdDSA`, `ES256`, `RS256`"),
        ("nonces = \"never\"", "nonces = \"always\"", "not one of `never`"),
        (", \"dpopJkt\"", "", "lacks `dpopJkt`, which every registration needs"),
        (
            "\"dpopJkt\"]",
            "\"dpopJkt\"]\noptional_fields = [\"dpopJkt\"]",
            "among the optional ones too",
        ),
        (
            "\"dpopJkt\"]",
            "\"dpopJkt\", \"plugin version\"]",
            "a small letter first",
        ),
        ("\"1h\"", "\"never\"", "a duration is a whole number"),
        ("\"30d\"", "\"1h\"", "end after 1h and access tokens that live 1h"),
        (
            "refresh_absolute = \"never\"",
            "refresh_absolute = \"29d\"",
            "make `refresh_absolute` the longer one",
        ),
    ] {
        let said = complaint(from, to);
        assert!(said.contains(what), "{to}: {said}");
    }
    let twice = format!("[[native_templates]]\n{GOOD}{LINKS}[[native_templates]]\n{GOOD}{LINKS}");
    assert!(profile(&twice).unwrap_err().contains("repeats the platform \"shop\""));
    let once = format!("[[native_templates]]\n{GOOD}{LINKS}");
    assert_eq!(profile(&once).unwrap().len(), 1);
    // An alias is a name like any other.
    let shop = "platform = \"shop\"";
    let other = once.replace(shop, "platform = \"till\"\naliases = [\"shop\"]");
    assert!(
        profile(&format!("{once}{other}"))
            .unwrap_err()
            .contains("repeats the platform \"shop\"")
    );
    let named = &profile(&other).unwrap()[0];
    assert!(named.is_named("shop") && named.is_named("till") && !named.is_named("store"));
}

#[test]
fn a_redirect_rule_means_one_address_below_the_site() {
    for good in [
        "{siteUrl}/{path}",
        "{siteUrl}/a/{segment}/b.php",
        "{siteUrl}/a/{path}",
        "{siteUrl}/{segment}",
        "{siteOrigin}/{path}",
        "{siteOrigin}/a/{segment}",
    ] {
        let settings = format!("[[native_templates]]\n{GOOD}{LINKS}").replace("{siteUrl}/callback", good);
        assert_eq!(profile(&settings).unwrap()[0].redirect_uri, good);
    }
    for bad in [
        "https://a.example/callback",
        "{siteUrl}",
        "{siteUrl}/",
        "{siteOrigin}",
        "{siteOrigin}.evil.example/a",
        "{siteUrl}callback",
        "{siteUrl}.evil.example/a",
        "{siteUrl}/../a",
        "{siteUrl}/./a",
        "{siteUrl}//a",
        "{siteUrl}/a?x={path}",
        "{siteUrl}/a#b",
        "{siteUrl}/*",
        "{siteUrl}/{path}/a",
        "{siteUrl}/a%2fb",
        "{siteUrl}/{store}/a",
        "{siteUrl}/a\\\\b",
        "{siteUrl}@evil.example/a",
    ] {
        let said = complaint("{siteUrl}/callback", bad);
        assert!(
            said.contains("but it is `{siteUrl}` or `{siteOrigin}` and a path"),
            "{bad}: {said}"
        );
    }
}

#[test]
fn an_icon_is_a_small_png_of_the_profiles_own() {
    let settings = format!("[[native_templates]]\n{GOOD}{LINKS}").replace("medusa.png", "own.png");
    let with = |icon: &[u8]| {
        let directory = tempfile::TempDir::new().unwrap();
        let profile = directory.path().join("profiles/makecrypto");
        fs::create_dir_all(profile.join("icons")).unwrap();
        fs::write(profile.join("profile.toml"), &settings).unwrap();
        fs::write(profile.join("icons/own.png"), icon).unwrap();
        let overrides = grantd::config::Overrides {
            issuer: Some("https://localhost:1".into()),
            data_dir: Some(directory.path().to_owned()),
            profile: Some("makecrypto".into()),
            ..grantd::config::Overrides::default()
        };
        let loaded = grantd::config::Config::load(None, &overrides);
        loaded.map_err(|errors| errors.to_string())
    };
    let png = b"\x89PNG\r\n\x1a\nand so on";
    let config = with(png).unwrap();
    assert_eq!(config.profile.native_templates[0].icon.content, &png[..]);
    assert!(with(b"<svg onload=alert(1)>").unwrap_err().contains("which is no PNG"));
    let large = [&png[..], &[0; 24 * 1024]].concat();
    assert!(with(&large).unwrap_err().contains("larger than 24576 bytes"));
}
