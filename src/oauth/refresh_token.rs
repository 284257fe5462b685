//! Refresh tokens as texts. Each says where its family lies and which number it has; its tag keeps forged ones away
//! from the store (OAuth 2.1 §4.3.1).

use crate::base::handle::{Handle, RANDOM_BYTES};
use crate::base::master::Purpose;
use crate::context::Context;
use crate::model::family::Family;
use crate::store::{Key, keys};

/// Where a refresh token belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub organization: String,
    pub grant: String,
    pub family: String,
    /// Its number in the chain.
    pub number: u64,
}

impl Place {
    /// The live token of a family.
    pub fn live(family: &Family) -> Self {
        Self {
            organization: family.organization.clone(),
            grant: family.grant.clone(),
            family: family.id.clone(),
            number: family.counter,
        }
    }

    pub fn next(self) -> Self {
        Self {
            number: self.number + 1,
            ..self
        }
    }

    pub fn family_key(&self) -> Key {
        keys::family(&self.organization, &self.grant, &self.family)
    }

    /// A new token for this place, with what is random in it.
    pub fn make(&self, ctx: &Context) -> (String, [u8; RANDOM_BYTES]) {
        let handle = Handle::new(self.locator(), &*ctx.random);
        (self.text(ctx, &handle), handle.random)
    }

    /// The token that was made here with `random`, once more.
    pub fn remake(&self, ctx: &Context, random: [u8; RANDOM_BYTES]) -> String {
        let locator = self.locator();
        self.text(ctx, &Handle { locator, random })
    }

    fn text(&self, ctx: &Context, handle: &Handle) -> String {
        handle.text(&ctx.secret, Purpose::RefreshToken, &prefix(ctx))
    }

    /// Three ids with their lengths, then the number: every locator reads in one way only.
    fn locator(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for id in [&self.organization, &self.grant, &self.family] {
            bytes.push(u8::try_from(id.len()).expect("an id fits a key of the store, which has 256 bytes"));
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes
    }

    fn from_locator(mut bytes: &[u8]) -> Option<Self> {
        let mut id = || {
            let (length, rest) = bytes.split_first()?;
            let (id, rest) = rest.split_at_checked(usize::from(*length))?;
            bytes = rest;
            String::from_utf8(id.to_vec()).ok()
        };
        let (organization, grant, family) = (id()?, id()?, id()?);
        Some(Self {
            organization,
            grant,
            family,
            number: u64::from_be_bytes(bytes.try_into().ok()?),
        })
    }
}

/// Whether the text has the form of a refresh token of this server, or claims to.
pub fn claimed(ctx: &Context, text: &str) -> bool {
    text.starts_with(&prefix(ctx))
}

/// `None` for whatever this server did not make.
pub fn read(ctx: &Context, text: &str) -> Option<Place> {
    let handle = Handle::read(&ctx.secret, Purpose::RefreshToken, &prefix(ctx), text)?;
    Place::from_locator(&handle.locator)
}

fn prefix(ctx: &Context) -> String {
    format!("{}_rt_", ctx.profile().prefix)
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_locator_reads_in_one_way_only() {
        let place = Place {
            organization: "849".into(),
            grant: "g_1".into(),
            family: String::new(),
            number: 7,
        };
        let locator = place.locator();
        assert_eq!(Place::from_locator(&locator), Some(place));
        for cut in 0..locator.len() {
            assert_eq!(Place::from_locator(&locator[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Place::from_locator(&[locator.as_slice(), &[0]].concat()), None);
    }
}
