//! Answers: a line of JSON for programs, aligned text for people.

use serde_json::{Map, Value, json};
use std::io::{self, Write as _};

pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn answer(&self, value: &Value) {
        if self.json {
            self.text(&format!("{value}\n"));
            return;
        }
        self.text(&match value {
            Value::Array(rows) if rows.is_empty() => "(none)\n".to_owned(),
            Value::Array(rows) => table(rows),
            Value::Object(members) => sheet(members),
            other => format!("{}\n", cell(other)),
        });
    }

    /// As it is. A reader that went away, such as `head`, is no error.
    pub fn text(&self, text: &str) {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            eprintln!("the answer could not be written: {error}");
        }
    }

    /// With a word for programs, where there is one.
    pub fn error(&self, error: &str, reason: Option<&str>) {
        if self.json {
            let mut answer = json!({ "error": error });
            if let Some(reason) = reason {
                answer["reason"] = reason.into();
            }
            eprintln!("{answer}");
        } else {
            let lines: Vec<String> = error.lines().map(visible).collect();
            eprintln!("{}", lines.join("\n"));
        }
    }
}

/// One line a member.
fn sheet(members: &Map<String, Value>) -> String {
    let width = members.keys().map(String::len).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in members {
        match value {
            Value::Array(items) if items.iter().any(|i| i.is_object() || cell(i).contains(' ')) => {
                text.push_str(&format!("{name:width$}\n"));
                for item in items {
                    text.push_str(&format!("  - {}\n", cell(item)));
                }
            }
            Value::Object(parts) if !parts.is_empty() => {
                text.push_str(&format!("{name}\n"));
                for (name, value) in parts {
                    text.push_str(&format!("  {name:width$}  {}\n", cell(value)));
                }
            }
            value => text.push_str(&format!("{name:width$}  {}\n", cell(value))),
        }
    }
    text
}

/// One line a row, one column a member of the first row; lists and groups are left to `show` and `--json`.
fn table(rows: &[Value]) -> String {
    let Some(Value::Object(first)) = rows.first() else {
        return rows.iter().map(|row| format!("{}\n", cell(row))).collect();
    };
    let columns: Vec<&String> = first
        .iter()
        .filter(|(_, v)| !v.is_array() && !v.is_object())
        .map(|(name, _)| name)
        .collect();
    let mut lines = vec![columns.iter().map(|c| c.to_uppercase()).collect::<Vec<_>>()];
    lines.extend(
        rows.iter()
            .map(|row| columns.iter().map(|c| cell(&row[c.as_str()])).collect()),
    );
    let width = |i: usize| {
        lines
            .iter()
            .map(|line| line[i].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Control characters, in names and in what was typed, never reach the terminal.
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Object(members) if members.keys().eq(["what", "before", "after"]) => {
            let side = |name: &str| match &members[name] {
                Value::Null => "(nothing)".to_owned(),
                value => cell(value),
            };
            format!("{}: {} -> {}", cell(&members["what"]), side("before"), side("after"))
        }
        Value::Object(members) => {
            let parts = members.iter().map(|(name, value)| format!("{name}={}", cell(value)));
            parts.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    visible(&text)
}
