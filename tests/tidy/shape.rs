//! Lengths and banned calls.

use crate::source::{Source, end_of_item};
use crate::tree::Tree;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_COLUMNS_MAX: usize = 120;

pub fn lengths(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in &tree.files {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            found.push(format!(
                "{}: {lines} lines, more than {FILE_LINES_MAX}: split it by subject",
                file.path
            ));
        }
        for (i, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LINE_COLUMNS_MAX {
                found.push(format!(
                    "{}:{}: {columns} columns, more than {LINE_COLUMNS_MAX}",
                    file.path,
                    i + 1
                ));
            }
        }
        found.extend(long_functions(file));
    }
    found
}

fn long_functions(file: &Source) -> Vec<String> {
    let tokens = file.tokens();
    let mut found = Vec::new();
    for (i, pair) in tokens.windows(2).enumerate() {
        // `fn(` is the type of a pointer.
        if pair[0].text != "fn" || pair[1].text == "(" {
            continue;
        }
        let last = tokens[end_of_item(&tokens, i) - 1];
        let lines = file.line_at(last.at) - file.line_at(pair[0].at) + 1;
        if lines > FUNCTION_LINES_MAX {
            let what = format!(
                "`{}` has {lines} lines, more than {FUNCTION_LINES_MAX}: name its steps",
                pair[1].text
            );
            found.push(file.complaint(pair[0].at, what));
        }
    }
    found
}

/// A sequence of tokens that may stand only in files whose path starts with one of `only_in`.
struct Ban {
    tokens: &'static [&'static str],
    only_in: &'static [&'static str],
    instead: &'static str,
}

const TIME: &str = "take a `Timestamp` argument, or ask the context's `Clock` (base/time.rs)";
const RANDOMNESS: &str = "take a `&dyn Random` argument (base/random.rs)";
const UNFINISHED: &str = "finish it, or return an error that says what is missing";
const OUTPUT: &str = "use the `log` macros; only cli and main write to the terminal";
const TERMINAL: &[&str] = &["src/cli.rs", "src/cli/", "src/main.rs"];

/// In all of `src`, tests included: a test that asks the system's clock is no better than code that does.
const DIRECT: &[Ban] = &[
    Ban {
        tokens: &["SystemTime", "::", "now"],
        only_in: &["src/base/"],
        instead: TIME,
    },
    Ban {
        tokens: &["Instant", "::", "now"],
        only_in: &["src/base/"],
        instead: TIME,
    },
    Ban {
        tokens: &["Timestamp", "::", "now"],
        only_in: &["src/base/"],
        instead: TIME,
    },
    Ban {
        tokens: &["Zoned", "::", "now"],
        only_in: &["src/base/"],
        instead: TIME,
    },
    Ban {
        tokens: &["OsRng"],
        only_in: &["src/base/"],
        instead: RANDOMNESS,
    },
    Ban {
        tokens: &["SysRng"],
        only_in: &["src/base/"],
        instead: RANDOMNESS,
    },
];

/// In what ships; a test may unwrap.
const PRODUCTION: &[Ban] = &[
    Ban {
        tokens: &[".", "unwrap", "(", ")"],
        only_in: &[],
        instead: "use `?`, or `expect` with the reason why it cannot fail",
    },
    Ban {
        tokens: &["todo", "!"],
        only_in: &[],
        instead: UNFINISHED,
    },
    Ban {
        tokens: &["unimplemented", "!"],
        only_in: &[],
        instead: UNFINISHED,
    },
    Ban {
        tokens: &["dbg", "!"],
        only_in: &[],
        instead: OUTPUT,
    },
    Ban {
        tokens: &["println", "!"],
        only_in: TERMINAL,
        instead: OUTPUT,
    },
    Ban {
        tokens: &["print", "!"],
        only_in: TERMINAL,
        instead: OUTPUT,
    },
    Ban {
        tokens: &["eprintln", "!"],
        only_in: TERMINAL,
        instead: OUTPUT,
    },
    Ban {
        tokens: &["eprint", "!"],
        only_in: TERMINAL,
        instead: OUTPUT,
    },
];

/// In tests and sources alike, unless the line says `// allowed: ` and why.
const UNLESS_ALLOWED: &[Ban] = &[
    Ban {
        tokens: &["#", "[", "ignore"],
        only_in: &[],
        instead: "make it quick, or part of the full run; no test is skipped",
    },
    Ban {
        tokens: &["sleep", "("],
        only_in: &[],
        instead: "wait for the event itself, or push the clock",
    },
];

/// Crates only some files may name, wherever in a path (`aws_lc_rs::rand` is randomness too).
const CRATES: &[(&str, &[&str], &str)] = &[
    ("rand", &["src/base/"], RANDOMNESS),
    ("rand_core", &["src/base/"], RANDOMNESS),
    ("getrandom", &["src/base/"], RANDOMNESS),
    (
        "serde_cbor",
        &["src/store/codec.rs"],
        "go through store/codec.rs, which checks the checksum first",
    ),
    ("sled", &["src/store/sled"], "go through the `Store` trait"),
];

pub fn bans(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in &tree.files {
        let allowed = |at| {
            file.line(file.line_at(at))
                .split_once("// allowed: ")
                .is_some_and(|(_, why)| !why.trim().is_empty())
        };
        found.extend(matches(file, UNLESS_ALLOWED, |at| !allowed(at)));
    }
    for file in tree.src() {
        found.extend(matches(file, DIRECT, |_| true));
        found.extend(crates(file));
    }
    for (file, ships) in tree.production() {
        found.extend(matches(file, PRODUCTION, ships));
    }
    found
}

fn matches(file: &Source, bans: &[Ban], counts: impl Fn(usize) -> bool) -> Vec<String> {
    let tokens = file.tokens();
    let mut found = Vec::new();
    for ban in bans
        .iter()
        .filter(|ban| !ban.only_in.iter().any(|prefix| file.path.starts_with(prefix)))
    {
        for window in tokens.windows(ban.tokens.len()) {
            if window.iter().map(|t| t.text).eq(ban.tokens.iter().copied()) && counts(window[0].at) {
                found.push(file.complaint(window[0].at, format!("`{}`: {}", ban.tokens.concat(), ban.instead)));
            }
        }
    }
    found
}

fn crates(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for path in file
        .paths()
        .iter()
        .filter(|p| !matches!(p.segments[0], "crate" | "super" | "self"))
    {
        for (name, only_in, instead) in CRATES {
            let allowed = only_in.iter().any(|prefix| file.path.starts_with(prefix));
            if !allowed && path.segments.contains(name) {
                found.push(file.complaint(path.at, format!("`{name}`: {instead}")));
            }
        }
    }
    found
}
