//! JSON from strangers: one object, no member twice at any depth, bounded depth, nothing after it.

use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Objects and arrays inside one another, counting the outermost.
pub const JSON_DEPTH_MAX: u32 = 32;

const ERROR_CHARS_MAX: usize = 200;

/// Why a text is not the object asked for: a sentence without any value of the text, so that it may be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError(String);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonError {}

/// Reads one JSON object. A member that appears twice is refused wherever it stands (RFC 7519 §4, RFC 7515 §4):
/// two readers would see two different documents.
pub fn parse_strict_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    if bytes.iter().find(|byte| !b" \t\r\n".contains(byte)) != Some(&b'{') {
        return Err(JsonError("not a JSON object".into()));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Strict {
        depth_left: JSON_DEPTH_MAX,
    }
    .deserialize(&mut reader)
    .map_err(without_values)?;
    serde_json::from_slice(bytes).map_err(without_values)
}

/// For `#[serde(default, deserialize_with = "present")]`: whether a member stands there at all, even as null.
pub fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    deserializer.deserialize_ignored_any(IgnoredAny).map(|_| true)
}

/// serde_json quotes the value it did not expect, which may be a secret; what it expected is enough. It also quotes
/// names, which strangers choose: in a log they must neither break a line nor fill it.
fn without_values(error: serde_json::Error) -> JsonError {
    let text = error.to_string();
    let quotes = ["invalid type", "invalid value", "unknown variant"]
        .iter()
        .any(|kind| text.starts_with(kind));
    let text = match text.rfind(", expected ") {
        Some(at) if quotes => format!("a member has another type or value: {}", &text[at + 2..]),
        _ => text,
    };
    JsonError(
        text.chars()
            .take(ERROR_CHARS_MAX)
            .map(|c| if c.is_control() { '?' } else { c })
            .collect(),
    )
}

/// Walks a document and keeps nothing but the names of the objects it is in.
struct Strict {
    depth_left: u32,
}

impl Strict {
    fn inner<E: serde::de::Error>(&self) -> Result<u32, E> {
        self.depth_left
            .checked_sub(1)
            .ok_or_else(|| E::custom("objects and arrays are nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let depth_left = self.inner()?;
        while seq.next_element_seed(Strict { depth_left })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth_left = self.inner()?;
        let mut names = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            map.next_value_seed(Strict { depth_left })?;
            names.push(name);
        }
        // Sorted, because comparing each with each would let a long object cost the square of its length.
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(A::Error::custom(format!("a member appears twice: {}", pair[0]))),
        }
    }
}

/// The name of a member with its escapes undone, borrowed where it has none.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::Value;

    fn refusal(text: impl AsRef<[u8]>) -> String {
        match parse_strict_object::<Value>(text.as_ref()) {
            Ok(value) => panic!("accepted as {value}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn one_object_is_read() {
        let text =
            " {\"a\":[1,-2,3.5e2,true,null,\"\\u00e9\",{\"a\":{}}],\"b\":{\"a\":1},\"A\":18446744073709551615}\r\n";
        assert_eq!(
            parse_strict_object::<Value>(text.as_bytes()).unwrap(),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn members_that_appear_twice_are_refused_at_every_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"":1,"":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[[{"a":1},{"a":1,"b":[],"a":2}]]}"#,
        ] {
            assert!(refusal(text).contains("appears twice"), "{text}");
        }
    }

    #[test]
    fn what_is_not_exactly_one_object_is_refused() {
        for text in [
            "",
            " ",
            "null",
            "1",
            "\"{}\"",
            "[]",
            "[{}]",
            "\u{feff}{}",
            "{}{}",
            "{},",
            "{} x",
            "{",
            "{\"a\":}",
        ] {
            refusal(text);
        }
        for text in [
            "{\"a\":1,}",
            "{'a':1}",
            "{a:1}",
            "{\"a\":NaN}",
            "{\"a\":01}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
        ] {
            refusal(text);
        }
        refusal(b"{\"a\":\"\xff\"}");
        refusal(b"{\"\xc0\xaf\":1}");
    }

    #[test]
    fn past_kanidm_depth_is_limited() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(parse_strict_object::<Value>(nested(JSON_DEPTH_MAX as usize).as_bytes()).is_ok());
        assert!(refusal(nested(JSON_DEPTH_MAX as usize + 1)).contains("nested too deep"));
        assert!(refusal(nested(100_000)).contains("nested too deep"));
    }

    #[test]
    fn errors_name_members_and_types_but_no_values() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Shape {
            #[serde(rename = "count")]
            _count: u64,
            #[serde(rename = "kind")]
            _kind: Option<Kind>,
        }
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Kind {
            One,
            Two,
        }
        let error = |text: &str| parse_strict_object::<Shape>(text.as_bytes()).unwrap_err().to_string();
        assert!(error("{}").contains("missing field `count`"));
        assert!(error(r#"{"count":1,"other":"hunter2"}"#).contains("unknown field `other`"));
        for text in [
            r#"{"count":"hunter2"}"#,
            r#"{"count":"hunter2, expected hunter2"}"#,
            r#"{"count":1,"kind":"hunter2"}"#,
        ] {
            let error = error(text);
            assert!(error.contains("expected") && !error.contains("hunter2"), "{error}");
        }
        let hostile = error(&format!(r#"{{"a\nb{}":1}}"#, "c".repeat(5000)));
        assert!(
            hostile.starts_with("unknown field `a?b") && hostile.len() == ERROR_CHARS_MAX,
            "{hostile}"
        );
        assert!(error(r#"{"count":-3141592}"#).contains("u64") && !error(r#"{"count":-3141592}"#).contains("3141592"));
    }

    #[test]
    fn present_sees_null() {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(default, deserialize_with = "present")]
            crit: bool,
        }
        let crit = |text: &str| parse_strict_object::<Shape>(text.as_bytes()).unwrap().crit;
        assert!(!crit("{}"));
        assert!(crit(r#"{"crit":null}"#) && crit(r#"{"crit":{"a":[1]}}"#));
    }
}
