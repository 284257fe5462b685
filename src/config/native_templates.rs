//! `[[native_templates]]` of a profile: the shops and tills whose official plugins connect by themselves. What a
//! template says is one of the profile's own facts; no installation changes it.

use super::branding::link;
use super::pages::Asset;
use super::reader::{Item, Table, listed, nearest, spell};
use super::{ScopeCatalog, duration_text};
use crate::base::jose::Algorithm;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::time::Duration;

/// One platform.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NativeTemplate {
    /// As registrations name it.
    pub platform: String,
    /// Further names of it, for plugins that call themselves otherwise.
    pub aliases: Vec<String>,
    /// What people know it by.
    pub name: String,
    #[serde(serialize_with = "file_name")]
    pub icon: Asset,
    pub support: String,
    pub privacy_policy: String,
    pub terms: String,
    /// All or nothing: its plugin refuses a consent to fewer or to more. In the order of the profile.
    pub scopes: Vec<String>,
    pub site: Site,
    /// `{siteUrl}` or `{siteOrigin}` and a path in which `{segment}` stands for one segment, at its end `{path}` for
    /// any path and query.
    pub redirect_uri: String,
    /// JSON members that a registration must have.
    pub required_fields: Vec<String>,
    /// JSON members that may be `null` or missing.
    pub optional_fields: Vec<String>,
    /// Of its access tokens, whatever the resource says.
    pub algorithm: Algorithm,
    #[serde(serialize_with = "duration_text")]
    pub access_token: Duration,
    #[serde(serialize_with = "lifetime_text")]
    pub refresh_idle: Option<Duration>,
    #[serde(serialize_with = "lifetime_text")]
    pub refresh_absolute: Option<Duration>,
    pub webhook_subscription: Subscription,
    pub nonces: Nonces,
}

impl NativeTemplate {
    pub fn is_named(&self, platform: &str) -> bool {
        self.platform == platform || self.aliases.iter().any(|alias| alias == platform)
    }
}

/// What the address of a site may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// Scheme, host and port.
    Origin,
    /// These, and a path without a slash at its end.
    Path,
}

/// Whether what an installation makes rests on a webhook subscription of its grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// Nothing is made without an active one. One that is switched off still delivers for what was made before.
    Required,
    /// It has none.
    None,
}

/// Nonces of RFC 9449 §8. No plugin of before knows them, so there is no other choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nonces {
    Never,
}

const TEMPLATES_MAX: usize = 20;
const ALIASES_MAX: usize = 5;
const FIELDS_MAX: usize = 20;
const REDIRECT_BYTES_MAX: usize = 200;
const ICON_BYTES_MAX: usize = 24 * 1024;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const SCOPES_MAX: usize = 50;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const TEN_YEARS: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// Members that every registration has: without them nothing can be bound to the site or its key.
const ALWAYS: [&str; 4] = ["platform", "siteUrl", "redirectUri", "dpopJkt"];

type FileOf<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>, String> + 'a;

/// What the templates of a profile are held against.
pub(super) struct Around<'a> {
    /// `None` where the catalog has faults of its own.
    pub scopes: Option<&'a ScopeCatalog>,
    /// The bytes of a file of the profile's directory, which the pages give out as an asset. `Err` is a sentence.
    pub file: &'a FileOf<'a>,
}

pub(super) fn read(table: &Table<'_>, around: &Around<'_>) -> Vec<NativeTemplate> {
    let Some(item) = table.get("native_templates") else {
        return Vec::new();
    };
    let mut found: Vec<NativeTemplate> = Vec::new();
    for entry in item.list(TEMPLATES_MAX).unwrap_or_default() {
        let Some(template) = entry.table().and_then(|table| template(table, around)) else {
            continue;
        };
        let names = template.aliases.iter().chain([&template.platform]);
        let repeated = names
            .into_iter()
            .find(|name| found.iter().any(|other| other.is_named(name)));
        if let Some(name) = repeated {
            entry.complain(format_args!("repeats the platform {name:?}"));
            continue;
        }
        found.push(template);
    }
    found
}

fn template(table: Table<'_>, around: &Around<'_>) -> Option<NativeTemplate> {
    let platform = table.required("platform").and_then(|item| platform(&item));
    let aliases = match table.get("aliases") {
        Some(item) => item.set(ALIASES_MAX, self::platform),
        None => Some(Vec::new()),
    };
    let name = table.required("name").and_then(|item| item.sentence());
    let icon = table.required("icon").and_then(|item| icon(&item, around));
    let address = |key| table.required(key).and_then(|item| link(&item));
    let (support, privacy_policy, terms) = (address("support"), address("privacy_policy"), address("terms"));
    let scopes = table.required("scopes").and_then(|item| scopes(&item, around.scopes));
    let sites = [("origin", Site::Origin), ("path", Site::Path)];
    let site = table.required("site").and_then(|item| item.choice(&sites));
    let redirect_uri = table.required("redirect_uri").and_then(|item| redirect_uri(&item));
    let fields = fields(&table);
    let algorithms = Algorithm::ALL.map(|algorithm| (algorithm.as_str(), algorithm));
    let algorithm = table.required("algorithm").and_then(|item| item.choice(&algorithms));
    let lifetimes = lifetimes(&table);
    let subscriptions = [("required", Subscription::Required), ("none", Subscription::None)];
    let subscription = table
        .required("webhook_subscription")
        .and_then(|item| item.choice(&subscriptions));
    let nonces = table
        .required("nonces")
        .and_then(|item| item.choice(&[("never", Nonces::Never)]));
    table.finish();
    let (required_fields, optional_fields) = fields?;
    let (access_token, refresh_idle, refresh_absolute) = lifetimes?;
    Some(NativeTemplate {
        platform: platform?,
        aliases: aliases?,
        name: name?,
        icon: icon?,
        support: support?,
        privacy_policy: privacy_policy?,
        terms: terms?,
        scopes: scopes?,
        site: site?,
        redirect_uri: redirect_uri?,
        required_fields,
        optional_fields,
        algorithm: algorithm?,
        access_token,
        refresh_idle,
        refresh_absolute,
        webhook_subscription: subscription?,
        nonces: nonces?,
    })
}

fn platform(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    if !super::profile_file::is_name(text) {
        return item.refuse(text, "but a platform is 1 to 32 of a-z, 0-9 and -");
    }
    Some(text.to_owned())
}

fn icon(item: &Item<'_>, around: &Around<'_>) -> Option<Asset> {
    let text = item.text()?;
    let stem = text
        .strip_suffix(".png")
        .filter(|stem| super::profile_file::is_name(stem));
    let Some(stem) = stem else {
        return item.refuse(
            text,
            "but an icon is a file of the profile's `icons`, 1 to 32 of a-z, 0-9 and -, then .png",
        );
    };
    match (around.file)(&format!("icons/{text}")) {
        Err(why) => item.refuse(text, why),
        Ok(None) => item.refuse(text, "but the profile's `icons` hold no such file"),
        Ok(Some(bytes)) if bytes.len() > ICON_BYTES_MAX => {
            item.refuse(text, format_args!("which is larger than {ICON_BYTES_MAX} bytes"))
        }
        Ok(Some(bytes)) if !bytes.starts_with(PNG) => item.refuse(text, "which is no PNG"),
        Ok(Some(bytes)) => Some(Asset::new(stem, "png", "image/png", bytes.into())),
    }
}

fn scopes(item: &Item<'_>, catalog: Option<&ScopeCatalog>) -> Option<Vec<String>> {
    let known = |item: &Item<'_>| {
        let name = item.text()?;
        match catalog {
            Some(catalog) if catalog.get(name).is_none() => {
                let hint = nearest(name, catalog.names());
                let hint = hint.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                item.refuse(name, format_args!("which is no scope of scopes.json{hint}"))
            }
            _ => Some(name.to_owned()),
        }
    };
    let scopes = item.set(SCOPES_MAX, known)?;
    if scopes.is_empty() {
        item.complain("is empty; an installation without scopes can do nothing");
        return None;
    }
    Some(scopes)
}

/// Exactly one address for each site and segment: nothing of a query, and no way up or to another host.
fn redirect_uri(item: &Item<'_>) -> Option<String> {
    const RULE: &str = "but it is `{siteUrl}` or `{siteOrigin}` and a path: segments of a-z, A-Z, 0-9, `-`, `_` and \
                        `.`, or `{segment}` for any one, at the end `{path}` for any path";
    let text = item.text()?;
    let path = ["{siteUrl}/", "{siteOrigin}/"]
        .into_iter()
        .find_map(|site| text.strip_prefix(site))
        .filter(|_| text.len() <= REDIRECT_BYTES_MAX);
    let Some(path) = path else {
        return item.refuse(text, RULE);
    };
    let (whole, last) = path
        .rsplit_once('/')
        .map_or((None, path), |(whole, last)| (Some(whole), last));
    let plain = |segment: &str| {
        let of_names = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        segment == "{segment}" || (!matches!(segment, "" | "." | "..") && segment.bytes().all(of_names))
    };
    if !(last == "{path}" || plain(last)) || !whole.is_none_or(|whole| whole.split('/').all(plain)) {
        return item.refuse(text, RULE);
    }
    Some(text.to_owned())
}

/// Required ones, then optional ones.
fn fields(table: &Table<'_>) -> Option<(Vec<String>, Vec<String>)> {
    let named = |item: &Item<'_>| {
        let text = item.text()?;
        let letters = text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !(1..=40).contains(&text.len()) || !letters || !text.as_bytes()[0].is_ascii_lowercase() {
            return item.refuse(
                text,
                "but a member is 1 to 40 of a-z, A-Z and 0-9, a small letter first",
            );
        }
        Some(text.to_owned())
    };
    let required = table.required("required_fields")?;
    let optional = match table.get("optional_fields") {
        Some(item) => item.set(FIELDS_MAX, named)?,
        None => Vec::new(),
    };
    let names = required.set(FIELDS_MAX, named)?;
    let missing: Vec<&str> = ALWAYS
        .into_iter()
        .filter(|name| !names.iter().any(|n| n == name))
        .collect();
    if !missing.is_empty() {
        required.complain(format_args!(
            "lacks {}, which every registration needs",
            listed(missing.iter().copied())
        ));
        return None;
    }
    let both: BTreeSet<&String> = names.iter().filter(|name| optional.contains(name)).collect();
    if !both.is_empty() {
        let both = listed(both.into_iter().map(String::as_str));
        required.complain(format_args!("has {both}, which stands among the optional ones too"));
        return None;
    }
    Some((names, optional))
}

type Spans = (Duration, Option<Duration>, Option<Duration>);

fn lifetimes(table: &Table<'_>) -> Option<Spans> {
    let access = table.required("access_token")?.duration(SECOND * 10..=TEN_YEARS);
    let span = |key| table.required(key)?.duration_or_never(MINUTE..=TEN_YEARS);
    let (idle, absolute) = (span("refresh_idle"), span("refresh_absolute"));
    let (access, idle, absolute) = (access?, idle?, absolute?);
    let shortest = [idle, absolute].into_iter().flatten().min();
    if let Some(shortest) = shortest.filter(|shortest| *shortest <= access) {
        table.complain(format_args!(
            "has refresh tokens that end after {} and access tokens that live {}: make the first the longer one",
            spell(shortest),
            spell(access)
        ));
        return None;
    }
    if let (Some(idle), Some(absolute)) = (idle, absolute)
        && absolute < idle
    {
        table.complain(format_args!(
            "lets refresh tokens be idle for {} but end after {}; make `refresh_absolute` the longer one",
            spell(idle),
            spell(absolute)
        ));
        return None;
    }
    Some((access, idle, absolute))
}

fn file_name<S: Serializer>(icon: &Asset, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&icon.name)
}

fn lifetime_text<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => duration_text(span, serializer),
        None => serializer.collect_str("never"),
    }
}
