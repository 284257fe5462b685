//! Reads `[api_keys]` of a profile: whether organizations have API keys, and in which headers they are shown.

use super::reader::{Item, Table};
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, HOST};
use serde::{Serialize, Serializer};

const ALIASES_MAX: usize = 8;
const PREFIX_BYTES_MAX: usize = 24;

/// API keys of organizations: an id and a secret, in a header each.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ApiKeyRules {
    pub enabled: bool,
    /// The headers that documentation names.
    pub headers: HeaderPair,
    /// Headers that clients of old send instead.
    pub aliases: Vec<HeaderPair>,
    /// What ids and secrets begin with: `[a-z0-9_]{1,24}`, so that scanners recognise a leaked one.
    pub id_prefix: String,
    pub secret_prefix: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HeaderPair {
    pub id: ShownName,
    pub secret: ShownName,
}

/// A header's name as it is written for people, and as requests are asked for it (RFC 9110 §5.1: case says nothing).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShownName {
    written: String,
    pub name: HeaderName,
}

impl ShownName {
    /// `None`: no name of a header.
    fn new(written: &str) -> Option<Self> {
        let name = HeaderName::from_bytes(written.as_bytes()).ok()?;
        Some(Self {
            written: written.to_owned(),
            name,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl Serialize for ShownName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl ApiKeyRules {
    /// What a profile with this prefix has that says nothing of API keys: none.
    pub(super) fn of(prefix: &str) -> Self {
        let usual = |name| ShownName::new(name).expect("it is the name of a header");
        Self {
            enabled: false,
            headers: HeaderPair {
                id: usual("X-Api-Key-Id"),
                secret: usual("X-Api-Key-Secret"),
            },
            aliases: Vec::new(),
            id_prefix: format!("{prefix}_key_"),
            secret_prefix: format!("{prefix}_keysecret_"),
        }
    }
}

/// Keys that are not there have the value they have in a profile without this table.
pub(super) fn read(table: Table<'_>, prefix: &str) -> ApiKeyRules {
    let mut rules = ApiKeyRules::of(prefix);
    if let Some(enabled) = table.get("enabled").and_then(|item| item.boolean()) {
        rules.enabled = enabled;
    }
    if let Some(name) = table.get("id_header").and_then(|item| header(&item)) {
        rules.headers.id = name;
    }
    if let Some(name) = table.get("secret_header").and_then(|item| header(&item)) {
        rules.headers.secret = name;
    }
    if let Some(item) = table.get("aliases") {
        rules.aliases = item.set(ALIASES_MAX, alias).unwrap_or_default();
    }
    if let Some(prefix) = table.get("id_prefix").and_then(|item| beginning(&item)) {
        rules.id_prefix = prefix;
    }
    if let Some(prefix) = table.get("secret_prefix").and_then(|item| beginning(&item)) {
        rules.secret_prefix = prefix;
    }
    let pairs = std::iter::once(&rules.headers).chain(&rules.aliases);
    let names = pairs.flat_map(|pair| [&pair.id, &pair.secret]);
    let mut names: Vec<&str> = names.map(|shown| shown.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|two| two[0] == two[1]) {
        table.complain(format_args!("names the header {} twice", twice[0]));
    }
    if rules.id_prefix == rules.secret_prefix {
        table.complain("has the same `id_prefix` and `secret_prefix`; nobody could tell an id from a secret");
    }
    table.finish();
    rules
}

fn alias(item: &Item<'_>) -> Option<HeaderPair> {
    let table = item.table()?;
    let name = |key| table.required(key).and_then(|item| header(&item));
    let (id, secret) = (name("id_header"), name("secret_header"));
    table.finish();
    Some(HeaderPair {
        id: id?,
        secret: secret?,
    })
}

/// A header of its own: one that means something else already would be read twice.
fn header(item: &Item<'_>) -> Option<ShownName> {
    let text = item.text()?;
    let Some(shown) = ShownName::new(text) else {
        return item.refuse(text, "which is no header name (RFC 9110 section 5.1)");
    };
    if [AUTHORIZATION, COOKIE, HOST].contains(&shown.name) || shown.name == "dpop" {
        return item.refuse(text, "which means something else already");
    }
    Some(shown)
}

fn beginning(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !(1..=PREFIX_BYTES_MAX).contains(&text.len()) || !text.bytes().all(good) {
        return item.refuse(
            text,
            format_args!("but a prefix is 1 to {PREFIX_BYTES_MAX} of a-z, 0-9 and _"),
        );
    }
    Some(text.to_owned())
}
