//! The audit log as a file of comma-separated values (RFC 4180), for spreadsheets.

use super::audit::{Doer, Entries, Entry, Named};

const COLUMNS: [&str; 15] = [
    "at",
    "event",
    "by",
    "by_email",
    "by_id",
    "concerns",
    "concerns_email",
    "concerns_id",
    "app",
    "client_id",
    "subject",
    "changes",
    "note",
    "token",
    "token_id",
];

pub fn write(list: &Entries) -> String {
    let mut file = String::new();
    line(&mut file, COLUMNS.map(str::to_owned));
    for entry in &list.entries {
        line(&mut file, cells(entry));
    }
    if list.next.is_some() {
        let mut cells = COLUMNS.map(|_| String::new());
        cells[1] = "truncated".to_owned();
        cells[12] = format!(
            "older entries are left out: this file holds the newest {}",
            list.entries.len()
        );
        line(&mut file, cells);
    }
    file
}

fn cells(entry: &Entry) -> [String; 15] {
    let event = &entry.event;
    let named = |named: Option<&Named>| match named {
        Some(named) => [
            named.name.clone(),
            named.email.clone().unwrap_or_default(),
            named.id.clone(),
        ],
        None => Default::default(),
    };
    let [by, by_email, by_id] = match &entry.doer {
        Doer::Person(person) => named(Some(person)),
        Doer::CommandLine | Doer::Nobody => Default::default(),
    };
    let [concerns, concerns_email, concerns_id] = named(entry.concerns.as_ref());
    let [app, _, client_id] = named(entry.app.as_ref());
    let changes = event.changes.iter().map(|change| {
        let side = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("{}: {} → {}", change.what, side(&change.before), side(&change.after))
    });
    [
        event.at.to_string(),
        event.kind.as_str().to_owned(),
        by,
        by_email,
        by_id,
        concerns,
        concerns_email,
        concerns_id,
        app,
        client_id,
        event.subject.clone().unwrap_or_default(),
        changes.collect::<Vec<_>>().join("; "),
        event.note.clone().unwrap_or_default(),
        event.token.as_ref().map(|token| token.name.clone()).unwrap_or_default(),
        event.token.as_ref().map(|token| token.id.clone()).unwrap_or_default(),
    ]
}

/// RFC 4180 §2: every line ends with CRLF, every cell stands in quotes.
fn line(file: &mut String, cells: [String; 15]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            file.push(',');
        }
        file.push('"');
        if is_formula(cell) {
            file.push('\'');
        }
        file.push_str(&cell.replace('"', "\"\""));
        file.push('"');
    }
    file.push_str("\r\n");
}

/// What spreadsheets would compute instead of show (CWE-1236), in the full width of East Asian scripts too. Blanks
/// before it do not stop them all.
fn is_formula(cell: &str) -> bool {
    if cell.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    cell.trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text_and_quotes_are_doubled() {
        let mut file = String::new();
        let mut cells = COLUMNS.map(|_| String::new());
        for (cell, text) in
            cells
                .iter_mut()
                .zip(["=1+1", "+1", "-1", "@A1", "\t=1", " =1", "＝1", "a\"b,c\r\nd", "a=1"])
        {
            text.clone_into(cell);
        }
        line(&mut file, cells);
        assert_eq!(
            file,
            "\"'=1+1\",\"'+1\",\"'-1\",\"'@A1\",\"'\t=1\",\"' =1\",\"'＝1\",\"a\"\"b,c\r\nd\",\"a=1\",\"\",\"\",\"\",\
             \"\",\"\",\"\"\r\n"
        );
    }
}
