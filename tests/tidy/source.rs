//! One Rust file as tokens. Comments, strings and characters are blanked first, so no rule ever trips over text.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token<'a> {
    /// Where it starts in the file, in bytes.
    pub at: usize,
    /// An identifier, a number, `::`, or one character.
    pub text: &'a str,
}

/// A path of two or more segments, or what one leaf of a `use` names.
pub struct Path<'a> {
    pub at: usize,
    pub segments: Vec<&'a str>,
}

pub struct Source {
    /// From the package's folder on, with `/`.
    pub path: String,
    pub text: String,
    /// `text` with everything blanked that is not code; the same length, the same lines.
    code: String,
    test_code: Vec<Range<usize>>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let test_code = test_items(&tokens_of(&code));
        Self {
            path: path.into(),
            text: text.into(),
            code,
            test_code,
        }
    }

    pub fn line_at(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    pub fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number - 1).unwrap_or_default()
    }

    pub fn tokens(&self) -> Vec<Token<'_>> {
        tokens_of(&self.code)
    }

    /// Whether `at` stands under a `#[cfg(test)]`.
    pub fn is_test_code(&self, at: usize) -> bool {
        self.test_code.iter().any(|range| range.contains(&at))
    }

    pub fn complaint(&self, at: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{}: {what}", self.path, self.line_at(at))
    }

    /// Every path written in the file, `use` trees unfolded.
    pub fn paths(&self) -> Vec<Path<'_>> {
        let tokens = self.tokens();
        let mut paths = Vec::new();
        let mut i = 0;
        while i < tokens.len() {
            let next = tokens.get(i + 1).map(|t| t.text);
            if tokens[i].text == "use" && next != Some("<") {
                i = unfold(&tokens, i + 1, &[], &mut paths);
            } else if is_word(tokens[i].text) && next == Some("::") {
                let at = tokens[i].at;
                let mut segments = vec![tokens[i].text];
                while tokens.get(i + 1).is_some_and(|t| t.text == "::") && is_word_at(&tokens, i + 2) {
                    segments.push(tokens[i + 2].text);
                    i += 2;
                }
                paths.push(Path { at, segments });
            }
            i += 1;
        }
        paths
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn is_word_at(tokens: &[Token], i: usize) -> bool {
    tokens.get(i).is_some_and(|t| is_word(t.text))
}

/// Reads one `use` tree from token `i` on; returns the index of the token after it.
fn unfold<'a>(tokens: &[Token<'a>], mut i: usize, prefix: &[&'a str], paths: &mut Vec<Path<'a>>) -> usize {
    let mut segments = prefix.to_vec();
    let at = tokens.get(i).map_or(0, |t| t.at);
    while let Some(token) = tokens.get(i) {
        match token.text {
            "::" => i += 1,
            "{" => {
                i += 1;
                while tokens.get(i).is_some_and(|t| t.text != "}") {
                    i = unfold(tokens, i, &segments, paths);
                    i += usize::from(tokens.get(i).is_some_and(|t| t.text == ","));
                }
                return i + 1;
            }
            "as" => i += 2,
            "*" => {
                segments.push("*");
                i += 1;
            }
            text if is_word(text) => {
                segments.push(text);
                i += 1;
            }
            _ => break,
        }
    }
    if segments.len() > 1 && segments.last() == Some(&"self") {
        segments.pop();
    }
    paths.push(Path { at, segments });
    i
}

/// The index just after the item that starts at token `i`: after its `;` or its closing brace.
pub fn end_of_item(tokens: &[Token], mut i: usize) -> usize {
    let mut depth = 0_i32;
    while let Some(token) = tokens.get(i) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        i += 1;
        if depth <= 0 && matches!(token.text, ";" | "}") {
            break;
        }
    }
    i
}

/// The index just after the attribute whose `#` is token `i`.
fn end_of_attribute(tokens: &[Token], i: usize) -> usize {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(i) {
        match token.text {
            "[" => depth += 1,
            "]" if depth == 1 => return n + 1,
            "]" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

fn test_items(tokens: &[Token]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (i, window) in tokens.windows(7).enumerate() {
        if window
            .iter()
            .map(|t| t.text)
            .eq(["#", "[", "cfg", "(", "test", ")", "]"])
        {
            let mut start = i;
            while tokens.get(start).is_some_and(|t| t.text == "#") {
                start = end_of_attribute(tokens, start);
            }
            let end = end_of_item(tokens, start) - 1;
            ranges.push(window[0].at..tokens.get(end).map_or(usize::MAX, |t| t.at + 1));
        }
    }
    ranges
}

fn tokens_of(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let word = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let length = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            word => word,
        };
        if !first.is_whitespace() {
            tokens.push(Token {
                at: code.len() - rest.len(),
                text: &rest[..length],
            });
        }
        rest = &rest[length..];
    }
    tokens
}

/// Spaces in place of comments, strings and characters; line ends stay.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let literal = literal_length(rest);
        let (taken, kept) = rest.split_at(if literal > 0 { literal } else { first.len_utf8() });
        if literal > 0 {
            code.extend(taken.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        } else {
            code.push(first);
        }
        rest = kept;
    }
    code
}

/// How many bytes of `rest` are a comment, string or character; 0 where it starts with code.
fn literal_length(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|p| {
        rest.strip_prefix(p).is_some_and(|after| {
            after.starts_with('"') || (p.ends_with('r') && after.trim_start_matches('#').starts_with('"'))
        })
    });
    if let Some(prefix) = prefix {
        let body = &rest[prefix.len()..];
        if !prefix.ends_with('r') {
            return prefix.len() + quoted_length(body, '"');
        }
        let hashes = body.len() - body.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let open = hashes + 1;
        return prefix.len() + body[open..].find(&end).map_or(body.len(), |n| open + n + end.len());
    }
    let mut chars = rest.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some('\''), Some('\\'), _) => quoted_length(rest, '\''),
        // `'a'` is a character, `'a` a lifetime.
        (Some('\''), Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut i) = (0, 0);
    while i < rest.len() {
        let opens = rest.as_bytes()[i..].starts_with(b"/*");
        let closes = rest.as_bytes()[i..].starts_with(b"*/");
        depth = depth + i32::from(opens) - i32::from(closes);
        i += if opens || closes { 2 } else { 1 };
        if depth == 0 {
            return i;
        }
    }
    rest.len()
}

/// The length of a literal that begins and ends with `quote`, in which a backslash takes the next character with it.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return i + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
