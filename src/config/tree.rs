//! TOML and JSON as one kind of tree that remembers lines and keeps what a map would silently drop.

use crate::base::order;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line, where it is known, and what is wrong.
pub type SyntaxError = (Option<usize>, String);

pub struct Node {
    /// Counted from 1.
    pub line: Option<usize>,
    pub value: Value,
}

pub enum Value {
    Table(Vec<Entry>),
    Array(Vec<Node>),
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// What no key of ours is: the name of the kind.
    Other(&'static str),
}

pub struct Entry {
    pub key: String,
    pub line: Option<usize>,
    pub node: Node,
}

impl Value {
    /// With its article, for sentences.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::Array(_) => "a list",
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "a boolean",
            Self::Other(kind) => kind,
        }
    }
}

/// Every syntax error with its line.
pub fn parse_toml(text: &str) -> Result<Node, Vec<SyntaxError>> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(toml_table(table.get_ref(), table.span().start, &lines));
    }
    Err(errors
        .iter()
        .map(|e| (e.span().map(|span| lines.at(span.start)), e.message().to_owned()))
        .collect())
}

fn toml_table(table: &DeTable<'_>, start: usize, lines: &Lines) -> Node {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            line: Some(lines.at(key.span().start)),
            node: toml_value(value, lines),
        })
        .collect();
    order::by_key(&mut entries, |entry| entry.line);
    Node {
        line: Some(lines.at(start)),
        value: Value::Table(entries),
    }
}

fn toml_value(value: &Spanned<DeValue<'_>>, lines: &Lines) -> Node {
    let start = value.span().start;
    let value = match value.get_ref() {
        DeValue::Table(table) => return toml_table(table, start, lines),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| toml_value(item, lines)).collect()),
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("an integer too large to hold"), Value::Integer),
        DeValue::Boolean(yes) => Value::Boolean(*yes),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
    };
    Node {
        line: Some(lines.at(start)),
        value,
    }
}

/// Where each line begins, in bytes.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte)
    }
}

/// As deep as any file of ours goes, and far from what a stack bears.
const DEPTH_MAX: usize = 32;

/// The first syntax error with its line. Values remember theirs.
pub fn parse_json(text: &str) -> Result<Node, Vec<SyntaxError>> {
    let lines = Lines::of(text);
    let raw: &RawValue = serde_json::from_str(text).map_err(|e| vec![syntax_error(&e, e.line())])?;
    json_value(raw, text, &lines, 0).map_err(|e| vec![e])
}

fn syntax_error(error: &serde_json::Error, line: usize) -> SyntaxError {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = error.to_string();
    (Some(line), what.strip_suffix(&place).unwrap_or(&what).to_owned())
}

/// One level at a time: a raw value is a part of the text, so its place in it is known.
fn json_value(raw: &RawValue, text: &str, lines: &Lines, depth: usize) -> Result<Node, SyntaxError> {
    let line = lines.at(raw.get().as_ptr() as usize - text.as_ptr() as usize);
    if depth > DEPTH_MAX {
        return Err((Some(line), format!("nested more than {DEPTH_MAX} deep")));
    }
    let here = |error: serde_json::Error| syntax_error(&error, line + error.line() - 1);
    let value = match raw.get().as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(raw.get()).map_err(here)?;
            let mut entries: Vec<Entry> = Vec::with_capacity(members.len());
            for (key, value) in members {
                let node = json_value(value, text, lines, depth + 1)?;
                if entries.iter().any(|entry| entry.key == key) {
                    return Err((node.line, format!("the member `{key}` stands twice in one object")));
                }
                let line = node.line;
                entries.push(Entry { key, line, node });
            }
            Value::Table(entries)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(here)?;
            let nodes = items.into_iter().map(|item| json_value(item, text, lines, depth + 1));
            Value::Array(nodes.collect::<Result<_, _>>()?)
        }
        _ => serde_json::Deserializer::from_str(raw.get())
            .deserialize_any(JsonScalar)
            .map_err(here)?,
    };
    Ok(Node {
        line: Some(line),
        value,
    })
}

/// The members of an object as they stand there, those of one name too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

struct JsonScalar;

impl<'de> Visitor<'de> for JsonScalar {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Boolean(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Other("an integer too large to hold"), Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other("a number with a fraction"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other("null"))
    }
}
