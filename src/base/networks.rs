//! Addresses that no request of somebody else's wish may go to: this machine, its neighbours, and what only exists
//! between them.
//!
//! The lists are those of RFC 6890 as IANA keeps them. Of IPv6 only what is handed out for the whole Internet
//! (2000::/3) is open, so that a form nobody thought of is closed.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix_bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_bits)
}

const fn v6(a: u16, b: u16, prefix_bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix_bits)
}

/// Of IPv4, where everything else is open.
const CLOSED_V4: [Ipv4Net; 16] = [
    // "This network", which some systems take for this machine.
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    // Behind carrier-grade NAT; some clouds keep their metadata here.
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // Link-local: the metadata address of most clouds.
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // Multicast, what is reserved, broadcast.
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    // Looks public and is the host of every virtual machine at Azure.
    v4(168, 63, 129, 16, 32),
];

const OPEN_V6: Ipv6Net = v6(0x2000, 0, 3);

/// Of [`OPEN_V6`].
const CLOSED_V6: [Ipv6Net; 4] = [
    // Protocols' own, Teredo among them, which wraps an IPv4 address.
    v6(0x2001, 0, 23),
    v6(0x2001, 0x0db8, 32),
    // 6to4, which wraps an IPv4 address.
    v6(0x2002, 0, 16),
    v6(0x3fff, 0, 20),
];

/// Whether anybody on the Internet could reach it as well. IPv6 forms of IPv4 addresses are never open: whoever means
/// an IPv4 address can write one.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|closed| closed.contains(&address)),
        IpAddr::V6(address) => OPEN_V6.contains(&address) && !CLOSED_V6.iter().any(|closed| closed.contains(&address)),
    }
}

/// A network such as `10.0.0.0/8`, in the one spelling there is of it; one address is a network too. The error is the
/// end of a sentence.
pub fn parse(text: &str) -> Result<IpNet, &'static str> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text
            .parse()
            .map_err(|_| "is no network such as 10.0.0.0/8 or fd00::/8")?,
    };
    if network.trunc() == network {
        Ok(network)
    } else {
        Err("has bits set behind its prefix: write the first address of the network")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the last address of the closed blocks, what clouds keep their metadata at, IPv6 forms of IPv4.
    const CLOSED: &str = "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 \
        127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.255.255 \
        172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.0 \
        192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.255 224.0.0.1 \
        239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 \
        ::ffff:8.8.8.8 ::ffff:0:10.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::a00:1 \
        100::1 1fff:ffff::1 2001::1 2001:0:a00:1:: 2001:10::1 2001:1ff:ffff::1 2001:db8::1 \
        2002:7f00:1::1 2002:808:808::1 3fff::1 3fff:fff:ffff::1 4000::1 5f00::1 fc00::1 \
        fd00:ec2::254 fe80::1 febf::1 fec0::1 ff02::1";
    /// The neighbours of those.
    const OPEN: &str = "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
        168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 \
        192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2000::1 \
        2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 3ffe:ffff::1 3fff:1000::1";

    #[test]
    fn what_is_not_everybodys_is_closed_and_its_neighbours_are_open() {
        for (addresses, open, least) in [(CLOSED, false, 50), (OPEN, true, 25)] {
            let addresses: Vec<IpAddr> = addresses.split(' ').map(|text| text.parse().unwrap()).collect();
            assert!(addresses.len() >= least);
            for address in addresses {
                assert_eq!(is_public(address), open, "{address}");
            }
        }
    }

    #[test]
    fn networks_are_read_in_their_one_spelling() {
        for good in ["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1/32", "fd00::/8", "::/0", "::1/128"] {
            assert_eq!(parse(good).unwrap().to_string(), good);
        }
        assert_eq!(parse("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
        let bad = [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.1/8",
            "10.0/8",
            "::1/127",
            "fd00::/129",
            "home",
        ];
        for bad in bad {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_network_holds_its_own_family_alone() {
        let holds = |network: &str, address: &str| {
            let address: IpAddr = address.parse().unwrap();
            parse(network).unwrap().contains(&address)
        };
        assert!(holds("0.0.0.0/0", "255.1.2.3") && !holds("0.0.0.0/0", "::1"));
        assert!(!holds("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(holds("::/0", "ff02::1"));
    }
}
