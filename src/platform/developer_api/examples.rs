//! One example of every body, made of its fields: the document shows them, and a test holds each against its schema.

use super::schema::{Field, Of, Shape};
use crate::config::{IdType, Profile};
use serde_json::{Map, Value, json};

pub fn of(shape: &Shape, profile: &Profile) -> Value {
    let members = shape.fields.iter().map(|field| {
        let name = field.name(profile);
        (name.to_owned(), member(name, field, profile))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn member(name: &str, field: &Field, profile: &Profile) -> Value {
    value(name, &field.of, profile)
}

fn value(name: &str, of: &Of, profile: &Profile) -> Value {
    match of {
        Of::Text | Of::Line(_) | Of::Maybe(_) => text(name, profile).into(),
        Of::OrganizationId => match profile.ids {
            IdType::Integer => 849.into(),
            IdType::Text => "o_Jq3vVb1xKd2m".into(),
        },
        Of::Time => "2026-05-04T09:30:00Z".into(),
        Of::Texts => json!([text(name, profile)]),
        Of::List(_, of) => json!([value(name, of, profile)]),
        Of::Reasons => json!({ text("scopes", profile): text("why", profile) }),
        Of::Boolean => (name == "changed").into(),
        Of::Number(least, _) => (*least).into(),
        Of::OneOf(numbers) => numbers[0].into(),
        // RFC 8037 appendix A.2.
        Of::Jwk => json!({
            "kty": "OKP", "crv": "Ed25519", "kid": "2026-05", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }),
        Of::Word(words) => words[0].into(),
        Of::One(shape) => self::of(shape, profile),
        Of::Many(shape) => json!([self::of(shape, profile)]),
        Of::OrNull(of) => value(name, of, profile),
    }
}

fn text(name: &str, profile: &Profile) -> String {
    let first = profile.scopes.names().next().unwrap_or("openid");
    let prefix = &profile.prefix;
    match name {
        "client_id" | "allow" | "unallow" | "deny" | "undeny" | "allowed" | "denied" => {
            format!("{prefix}_app_nvlwmUNEt1NCa4d2Wuxb")
        }
        "client_secret" => format!("{prefix}_secret_…"),
        "secret" => format!("{prefix}_pat_…"),
        "scope" | "scopes" | "added" | "kept" | "removed" | "effective_scopes" => first.to_owned(),
        "why" | "reasons" => "To show them beside the invoices.".to_owned(),
        "key" => "nightly-sync".to_owned(),
        "name" | "subject" | "label" | "app_name" => "Nightly sync".to_owned(),
        "company" | "organization" | "organization_name" => "Acme".to_owned(),
        "website" => "https://acme.example".to_owned(),
        "support" | "email" | "stakeholders" => "ada@acme.example".to_owned(),
        "privacy_policy" => "https://acme.example/privacy".to_owned(),
        "terms" => "https://acme.example/terms".to_owned(),
        "logo" => "https://auth.example.com/logos/….png".to_owned(),
        "redirect_uris" => "https://acme.example/callback".to_owned(),
        "dedicated_user" | "by" | "user" | "created_by" => "u_W-sivFHHkiRUbwz7".to_owned(),
        "resource" | "resources" => profile.default_resource().identifier.clone(),
        "missing" => "logo".to_owned(),
        "state" => "active".to_owned(),
        "what" | "differences" => "name".to_owned(),
        "seen" => "12.14.14".to_owned(),
        "note" => "Say what becomes of the data.".to_owned(),
        "event" => "app.changed".to_owned(),
        "rule" => "redirect_uri".to_owned(),
        "section" => "RFC 6749 section 3.1.2.3".to_owned(),
        "error" => "invalid_grant".to_owned(),
        "endpoint" => "token".to_owned(),
        "role" => "developer".to_owned(),
        "kind" => "public".to_owned(),
        other => format!("{other}…"),
    }
}
