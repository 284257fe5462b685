//! `multipart/form-data` (RFC 7578), as browsers send it: the body is here whole, so it is cut up where it lies. What a
//! browser would not send is refused, not interpreted.

use super::request::Request;
use bytes::Bytes;
use http::header::CONTENT_TYPE;

/// More than any form of ours has.
const PARTS_MAX: usize = 64;
const PART_HEADERS_BYTES_MAX: usize = 1024;
/// RFC 2046 §5.1.1.
const BOUNDARY_CHARS_MAX: usize = 70;

/// One field of a form.
pub struct Part {
    pub name: String,
    /// A file was asked for. Its name and its type, which whoever sends it makes up, are not even read.
    pub is_file: bool,
    pub content: Bytes,
}

/// `None` where the body is no well-formed one.
pub fn parts(request: &Request) -> Option<Vec<Part>> {
    let boundary = boundary(request.header(CONTENT_TYPE.as_str())?)?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line break before it.
    let mut at = delimiter.len() - 2;
    if !request.body.starts_with(&delimiter.as_bytes()[2..]) {
        return None;
    }
    let mut parts = Vec::new();
    loop {
        let rest = &request.body[at..];
        if rest == b"--\r\n" || rest == b"--" {
            return Some(parts);
        }
        let headers = at + 2;
        if !rest.starts_with(b"\r\n") || parts.len() == PARTS_MAX {
            return None;
        }
        let length = find(&request.body[headers..], b"\r\n\r\n").filter(|length| *length <= PART_HEADERS_BYTES_MAX)?;
        let content = headers + length + 4;
        let end = content + find(&request.body[content..], delimiter.as_bytes())?;
        let (name, is_file) = disposition(std::str::from_utf8(&request.body[headers..headers + length]).ok()?)?;
        parts.push(Part {
            name,
            is_file,
            content: request.body.slice(content..end),
        });
        at = end + delimiter.len();
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|b| b == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let (media_type, parameter) = content_type.split_once(';')?;
    let boundary = parameter.trim().strip_prefix("boundary=")?;
    let boundary = match boundary.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => boundary,
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&b);
    let good = (1..=BOUNDARY_CHARS_MAX).contains(&boundary.len()) && boundary.bytes().all(allowed);
    (good && media_type.trim().eq_ignore_ascii_case("multipart/form-data")).then_some(boundary)
}

/// The field's name, and whether a file name stands beside it.
fn disposition(headers: &str) -> Option<(String, bool)> {
    let mut lines = headers.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))?;
    let rest = value.trim().strip_prefix("form-data; name=\"")?;
    let (name, more) = rest.split_once('"')?;
    let is_file = more.starts_with("; filename=");
    (!name.is_empty() && (is_file || more.is_empty())).then(|| (name.to_owned(), is_file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue, Method};
    use std::net::IpAddr;

    fn request(content_type: &'static str, body: &str) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Request {
            method: Method::POST,
            path: "/".into(),
            query: None,
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            unread: None,
            peer: IpAddr::from([127, 0, 0, 1]),
            id: String::new(),
        }
    }

    const TYPE: &str = "multipart/form-data; boundary=----x1";
    const GOOD: &str = "------x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--2\r\n\
                        ------x1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"..\\/x\"\r\n\
                        Content-Type: image/png\r\n\r\n\r\n------x1--\r\n";

    #[test]
    fn fields_and_files_are_read_as_they_were_sent() {
        let parts = parts(&request(TYPE, GOOD)).unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|p| (p.name.as_str(), p.is_file, &*p.content))
            .collect();
        assert_eq!(seen, [("a", false, &b"1\r\n--2"[..]), ("f", true, b"")]);
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        let bad = |body: String| assert!(parts(&request(TYPE, &body)).is_none(), "{body:?}");
        bad(String::new());
        bad("------x1".into());
        bad("------x2--\r\n".into());
        bad(GOOD.replace("name=\"a\"", "name=a"));
        bad(GOOD.replace("name=\"a\"", "name=\"\""));
        bad(GOOD.replace("name=\"a\"", "name=\"a\"; name=\"b\""));
        bad(GOOD.replace("form-data; name=\"a\"", "attachment"));
        bad(GOOD.replace("------x1--\r\n", ""));
        bad(GOOD.replace(
            "\r\n\r\n1",
            &format!("\r\nX: {}\r\n\r\n1", "y".repeat(PART_HEADERS_BYTES_MAX)),
        ));
        bad(format!("{GOOD}more"));
        let part = "------x1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
        bad(format!("{}------x1--", part.repeat(PARTS_MAX + 1)));
        for other in [
            "multipart/form-data",
            "multipart/mixed; boundary=----x1",
            "multipart/form-data; boundary=",
        ] {
            assert!(parts(&request(other, GOOD)).is_none(), "{other}");
        }
    }
}
