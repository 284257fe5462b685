//! Why something was not done. Pages say it beside the field, the JSON API as a problem document (RFC 9457).

use crate::account;
use crate::store::StoreError;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no such thing, or none that whoever asks may know of: which of it is not told.
    NotFound,
    /// They may see it and not do this with it.
    Forbidden,
    /// Their personal access token lacks this scope.
    MissingScope(&'static str),
    /// Something they sent is no good; nothing was changed.
    Invalid(Vec<Fault>),
    /// Not in this state: the sentence's key, as in [`Fault::key`].
    State(&'static str),
    /// Somebody else changed the same thing at the same moment.
    Conflict,
    /// An account's own refusal: a password, a link, too many attempts.
    Account(account::Refusal),
    Store(StoreError),
}

/// One thing that is wrong with what was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The field, as forms and the JSON API name it.
    pub field: &'static str,
    /// Names the sentence in `data/translations`; what it fills in stands in `values`.
    pub key: &'static str,
    pub values: Vec<(&'static str, String)>,
}

impl Fault {
    pub fn new(field: &'static str, key: &'static str) -> Self {
        Self {
            field,
            key,
            values: Vec::new(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Invalid(vec![fault])
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<account::Refusal> for Refusal {
    fn from(refusal: account::Refusal) -> Self {
        match refusal {
            account::Refusal::Store(error) => Self::Store(error),
            refusal => Self::Account(refusal),
        }
    }
}
