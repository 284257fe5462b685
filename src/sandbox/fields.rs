//! Members of what clients send, read and judged.

use super::refusal::Refusal;
use serde_json::{Map, Value};

const TEXT_CHARS_MAX: usize = 500;

/// A member that is text where it is there at all; null is as good as absent.
pub fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, Refusal> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= TEXT_CHARS_MAX => {
            Ok(Some(text.as_str()).filter(|text| !text.is_empty()))
        }
        Some(_) => Err(Refusal::invalid(format!(
            "{name} must be text of at most {TEXT_CHARS_MAX} characters."
        ))),
    }
}

/// The same of one of several names.
pub fn text_of<'m>(members: &'m Map<String, Value>, names: &[&str]) -> Result<Option<&'m str>, Refusal> {
    for name in names {
        if let Some(found) = text(members, name)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A member that is an object where it is there at all.
pub fn object<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m Map<String, Value>>, Refusal> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Refusal::invalid(format!("{name} must be an object."))),
    }
}

/// Whether a member is true; absent and null are false.
pub fn flag(members: &Map<String, Value>, name: &str) -> Result<bool, Refusal> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Refusal::invalid(format!("{name} must be true or false."))),
    }
}

/// An amount of money: a positive decimal, as text or as a number. It is kept as it was sent.
pub fn amount(members: &Map<String, Value>, name: &str) -> Result<Value, Refusal> {
    let bad = || {
        Refusal::Invalid(
            "invalid_amount",
            format!("{name} must be a positive decimal, such as \"20.00\"."),
        )
    };
    let value = members.get(name).ok_or_else(bad)?;
    let good = match value {
        Value::String(text) => is_decimal(text),
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        _ => false,
    };
    good.then(|| value.clone()).ok_or_else(bad)
}

fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole, 20) && digits(fraction, 18) && text.bytes().any(|b| (b'1'..=b'9').contains(&b))
}

/// An address for mail, as far as it can be judged without sending any.
pub fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_positive_decimals_kept_as_they_were_sent() {
        let of = |value: Value| {
            let members = Map::from_iter([("amount".to_owned(), value)]);
            amount(&members, "amount").ok()
        };
        for good in [json!("20.00"), json!("0.10"), json!("1"), json!(20), json!(0.5)] {
            assert_eq!(of(good.clone()), Some(good));
        }
        let bad = [
            "", "0", "0.00", "-1", "+1", "1.", ".5", "1e3", "1,5", " 1", "1.2.3", "NaN", "\u{661}",
        ];
        for bad in bad
            .map(|text| json!(text))
            .into_iter()
            .chain([json!(0), json!(-1), json!(null), json!([1])])
        {
            assert_eq!(of(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn an_email_address_has_two_halves() {
        assert!(is_email("a@b") && is_email("a.b+c@example.com"));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }
}
