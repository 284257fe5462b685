//! The shapes of bodies: one description, of which the OpenAPI document and the documentation's pages are made.

use super::examples;
use crate::config::{IdType, Profile};
use crate::model::dossier::REASON_CHARS_MAX;
use serde_json::{Map, Value, json};

pub struct Shape {
    /// Its name among the schemas.
    pub name: &'static str,
    pub fields: &'static [Field],
}

pub struct Field {
    /// [`ORGANIZATION`] stands for what the profile calls an organization's id.
    name: &'static str,
    pub of: Of,
    /// Whether it may be left out of what is sent. Answers always have all.
    pub optional: bool,
}

/// What the JSON body of a call is.
pub enum Takes {
    Nothing,
    Json(&'static Shape),
    /// The bytes of a picture, in one of [`PICTURES`].
    Picture,
}

/// The media types of a picture.
pub const PICTURES: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// `organization_id`, `company_id`, …
pub const ORGANIZATION: &str = "{noun}_id";

pub enum Of {
    Text,
    /// At least one character and at most so many.
    Line(u32),
    /// At most so many characters; nothing means none.
    Maybe(u32),
    /// At most so many of them.
    List(u32, &'static Of),
    /// By name of a scope: why it is needed.
    Reasons,
    Boolean,
    /// From, to.
    Number(u64, u64),
    OneOf(&'static [u64]),
    /// A public key (RFC 7517).
    Jwk,
    /// As the profile types organization ids.
    OrganizationId,
    /// RFC 3339.
    Time,
    Texts,
    Word(&'static [&'static str]),
    One(&'static Shape),
    Many(&'static Shape),
    OrNull(&'static Of),
}

pub const fn field(name: &'static str, of: Of) -> Field {
    Field {
        name,
        of,
        optional: false,
    }
}

pub const fn optional(name: &'static str, of: Of) -> Field {
    Field {
        name,
        of,
        optional: true,
    }
}

impl Field {
    /// As it stands in bodies.
    pub fn name<'a>(&self, profile: &'a Profile) -> &'a str {
        if self.name == ORGANIZATION {
            profile.noun.id_claim()
        } else {
            self.name
        }
    }
}

impl Of {
    /// JSON Schema, as OpenAPI 3.1 has it.
    pub fn schema(&self, profile: &Profile) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Line(most) => json!({ "type": "string", "minLength": 1, "maxLength": most }),
            Self::Maybe(most) => json!({ "type": "string", "maxLength": most }),
            Self::List(most, of) => json!({ "type": "array", "items": of.schema(profile), "maxItems": most }),
            Self::Reasons => {
                let why = json!({ "type": "string", "maxLength": REASON_CHARS_MAX });
                json!({ "type": "object", "additionalProperties": why })
            }
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::OneOf(numbers) => json!({ "type": "integer", "enum": numbers }),
            Self::Jwk => {
                json!({ "type": "object", "required": ["kty"], "properties": { "kty": { "type": "string" } } })
            }
            Self::Many(shape) => json!({ "type": "array", "items": reference(shape.name) }),
            Self::OrganizationId => match profile.ids {
                IdType::Integer => json!({ "type": "integer" }),
                IdType::Text => json!({ "type": "string" }),
            },
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::One(shape) => reference(shape.name),
            Self::OrNull(of) => json!({ "anyOf": [of.schema(profile), { "type": "null" }] }),
        }
    }

    /// For people: `string`, `string or null`, …
    pub fn words(&self, profile: &Profile) -> String {
        match self {
            Self::Text | Self::Line(_) | Self::Maybe(_) => "string".to_owned(),
            Self::List(_, of) => format!("{}[]", of.words(profile)),
            Self::Reasons => "{ scope: string }".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Number(least, most) => format!("integer, {least} – {most}"),
            Self::OneOf(numbers) => numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" | "),
            Self::Jwk => "JWK".to_owned(),
            Self::Many(shape) => format!("{}[]", shape.name),
            Self::OrganizationId => match profile.ids {
                IdType::Integer => "integer".to_owned(),
                IdType::Text => "string".to_owned(),
            },
            Self::Time => "date-time".to_owned(),
            Self::Texts => "string[]".to_owned(),
            Self::Word(words) => words.join(" | "),
            Self::One(shape) => shape.name.to_owned(),
            Self::OrNull(of) => format!("{} | null", of.words(profile)),
        }
    }
}

impl Shape {
    /// An object with these members and no other.
    pub fn schema(&self, profile: &Profile) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in self.fields {
            let name = field.name(profile);
            properties.insert(name.to_owned(), field.of.schema(profile));
            if !field.optional {
                required.push(name);
            }
        }
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
            "examples": [examples::of(self, profile)],
        })
    }

    /// A page of a list of them.
    pub fn page_schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "items": { "type": "array", "items": reference(self.name) },
                "next": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            },
            "required": ["items", "next"],
            "additionalProperties": false,
        })
    }

    /// It, and those it is made of.
    pub fn with_parts(&'static self, into: &mut Vec<&'static Self>) {
        if into.iter().any(|known| known.name == self.name) {
            return;
        }
        into.push(self);
        for field in self.fields {
            let mut of = &field.of;
            while let Of::OrNull(inner) | Of::List(_, inner) = of {
                of = inner;
            }
            if let Of::One(part) | Of::Many(part) = of {
                part.with_parts(into);
            }
        }
    }
}

pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
