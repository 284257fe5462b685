//! The issuer's name, the ports, and how many connections the system allows.

use super::Findings;
use crate::config::Config;
use rustix::process::{Resource, getrlimit};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener, ToSocketAddrs as _};

/// Of the program itself: the store, the log, the upstreams.
const OTHER_DESCRIPTORS: u64 = 256;

pub fn examine(config: &Config, running: bool, findings: &mut Findings) {
    dns(config, findings);
    if running {
        findings.good("listen", "The server that runs has its ports.");
    } else {
        ports(config, findings);
    }
    descriptors(config, findings);
}

fn dns(config: &Config, findings: &mut Findings) {
    let issuer = config.issuer.host();
    leads(config, issuer, "the host of the issuer", findings);
    let domains = config.acme.iter().flat_map(|acme| &acme.domains);
    for domain in domains.filter(|domain| *domain != issuer) {
        leads(config, domain, "one of `acme.domains`", findings);
    }
}

fn leads(config: &Config, host: &str, whose: &str, findings: &mut Findings) {
    if host.parse::<IpAddr>().is_ok() {
        return findings.good("dns", format!("{host} is an address."));
    }
    match (host, 443).to_socket_addrs() {
        Ok(found) => {
            let addresses: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let shown = shown.join(", ");
            let only_here = addresses.iter().all(IpAddr::is_loopback);
            if only_here && !config.issuer.is_loopback() {
                let what = format!("{host} leads to this machine alone ({shown}), as this machine sees it.");
                findings.warn(
                    "dns",
                    what,
                    "Look whether /etc/hosts names it, and what others are told: `dig` elsewhere.",
                );
            } else {
                findings.good("dns", format!("{host} leads to {shown}."));
            }
        }
        Err(why) => {
            let what = format!("{host}, {whose}, leads nowhere: {why}.");
            findings.bad(
                "dns",
                what,
                "Add an A or AAAA record for it, or correct the configuration.",
            );
        }
    }
}

/// Opened and closed at once.
fn ports(config: &Config, findings: &mut Findings) {
    let challenges = config.acme.iter().flat_map(|acme| &acme.listen);
    let addresses = config
        .listen
        .iter()
        .chain(config.metrics.listen.as_ref())
        .chain(challenges);
    for listen in addresses {
        let remedy = match TcpListener::bind(listen.address).map_err(|why| why.kind()) {
            Ok(_) => {
                findings.good("listen", format!("{listen} is free."));
                continue;
            }
            Err(ErrorKind::AddrInUse) => "Another program has it: `ss -ltnp` names it.",
            Err(ErrorKind::PermissionDenied) => {
                "Ports below 1024 need CAP_NET_BIND_SERVICE: the unit of install.sh has it; doctor may be run as \
                 another user than the server."
            }
            Err(ErrorKind::AddrNotAvailable) => "This machine does not have that address: `ip address` shows its own.",
            Err(_) => "Choose another address in `listen`.",
        };
        findings.bad("listen", format!("{listen} cannot be listened on."), remedy);
    }
}

fn descriptors(config: &Config, findings: &mut Findings) {
    let wanted = config.limits.connections_max as u64 + OTHER_DESCRIPTORS;
    // `None`: as many as one likes.
    let allowed = getrlimit(Resource::Nofile).maximum;
    match allowed {
        Some(allowed) if allowed < wanted => findings.warn(
            "limits",
            format!("{allowed} open files are allowed here, and limits.connections_max wants {wanted}."),
            "Raise it (LimitNOFILE of the unit), or lower limits.connections_max.",
        ),
        _ => findings.good(
            "limits",
            format!("As many files may be open as connections need ({wanted})."),
        ),
    }
}
