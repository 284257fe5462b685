//! A file of the configuration, from its path to its tree.

use super::reader::{Place, Problems};
use super::tree::{Node, SyntaxError};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The text of a file, `None` when there is none; anything else is a sentence.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("{} cannot be read: {why}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(cannot(&e)),
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|e| cannot(&e))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(cannot(&format_args!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok(Some(text))
}

/// The tree of a file; what its syntax forbids is told with its line.
pub(super) fn tree(
    label: &str,
    text: &str,
    parse: fn(&str) -> Result<Node, Vec<SyntaxError>>,
    problems: &Problems,
) -> Option<Node> {
    parse(text)
        .map_err(|mut errors| {
            // One unclosed bracket is reported once for each level that it leaves open.
            errors.dedup();
            for (line, what) in errors {
                problems.add(format!("{}: {what}", Place { file: label, line }));
            }
        })
        .ok()
}
