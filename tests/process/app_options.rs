//! What `grantd app` can say about an app, from the words of the command line to what is shown.

use crate::program::Place;
use serde_json::{Value, json};

/// Of RFC 7515 §A.3.
const JWK: &str = concat!(
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
    r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
);

const OPTIONS: [&str; 17] = [
    "--auth-method",
    "private_key_jwt",
    "--legacy-audience",
    "--grant-type",
    "authorization_code",
    "--require-par",
    "--require-dpop",
    "--company",
    "Acme Software",
    "--website",
    "https://acme.example",
    "--support",
    "help@acme.example",
    "--privacy-policy",
    "https://acme.example/privacy",
    "--terms",
    "https://acme.example/terms",
];

const CHANGES: [&str; 16] = [
    "--legacy-audience",
    "false",
    "--require-par",
    "false",
    "--require-dpop",
    "false",
    "--company",
    "Acme",
    "--website",
    "",
    "--support",
    "https://acme.example/help",
    "--privacy-policy",
    "",
    "--terms",
    "",
];

fn place() -> (Place, String) {
    let place = Place::new();
    place.grantd(&["init"]).ok();
    let organization = place.json(&["org", "create", "Acme"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let written = [
        ("key.json", JWK.to_owned()),
        ("set.json", format!(r#"{{"keys":[{JWK}]}}"#)),
    ];
    for (name, text) in written
        .into_iter()
        .chain([("other.json", "[]".into()), ("torn.json", "{".into())])
    {
        std::fs::write(place.path(name), text).unwrap();
    }
    (place, organization)
}

fn public_app<'a>(organization: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = ["app", "create", "P", "--organization", organization, "--kind", "public"];
    [&usual[..], &["--redirect-uri", "https://app.example/cb"], more].concat()
}

#[test]
fn every_option_of_an_app_is_kept_shown_and_changed() {
    let (place, organization) = place();
    let set = place.path("set.json").display().to_string();
    let key = place.path("key.json").display().to_string();
    let options = [&OPTIONS[..], &["--jwks", &set]].concat();
    let made = place.json(&public_app(&organization, &options));
    assert_eq!(made.get("client_secret"), None);
    let jwk: Value = serde_json::from_str(JWK).unwrap();
    let rules = json!({
        "auth_methods": ["private_key_jwt"], "grant_types": ["authorization_code"], "require_par": true,
        "require_dpop": true, "legacy_audience": true, "jwks": [jwk],
    });
    let developer = json!({
        "company": "Acme Software", "website": "https://acme.example", "logo": null, "support": "help@acme.example",
        "privacy_policy": "https://acme.example/privacy", "terms": "https://acme.example/terms",
    });
    let id = made["client_id"].as_str().unwrap();
    let shown = place.json(&["app", "show", id]);
    assert_eq!((&shown["rules"], &shown["developer"]), (&rules, &developer));

    let changes = [&["app", "change", id, "--jwks", &key], &CHANGES[..]].concat();
    let changed = place.json(&changes);
    let rule = |name: &str| changed["rules"][name].clone();
    assert_eq!(
        [rule("require_par"), rule("require_dpop"), rule("legacy_audience")],
        [false; 3].map(Value::from)
    );
    assert_eq!(changed["developer"]["company"], "Acme");
    assert_eq!(changed["developer"]["support"], "https://acme.example/help");
    assert_eq!(changed["developer"]["website"], "");

    let sheet = place.grantd(&["app", "show", id]).ok().stdout;
    assert!(
        sheet.contains("\nrules\n") && sheet.contains("private_key_jwt"),
        "{sheet}"
    );
    let list = place.grantd(&["app", "list"]).ok().stdout;
    assert!(list.contains("CLIENT_ID") && !list.contains("RULES"), "{list}");
}

#[test]
fn options_that_cannot_be_read_are_refused_with_what_to_do() {
    let (place, organization) = place();
    let path = |name: &str| place.path(name).display().to_string();
    for (options, said) in [
        (
            vec!["--auth-method", "password"],
            "client_secret_basic, client_secret_post, private_key_jwt",
        ),
        (
            vec!["--grant-type", "implicit"],
            "authorization_code, refresh_token, client_credentials",
        ),
        (vec!["--jwks", &path("none.json")], "cannot be read as a JWK set"),
        (vec!["--jwks", &path("torn.json")], "cannot be read as a JWK set"),
        (vec!["--jwks", &path("other.json")], "the list `keys`"),
        (vec!["--jwks", &path("set.json")], "--auth-method private_key_jwt"),
        (
            vec!["--website", "http://acme.example"],
            "--website must be an https URL",
        ),
    ] {
        let why = place.grantd(&public_app(&organization, &options)).refused(1);
        assert!(why.contains(said), "{options:?}: {why}");
    }
    let why = place.grantd(&["app", "change", "grantd_app_x"]).refused(1);
    assert!(why.contains("app change --help"), "{why}");
}

#[test]
fn a_file_makes_an_app_says_what_differs_and_the_second_time_nothing() {
    let (place, organization) = place();
    let file = place.path("app.toml");
    let example = include_str!("../../docs/app.toml");
    std::fs::write(&file, example).unwrap();
    let file = file.display().to_string();
    let apply = ["app", "apply", &file, "--organization", &organization];
    let made = place.json(&apply);
    assert_eq!(
        (&made["created"], &made["key"]),
        (&Value::Bool(true), &"nightly-sync".into())
    );
    let again = place.json(&apply[..3]);
    assert_eq!(
        (&again["changed"], &again["differences"]),
        (&Value::Bool(false), &json!([]))
    );
    assert_eq!(again["client_id"], made["client_id"]);

    std::fs::write(&file, example.replace("Nightly sync", "Hourly sync")).unwrap();
    for only_look in ["--check", "--dry-run"] {
        let planned = place.grantd(&["app", "apply", &file, only_look]).ok().stdout;
        assert!(
            planned.contains("\n  - name: Nightly sync -> Hourly sync\n"),
            "{planned}"
        );
    }
    let id = made["client_id"].as_str().unwrap();
    assert_eq!(place.json(&["app", "show", id])["name"], "Nightly sync");
    place.grantd(&apply).ok();
    assert_eq!(place.json(&["app", "show", id])["name"], "Hourly sync");

    std::fs::write(&file, example.replace("terms =", "termes =")).unwrap();
    let told = place.grantd(&apply).refused(1);
    assert!(
        told.contains("did you mean `terms`?") && told.contains("line 13"),
        "{told}"
    );
    assert!(
        place
            .grantd(&["app", "apply", "nothing.toml"])
            .refused(1)
            .contains("nothing.toml cannot be read")
    );
    assert!(
        place
            .grantd(&["app", "apply", "--help"])
            .ok()
            .stdout
            .contains("docs/apps.md")
    );
}
