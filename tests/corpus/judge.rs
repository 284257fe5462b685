//! What must hold of every answer, whatever was asked.

use serde_json::Value;

/// The error, or a sentence that says what is wrong with the answer.
pub fn body(status: u16, body: &str, secrets: &[&str]) -> Result<(), String> {
    if status >= 500 {
        return Err(format!("status {status}: {body}"));
    }
    if let Some(told) = secrets.iter().find(|secret| body.contains(**secret)) {
        return Err(format!("the body tells {told}"));
    }
    // The parser of HTTP itself answers without a body.
    if status < 400 || body.is_empty() {
        return Ok(());
    }
    // Where people come, a page tells what is wrong: a whole one.
    if body.starts_with("<!DOCTYPE html>") {
        return if body.ends_with("</html>") {
            Ok(())
        } else {
            Err(format!("the page has no end: {body:?}"))
        };
    }
    let json: Value = serde_json::from_str(body).map_err(|e| format!("{e} in {body:?}"))?;
    let code = json["error"].as_str().unwrap_or_default();
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        return Err(format!("the error is {code:?}"));
    }
    let description = json["error_description"]
        .as_str()
        .ok_or("there is no error_description")?;
    // RFC 6749 §5.2.
    let allowed = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if description.is_empty() || !description.bytes().all(allowed) {
        return Err(format!("the error_description is {description:?}"));
    }
    Ok(())
}
