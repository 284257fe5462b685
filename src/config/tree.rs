//! TOML and JSON as one kind of tree that remembers lines and keeps what a map would silently drop.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line, where it is known, and what is wrong.
pub type SyntaxError = (Option<usize>, String);

pub struct Node {
    /// Counted from 1; JSON has none.
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
    entries.sort_by_key(|entry| entry.line);
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

pub fn parse_json(text: &str) -> Result<Node, Vec<SyntaxError>> {
    serde_json::from_str(text).map_err(|e| {
        let (what, place) = (e.to_string(), format!(" at line {} column {}", e.line(), e.column()));
        vec![(Some(e.line()), what.strip_suffix(&place).unwrap_or(&what).to_owned())]
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(JsonValue)?;
        Ok(Self { line: None, value })
    }
}

struct JsonValue;

impl<'de> Visitor<'de> for JsonValue {
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element()? {
            nodes.push(node);
        }
        Ok(Value::Array(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some((key, node)) = members.next_entry::<String, Node>()? {
            if entries.iter().any(|entry| entry.key == key) {
                return Err(serde::de::Error::custom(format!(
                    "the member `{key}` stands twice in one object"
                )));
            }
            entries.push(Entry { key, line: None, node });
        }
        Ok(Value::Table(entries))
    }
}
