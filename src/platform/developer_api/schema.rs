//! The shapes of bodies: one description, of which the OpenAPI document and the documentation's pages are made.

use crate::config::{IdType, Profile};
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

/// `organization_id`, `company_id`, …
pub const ORGANIZATION: &str = "{noun}_id";

pub enum Of {
    Text,
    /// At least one character and at most so many.
    Line(u32),
    /// As the profile types organization ids.
    OrganizationId,
    /// RFC 3339.
    Time,
    Texts,
    /// Zero or more.
    Count,
    Truth,
    Word(&'static [&'static str]),
    One(&'static Shape),
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
    fn schema(&self, profile: &Profile) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Line(most) => json!({ "type": "string", "minLength": 1, "maxLength": most }),
            Self::OrganizationId => match profile.ids {
                IdType::Integer => json!({ "type": "integer" }),
                IdType::Text => json!({ "type": "string" }),
            },
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Self::Count => json!({ "type": "integer", "minimum": 0 }),
            Self::Truth => json!({ "type": "boolean" }),
            Self::Word(words) => json!({ "type": "string", "enum": words }),
            Self::One(shape) => reference(shape.name),
            Self::OrNull(of) => json!({ "anyOf": [of.schema(profile), { "type": "null" }] }),
        }
    }

    /// For people: `string`, `string or null`, …
    pub fn words(&self, profile: &Profile) -> String {
        match self {
            Self::Text | Self::Line(_) => "string".to_owned(),
            Self::OrganizationId => match profile.ids {
                IdType::Integer => "integer".to_owned(),
                IdType::Text => "string".to_owned(),
            },
            Self::Time => "date-time".to_owned(),
            Self::Texts => "string[]".to_owned(),
            Self::Count => "integer".to_owned(),
            Self::Truth => "boolean".to_owned(),
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
            while let Of::OrNull(inner) = of {
                of = inner;
            }
            if let Of::One(part) = of {
                part.with_parts(into);
            }
        }
    }
}

pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
