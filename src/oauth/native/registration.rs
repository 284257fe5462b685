//! What a registration says, held against the template of its platform. Nothing of it is believed: it is bounded, and
//! decides only where answers go.

use super::error::{NativeError, Why};
use crate::base::digest::{base64url, sha256};
use crate::base::json::parse_strict_object;
use crate::config::{NativeTemplate, Site};
use crate::context::Context;
use crate::model::app::ClientType;
use crate::model::installation::{ADDRESS_BYTES_MAX, FACT_CHARS_MAX, Registration};
use crate::oauth::{idempotency, pkce, redirect_uri};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// Members that are more than facts.
const OWN: [&str; 5] = ["platform", "registrationId", "siteUrl", "redirectUri", "dpopJkt"];

/// The registration in a body whose sender proved the key with the thumbprint `jkt`.
pub fn read(ctx: &Context, body: &[u8], jkt: &str) -> Result<Registration, NativeError> {
    let members: Map<String, Value> =
        parse_strict_object(body).map_err(|_| Why::Malformed("The body must be one JSON object."))?;
    let platform = required(&members, "platform")?;
    let template = ctx.profile().native_template(platform);
    let template = template.ok_or(Why::Malformed("The platform is none of this server's."))?;
    for name in &template.required_fields {
        required(&members, name)?;
    }
    let of = |name: &str| required(&members, name);
    if !pkce::is_thumbprint(of("dpopJkt")?) || of("dpopJkt")? != jkt {
        return Err(Why::Malformed("The dpopJkt is not the thumbprint of the key of the DPoP proof.").into());
    }
    let registration_id = registration_id(template, &members)?;
    let (site_url, redirect_uri) = (of("siteUrl")?, of("redirectUri")?);
    let origin = site(template.site, site_url)?;
    if redirect_uri::check(ClientType::Confidential, redirect_uri).is_err()
        || redirect_uri.len() > ADDRESS_BYTES_MAX
        || !fits(&template.redirect_uri, site_url, &origin, redirect_uri)
    {
        return Err(Why::Malformed("The redirectUri is not the one of this platform for the siteUrl.").into());
    }
    let identity: &[&[u8]] = match &registration_id {
        Some(id) => &[id.as_bytes()],
        None => &[site_url.as_bytes(), redirect_uri.as_bytes()],
    };
    Ok(Registration {
        platform: template.platform.clone(),
        identity: base64url(sha256(&idempotency::bound(identity, ""))),
        registration_id,
        site_url: site_url.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        jkt: jkt.to_owned(),
        facts: facts(template, &members)?,
        name: template.name.clone(),
        scopes: template.scopes.clone(),
    })
}

/// The origin of the site that a registration names.
pub fn origin(registration: &Registration) -> String {
    let url = Url::parse(&registration.site_url);
    url.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

fn required<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, NativeError> {
    match members.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::Null | Value::String(_)) => Err(NativeError::Missing(name.to_owned())),
        Some(_) => Err(Why::Malformed("Every member of a registration is text.").into()),
    }
}

/// 32 random bytes, as the plugin made them once.
fn registration_id(template: &NativeTemplate, members: &Map<String, Value>) -> Result<Option<String>, NativeError> {
    const NAME: &str = "registrationId";
    if !template.required_fields.iter().any(|name| name == NAME) {
        return Ok(None);
    }
    let id = required(members, NAME)?;
    if !pkce::is_thumbprint(id) {
        return Err(Why::Malformed("The registrationId must be 43 characters of base64url.").into());
    }
    Ok(Some(id.to_owned()))
}

/// Checks the address of a site, and answers with its origin.
fn site(rule: Site, text: &str) -> Result<String, NativeError> {
    let wrong = || {
        NativeError::from(Why::Malformed(
            "The siteUrl must be https, or http on a loopback address, spelled as browsers spell it, without a query \
             and without a slash at its end.",
        ))
    };
    if text.len() > ADDRESS_BYTES_MAX || redirect_uri::check(ClientType::Confidential, text).is_err() {
        return Err(wrong());
    }
    let url = Url::parse(text).map_err(|_| wrong())?;
    let origin = url.origin().ascii_serialization();
    let plain = url.query().is_none() && !text.ends_with('/');
    if !plain || (rule == Site::Origin && text != origin) {
        return Err(wrong());
    }
    Ok(origin)
}

/// Whether an address is the one of this pattern: `{siteUrl}` or `{siteOrigin}`, then segments.
fn fits(pattern: &str, site_url: &str, origin: &str, address: &str) -> bool {
    let (base, rest) = match pattern.strip_prefix("{siteUrl}") {
        Some(rest) => (site_url, rest),
        None => (origin, pattern.strip_prefix("{siteOrigin}").unwrap_or(pattern)),
    };
    let Some(mut found) = address.strip_prefix(base) else {
        return false;
    };
    for segment in rest.split('/').skip(1) {
        let Some(after) = found.strip_prefix('/') else {
            return false;
        };
        if segment == "{path}" {
            return true;
        }
        let end = after.find(['/', '?']).unwrap_or(after.len());
        let (here, behind) = after.split_at(end);
        if here.is_empty() || (segment != "{segment}" && segment != here) {
            return false;
        }
        found = behind;
    }
    found.is_empty()
}

/// Names and versions, as they were sent.
fn facts(template: &NativeTemplate, members: &Map<String, Value>) -> Result<BTreeMap<String, String>, NativeError> {
    let mut facts = BTreeMap::new();
    let names = template.required_fields.iter().chain(&template.optional_fields);
    for name in names.filter(|name| !OWN.contains(&name.as_str())) {
        let text = match members.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text,
            Some(_) => return Err(Why::Malformed("Every member of a registration is text.").into()),
        };
        if text.chars().count() > FACT_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(Why::Malformed("A name or a version is at most 100 characters, without line breaks.").into());
        }
        if !text.is_empty() {
            facts.insert(name.clone(), text.clone());
        }
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_redirect_uri_fits_its_pattern_and_nothing_besides() {
        let (site, origin) = ("https://shop.example/pay", "https://shop.example");
        let plugin = "{siteUrl}/plugins/{segment}/callback";
        for (pattern, address, good) in [
            ("{siteUrl}/callback", "https://shop.example/pay/callback", true),
            ("{siteUrl}/callback", "https://shop.example/pay/callback/", false),
            ("{siteUrl}/callback", "https://shop.example/pay/callback?a=b", false),
            ("{siteUrl}/callback", "https://shop.example/payx/callback", false),
            ("{siteUrl}/callback", "https://shop.example/callback", false),
            (plugin, "https://shop.example/pay/plugins/7/callback", true),
            (plugin, "https://shop.example/pay/plugins//callback", false),
            (plugin, "https://shop.example/pay/plugins/7/8/callback", false),
            (plugin, "https://shop.example/pay/plugins/7?/callback", false),
            (
                "{siteOrigin}/{path}",
                "https://shop.example/wp-admin/admin.php?page=pay",
                true,
            ),
            ("{siteOrigin}/{path}", "https://shop.example/", true),
            ("{siteOrigin}/{path}", "https://shop.example", false),
            ("{siteOrigin}/{path}", "https://shop.example.evil/", false),
            ("{siteOrigin}/{path}", "https://evil.example/", false),
        ] {
            assert_eq!(fits(pattern, site, origin, address), good, "{pattern} {address}");
        }
    }
}
