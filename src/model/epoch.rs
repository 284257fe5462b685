//! Epochs: mass revocation is one write.
//!
//! Every object that can be revoked as a whole carries a counter. A token is stamped with the counters as they stood
//! when it was made; it is good only while no counter has moved past its stamp.

use serde::{Deserialize, Serialize};

/// The claim `ep`: seven counters in this order, 0 where there is no such object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(into = "[u64; 7]", from = "[u64; 7]")]
pub struct Epochs {
    pub global: u64,
    pub organization: u64,
    pub user: u64,
    pub member: u64,
    /// Of the app, or of the installation for native apps.
    pub app: u64,
    pub grant: u64,
    pub family: u64,
}

impl Epochs {
    /// All seven are ANDed: one counter ahead of its stamp is enough to end the token.
    pub fn cover(&self, counters: &Self) -> bool {
        let stamps: [u64; 7] = (*self).into();
        let counters: [u64; 7] = (*counters).into();
        stamps.iter().zip(counters).all(|(stamp, counter)| *stamp >= counter)
    }
}

impl From<Epochs> for [u64; 7] {
    fn from(e: Epochs) -> Self {
        [e.global, e.organization, e.user, e.member, e.app, e.grant, e.family]
    }
}

impl From<[u64; 7]> for Epochs {
    fn from([global, organization, user, member, app, grant, family]: [u64; 7]) -> Self {
        Self {
            global,
            organization,
            user,
            member,
            app,
            grant,
            family,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Epochs;

    #[test]
    fn every_counter_alone_ends_a_token() {
        let stamps = Epochs::from([3; 7]);
        assert!(stamps.cover(&stamps));
        assert!(stamps.cover(&Epochs::default()));
        for i in 0..7 {
            let mut counters = [3; 7];
            counters[i] = 4;
            assert!(!stamps.cover(&counters.into()), "counter {i} moved and the token lives");
        }
    }
}
