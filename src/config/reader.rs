//! Reads a tree key by key. A key is known because something asked for it; [`Table::finish`] refuses the others.

use super::tree::{Entry, Node, Value};
use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What was found wrong so far, in all files.
#[derive(Default)]
pub struct Problems(RefCell<Vec<String>>);

impl Problems {
    pub fn add(&self, sentence: String) {
        self.0.borrow_mut().push(sentence);
    }

    pub fn into_sentences(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// Where something stands, as sentences say it: `grantd.toml line 3`.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub file: &'a str,
    pub line: Option<usize>,
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, " line {line}"))
    }
}

/// One table of a file, and which of its keys were asked for.
pub struct Table<'a> {
    file: &'a str,
    /// Dotted, with a dot at its end, or empty at the top of the file.
    path: String,
    line: Option<usize>,
    entries: &'a [Entry],
    known: RefCell<Vec<&'static str>>,
    problems: &'a Problems,
}

/// A value with all it takes to complain about it.
pub struct Item<'a> {
    pub name: String,
    pub place: Place<'a>,
    node: &'a Node,
    problems: &'a Problems,
}

impl<'a> Table<'a> {
    /// The whole file. `None` when it is not even a table, which is told then.
    pub fn root(file: &'a str, node: &'a Node, problems: &'a Problems) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            problems.add(format!("{file} must hold an object, not {}", node.value.kind()));
            return None;
        };
        Some(Self {
            file,
            path: String::new(),
            line: None,
            entries,
            known: RefCell::default(),
            problems,
        })
    }

    pub fn place(&self) -> Place<'a> {
        Place {
            file: self.file,
            line: self.line,
        }
    }

    /// As [`Item::complain`], about the table as a whole.
    pub fn complain(&self, complaint: impl Display) {
        self.problems.add(format!(
            "`{}` in {} {complaint}",
            self.path.trim_end_matches('.'),
            self.place()
        ));
    }

    /// The value under `key`, which is from now on a known key.
    pub fn get(&self, key: &'static str) -> Option<Item<'a>> {
        if !self.known.borrow().contains(&key) {
            self.known.borrow_mut().push(key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let place = Place {
            file: self.file,
            line: entry.line,
        };
        Some(Item {
            name: format!("{}{key}", self.path),
            place,
            node: &entry.node,
            problems: self.problems,
        })
    }

    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        self.get(key)?.table()
    }

    /// The value under a key that must be there.
    pub fn required(&self, key: &'static str) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            self.problems
                .add(format!("`{}{key}` is missing in {}", self.path, self.place()));
        }
        item
    }

    pub fn duration(&self, key: &'static str, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.get(key)?.duration(range)
    }

    /// One of the words of `choices`.
    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        self.get(key)?.choice(choices)
    }

    /// Everything that stands in it, where the keys are whatever somebody chose.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Item<'a>)> {
        self.entries.iter().map(move |entry| {
            let place = Place {
                file: self.file,
                line: entry.line,
            };
            let item = Item {
                name: format!("{}{}", self.path, printable(&entry.key)),
                place,
                node: &entry.node,
                problems: self.problems,
            };
            (entry.key.as_str(), item)
        })
    }

    /// Refuses every key nobody asked for.
    pub fn finish(self) {
        let known = self.known.into_inner();
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let place = Place {
                file: self.file,
                line: entry.line,
            };
            let hint = match nearest(&entry.key, known.iter().copied()) {
                Some(near) => format!("did you mean `{}{near}`?", self.path),
                None => format!("known here: {}", listed(known.iter().copied())),
            };
            self.problems.add(format!(
                "unknown key `{}{}` in {place}; {hint}",
                self.path,
                printable(&entry.key)
            ));
        }
    }
}

impl<'a> Item<'a> {
    /// `complaint` is the rest of a sentence that begins with the key.
    pub fn complain(&self, complaint: impl Display) {
        self.problems
            .add(format!("`{}` in {} {complaint}", self.name, self.place));
    }

    /// Complains about the text that stands there.
    pub fn refuse<T>(&self, text: &str, why: impl Display) -> Option<T> {
        self.complain(format_args!("is {}, {why}", shown(text)));
        None
    }

    fn wrong_kind<T>(&self, wanted: &str) -> Option<T> {
        self.complain(format_args!("must be {wanted}, not {}", self.node.value.kind()));
        None
    }

    pub fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => self.wrong_kind("a string"),
        }
    }

    /// Text for people: one line, neither empty nor endless.
    pub fn sentence(&self) -> Option<String> {
        const CHARS_MAX: usize = 300;
        let text = self.text()?;
        if text.trim() != text || text.is_empty() || text.chars().count() > CHARS_MAX {
            return self.refuse(
                text,
                format_args!("but must be 1 to {CHARS_MAX} characters, none of them at its ends blank"),
            );
        }
        if text.chars().any(char::is_control) {
            return self.refuse(text, "which contains control characters");
        }
        Some(text.to_owned())
    }

    pub fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let Value::Integer(number) = self.node.value else {
            return self.wrong_kind("an integer");
        };
        if !range.contains(&number) {
            self.complain(format_args!(
                "is {number}, but must be {} to {}",
                range.start(),
                range.end()
            ));
            return None;
        }
        Some(number)
    }

    pub fn boolean(&self) -> Option<bool> {
        match self.node.value {
            Value::Boolean(yes) => Some(yes),
            _ => self.wrong_kind("true or false"),
        }
    }

    /// `true`, or one word in its place.
    pub fn word_or_true<T>(&self, (word, meant): (&str, T), of_true: T) -> T {
        match &self.node.value {
            Value::Boolean(true) => return of_true,
            Value::Text(text) if text == word => return meant,
            _ => self.complain(format_args!("must be true or {word:?}")),
        }
        of_true
    }

    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let Value::Text(text) = &self.node.value else {
            return self.wrong_kind("a duration such as \"30s\", \"10m\", \"12h\" or \"90d\"");
        };
        let Some(span) = parse_duration(text) else {
            return self.refuse(
                text,
                "but a duration is a whole number and one of s, m, h, d, such as \"10m\"",
            );
        };
        if !range.contains(&span) {
            let (least, most) = (spell(*range.start()), spell(*range.end()));
            return self.refuse(text, format_args!("but must be {least:?} to {most:?}"));
        }
        Some(span)
    }

    /// `Some(None)` for `"never"`.
    pub fn duration_or_never(&self, range: RangeInclusive<Duration>) -> Option<Option<Duration>> {
        match &self.node.value {
            Value::Text(text) if text == "never" => Some(None),
            _ => self.duration(range).map(Some),
        }
    }

    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words = choices.iter().map(|(word, _)| *word);
            let hint = nearest(text, words.clone()).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            return self.refuse(text, format_args!("not one of {}{hint}", listed(words)));
        }
        found.map(|(_, value)| *value)
    }

    /// Whether it is a table, where it may be something else as well.
    pub fn is_table(&self) -> bool {
        matches!(self.node.value, Value::Table(_))
    }

    pub fn table(&self) -> Option<Table<'a>> {
        let Value::Table(entries) = &self.node.value else {
            return self.wrong_kind("a table");
        };
        let Place { file, line } = self.place;
        let path = format!("{}.", self.name);
        Some(Table {
            file,
            path,
            line,
            entries,
            known: RefCell::default(),
            problems: self.problems,
        })
    }

    /// The members of a list, at most `most` of them.
    pub fn list(&self, most: usize) -> Option<Vec<Item<'a>>> {
        let Value::Array(nodes) = &self.node.value else {
            return self.wrong_kind("a list");
        };
        if nodes.len() > most {
            self.complain(format_args!("has {} members; at most {most} are allowed", nodes.len()));
            return None;
        }
        let item = |(at, node): (usize, &'a Node)| Item {
            name: format!("{}[{at}]", self.name),
            place: Place {
                file: self.place.file,
                line: node.line,
            },
            node,
            problems: self.problems,
        };
        Some(nodes.iter().enumerate().map(item).collect())
    }

    /// A list without repetition, each member read by `read`, which complains itself. `None` when one cannot stand.
    pub fn set<T: PartialEq>(&self, most: usize, read: impl Fn(&Item<'a>) -> Option<T>) -> Option<Vec<T>> {
        let items = self.list(most)?;
        let mut values = Vec::with_capacity(items.len());
        for item in &items {
            let Some(value) = read(item) else { continue };
            if values.contains(&value) {
                item.complain("repeats an earlier member");
                continue;
            }
            values.push(value);
        }
        (values.len() == items.len()).then_some(values)
    }
}

/// A whole number and one unit; nothing else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    // u64::from_str would take a sign.
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

/// The way [`parse_duration`] reads, in the largest unit that divides it.
pub fn spell(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => "0s".to_owned(),
        s if s % (24 * 60 * 60) == 0 => format!("{}d", s / (24 * 60 * 60)),
        s if s % (60 * 60) == 0 => format!("{}h", s / (60 * 60)),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// The known word this was probably meant to be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words
        .into_iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A text of any content and length, quoted on one line.
pub fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A key of any content and length, on one line.
fn printable(key: &str) -> String {
    key.chars().take(64).flat_map(char::escape_debug).collect()
}
