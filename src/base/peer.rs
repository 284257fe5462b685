//! Who counts as one peer: a whole IPv4 address, also where it is written as IPv6, or the /64 of an IPv6 one, which is
//! the least a subscriber has.

use std::net::{IpAddr, Ipv6Addr};

/// The address that stands for all of one peer's.
pub fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}
