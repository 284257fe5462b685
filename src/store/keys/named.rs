//! Spaces by the names they have in exports.

use super::{SPACES, key};
use crate::store::Key;

/// Everything in the space of this name.
///
/// # Panics
/// When there is no such space.
pub fn space(name: &str) -> Key {
    let found = SPACES.iter().find(|(_, known)| *known == name);
    key(found.expect("a name of SPACES").0, &[])
}
