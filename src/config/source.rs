//! A file of the configuration, from its path to its tree.

use super::reader::{Place, Problems};
use super::tree::{Node, SyntaxError};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The text of a file, `None` when there is none; anything else is a sentence.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, String> {
    let Some(bytes) = read_bytes(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| cannot(path, &"it is no UTF-8"))
}

/// The bytes of a file, `None` when there is none; anything else is a sentence.
pub(super) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(cannot(path, &e)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| cannot(path, &e))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(cannot(path, &format_args!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok(Some(bytes))
}

fn cannot(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{} cannot be read: {why}", path.display())
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
