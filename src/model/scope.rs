//! The scope catalog: what an API offers, who may grant it, and what includes what.

use super::role::Role;
use serde::Serialize;
use std::collections::BTreeSet;

/// One permission an API offers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Scope {
    /// An opaque scope-token of RFC 6749 §3.3, at most [`SCOPE_BYTES_MAX`] bytes.
    pub name: String,
    /// A few words for lists.
    pub title: String,
    /// One sentence for the consent page.
    pub sentence: String,
    /// The sentence in other languages of the pages: language tag and text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sentence_in: Vec<(String, String)>,
    pub risk: Risk,
    /// The roles that may grant it, the owner always among them.
    pub roles: Vec<Role>,
    /// Names of scopes that come with it; only what stands here is implied, never what a name suggests.
    pub implies: Vec<String>,
}

pub const SCOPE_BYTES_MAX: usize = 64;

/// What [`is_scope_token`] accepts, for sentences.
pub const SCOPE_TOKEN: &str = "scope-token of RFC 6749 section 3.3 (1 to 64 visible ASCII characters, none of them a \
                               space, a quote or a backslash)";

/// How much harm a scope can do in wrong hands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Low,
    Medium,
    High,
}

/// The scopes of a profile, in the order of its file. Names are unique and every implied scope is here too.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct ScopeCatalog(Vec<Scope>);

/// What keeps a list of scopes from being a catalog, a sentence for each.
pub type Faults = Vec<String>;

impl Scope {
    /// For a page in that language.
    pub fn sentence(&self, language: &str) -> &str {
        let translated = self.sentence_in.iter().find(|(tag, _)| tag == language);
        translated.map_or(&self.sentence, |(_, text)| text)
    }
}

impl ScopeCatalog {
    /// Refuses what would make a scope mean two things, or let a role grant through `implies` what it may not grant.
    pub fn new(scopes: Vec<Scope>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let mut seen = BTreeSet::new();
        for scope in &scopes {
            if !is_scope_token(&scope.name) {
                faults.push(format!("the scope name {:?} is no {SCOPE_TOKEN}", scope.name));
            }
            if !seen.insert(scope.name.as_str()) {
                faults.push(format!("the scope `{}` is there twice", scope.name));
            }
            if !scope.roles.contains(&Role::Owner) {
                faults.push(format!(
                    "the scope `{}` leaves `owner` out of `roles`: an owner may grant all",
                    scope.name
                ));
            }
        }
        let catalog = Self(scopes);
        for scope in &catalog.0 {
            catalog.judge_implied(scope, &mut faults);
        }
        if faults.is_empty() { Ok(catalog) } else { Err(faults) }
    }

    fn judge_implied(&self, scope: &Scope, faults: &mut Faults) {
        for name in &scope.implies {
            let Some(implied) = self.get(name) else {
                faults.push(format!(
                    "the scope `{}` implies `{name}`, which is no scope of this catalog",
                    scope.name
                ));
                continue;
            };
            if self.closure([name.as_str()]).contains(scope.name.as_str()) {
                faults.push(format!("the scope `{}` implies itself through `{name}`", scope.name));
            }
            for role in scope.roles.iter().filter(|role| !implied.roles.contains(role)) {
                faults.push(format!(
                    "`{role}` may grant the scope `{}` but not `{name}`, which it implies",
                    scope.name
                ));
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<&Scope> {
        self.0.iter().find(|scope| scope.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// In the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| scope.name.as_str())
    }

    /// The names a member of this role may grant, in the order of the file.
    pub fn grantable_by(&self, role: Role) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |scope| scope.roles.contains(&role))
            .map(|scope| scope.name.as_str())
    }

    pub fn may_grant(&self, role: Role, name: &str) -> bool {
        self.get(name).is_some_and(|scope| scope.roles.contains(&role))
    }

    /// The given scopes and all they imply, without duplicates; names the catalog does not know fall away.
    pub fn closure<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = names.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some(scope) = self.get(name) else { continue };
            if found.insert(scope.name.as_str()) {
                open.extend(scope.implies.iter().map(String::as_str));
            }
        }
        found
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
pub fn is_scope_token(text: &str) -> bool {
    (1..=SCOPE_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}
