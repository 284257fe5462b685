//! What is allowed but deserves a second look.

use super::reader::spell;
use super::routes::{Route, Upstream};
use super::{AcmeChallenge, Config, Listen, Scheme};
use crate::base::jose::Algorithm;
use std::sync::Arc;
use std::time::Duration;

/// Longer access tokens are not short-lived any more; only revocation ends them in time (RFC 9700 §2.2.1).
const ACCESS_TOKEN_USUAL_MAX: Duration = Duration::from_secs(60 * 60);

pub(super) fn of(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    tokens(config, &mut warnings);
    reachability(config, &mut warnings);
    challenges(config, &mut warnings);
    webhooks(config, &mut warnings);
    files(config, &mut warnings);
    sandbox(config, &mut warnings);
    warnings
}

fn tokens(config: &Config, warnings: &mut Vec<String>) {
    for resource in &config.profile.resources {
        if resource.access_token_lifetime > ACCESS_TOKEN_USUAL_MAX {
            warnings.push(format!(
                "access tokens for {} live {}: an API that only checks signatures will not notice when one is revoked; \
                 let it introspect",
                resource.identifier,
                spell(resource.access_token_lifetime)
            ));
        }
        if resource.algorithm == Algorithm::Rs256 {
            warnings.push(format!(
                "access tokens for {} are signed with RS256, which is slower to sign and larger than EdDSA; keep \
                 it only for clients that verify nothing else",
                resource.identifier
            ));
        }
    }
}

fn reachability(config: &Config, warnings: &mut Vec<String>) {
    let issuer = &config.issuer;
    let listens = |scheme| config.listen.iter().any(|listen| listen.scheme == scheme);
    if issuer.is_loopback() {
        warnings.push(format!(
            "the issuer {issuer} is this machine: nobody else can use its tokens or sign in"
        ));
    }
    if issuer.is_https() && !listens(Scheme::Https) {
        warnings.push(format!(
            "no listener speaks https though the issuer is {issuer}: a TLS proxy must stand in front of {}",
            config
                .listen
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    if !issuer.is_https() && !listens(Scheme::Http) {
        warnings.push(format!(
            "the issuer is {issuer} but no listener speaks plain http: clients will not reach it"
        ));
    }
    if config.tls.is_some() && !listens(Scheme::Https) {
        warnings.push("`tls` is set but no listener speaks https: the certificate is not used".to_owned());
    }
    if config.tls.is_none() && config.acme.is_none() && listens(Scheme::Https) {
        warnings.push("`tls` is not set: a development certificate is made, which browsers will not trust".to_owned());
    }
}

/// Port forwarding may make it right all the same.
fn challenges(config: &Config, warnings: &mut Vec<String>) {
    let Some(acme) = &config.acme else { return };
    let (port, challenge) = (acme.challenge.port(), acme.challenge.as_str());
    let (key, listeners) = match acme.challenge {
        AcmeChallenge::Http01 => ("acme.listen", &acme.listen),
        AcmeChallenge::TlsAlpn01 => ("listen", &config.listen),
    };
    let there = |listen: &Listen| listen.address.port() == port && !listen.address.ip().is_loopback();
    if !listeners.iter().any(there) {
        warnings.push(format!(
            "for {challenge} the certificate authority connects to port {port}, and nothing in `{key}` is there for \
             others: it must be forwarded here"
        ));
    }
}

fn webhooks(config: &Config, warnings: &mut Vec<String>) {
    let allowed = &config.webhooks.allow_networks;
    if !allowed.is_empty() {
        warnings.push(format!(
            "`webhooks.allow_networks` lets whoever may register an app make this server send requests to {}",
            allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ));
    }
}

fn files(config: &Config, warnings: &mut Vec<String>) {
    let (tls, mail) = (config.tls.as_ref(), config.mail.as_ref());
    let named = [
        ("tls.certificate", tls.map(|tls| &tls.certificate)),
        ("tls.key", tls.map(|tls| &tls.key)),
        ("mail.password_file", mail.and_then(|mail| mail.password_file.as_ref())),
        ("mail.ca_file", mail.and_then(|mail| mail.ca_file.as_ref())),
        (
            "acme.ca_file",
            config.acme.as_ref().and_then(|acme| acme.ca_file.as_ref()),
        ),
        ("webhooks.ca_file", config.webhooks.ca_file.as_ref()),
    ];
    for (key, path) in named {
        if let Some(path) = path.filter(|path| !path.is_file()) {
            warnings.push(format!("`{key}` names {}, which is no file", path.display()));
        }
    }
}

/// On this machine it is what one wants; where others come, it may be what was forgotten.
fn sandbox(config: &Config, warnings: &mut Vec<String>) {
    let leads_there = |row: &Arc<Route>| row.upstream == Upstream::Sandbox;
    if !config.issuer.is_loopback() && config.routes.rows().iter().any(leads_there) {
        warnings.push(
            "routes of the API lead to the sandbox, a development aid that keeps nothing for long: say in \
             `gateway.upstream` where the API is"
                .to_owned(),
        );
    }
}
