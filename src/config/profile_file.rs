//! Reads a profile: `profile.toml` and `scopes.json`, built in or from `<data_dir>/profiles/<name>`.

use super::profile::{
    AuthorizeParameter, AuthorizeRules, DpopRules, ErrorBody, IdType, Lifetimes, Noun, Pkce, Profile, Sdk,
};
use super::reader::{Item, Problems, Table, listed, nearest, spell};
use super::tree::{parse_json, parse_toml};
use super::{
    ApiKeyRules, Issuer, ScopeCatalog, api_key_rules, branding, native_templates, platform_rules, resources,
    scope_file, source, webhooks,
};
use std::path::Path;
use std::time::Duration;

/// Name, `profile.toml`, `scopes.json`, `routes.json`.
const EMBEDDED: [(&str, &str, &str, &str); 3] = [
    (
        "default",
        include_str!("../../data/profiles/default/profile.toml"),
        include_str!("../../data/profiles/default/scopes.json"),
        include_str!("../../data/profiles/default/routes.json"),
    ),
    (
        "makecrypto",
        include_str!("../../data/profiles/makecrypto/profile.toml"),
        include_str!("../../data/profiles/makecrypto/scopes.json"),
        include_str!("../../data/profiles/makecrypto/routes.json"),
    ),
    (
        "mokapen",
        include_str!("../../data/profiles/mokapen/profile.toml"),
        include_str!("../../data/profiles/mokapen/scopes.json"),
        include_str!("../../data/profiles/mokapen/routes.json"),
    ),
];

/// Profile, path and bytes of what else its directory holds.
const FILES: [(&str, &str, &[u8]); 3] = [
    (
        "makecrypto",
        "icons/btcpay-server.png",
        include_bytes!("../../data/profiles/makecrypto/icons/btcpay-server.png"),
    ),
    (
        "makecrypto",
        "icons/medusa.png",
        include_bytes!("../../data/profiles/makecrypto/icons/medusa.png"),
    ),
    (
        "makecrypto",
        "icons/wordpress.png",
        include_bytes!("../../data/profiles/makecrypto/icons/wordpress.png"),
    ),
];

const fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}
const MINUTE: Duration = seconds(60);
const DAY: Duration = seconds(24 * 60 * 60);
const TEN_YEARS: Duration = seconds(3650 * 24 * 60 * 60);

/// What everything begins with where the profile does not say.
const PREFIX: &str = "grantd";

const SDKS_MAX: usize = 20;

/// `<noun>_id` of these already means something else in tokens and answers.
const NOUNS_TAKEN: [&str; 4] = ["client", "grant", "installation", "registration"];

/// The names of the profiles in the binary.
pub fn embedded_profiles() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(name, ..)| *name)
}

/// A profile's name: the name of its directory.
pub(super) fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `None` when problems were found; the caller checked the name with [`is_name`].
pub(super) fn load(name: &str, issuer: &Issuer, data_dir: &Path, problems: &Problems) -> Option<Profile> {
    let directory = data_dir.join("profiles").join(name);
    let embedded = EMBEDDED.iter().find(|(known, ..)| *known == name);
    if embedded.is_none() && !directory.is_dir() {
        let hint = nearest(name, embedded_profiles());
        let hint = hint.map_or(".".to_owned(), |near| format!("; did you mean `{near}`?"));
        problems.add(format!(
            "there is no profile `{name}`{hint} Built in are {}; any other is a directory {}",
            listed(embedded_profiles()),
            directory.display()
        ));
        return None;
    }
    let settings = find(
        &directory,
        "profile.toml",
        embedded.map(|(_, text, ..)| *text),
        problems,
    );
    let scopes = find(
        &directory,
        "scopes.json",
        embedded.map(|(_, _, text, _)| *text),
        problems,
    );
    let (settings, scopes) = (settings?, scopes?);
    let scope_tree = source::tree(&scopes.0, &scopes.1, parse_json, problems);
    let scopes = scope_tree.and_then(|tree| scope_file::read(&scopes.0, &tree, problems));
    let tree = source::tree(&settings.0, &settings.1, parse_toml, problems)?;
    let table = Table::root(&settings.0, &tree, problems)?;
    let around = native_templates::Around {
        scopes: scopes.as_ref(),
        file: &|path| {
            let embedded = FILES
                .iter()
                .find(|(profile, file, _)| (*profile, *file) == (name, path));
            let own = source::read_bytes(&directory.join(path))?;
            Ok(own.or(embedded.map(|(.., bytes)| bytes.to_vec())))
        },
    };
    let templates = native_templates::read(&table, &around);
    let profile = read(name, issuer, &table, scopes).map(|profile| Profile {
        native_templates: templates,
        ..profile
    });
    table.finish();
    profile
}

/// The label and the text of a file that a profile of its own may do without, and whether it is the built-in one.
pub(super) fn optional(
    profile: &str,
    file_name: &str,
    data_dir: &Path,
    problems: &Problems,
) -> Option<(String, String, bool)> {
    let directory = data_dir.join("profiles").join(profile);
    let embedded = EMBEDDED.iter().find(|(known, ..)| *known == profile);
    let own = directory.join(file_name).exists();
    if embedded.is_none() && !own {
        return None;
    }
    let (label, text) = find(&directory, file_name, embedded.map(|(.., text)| *text), problems)?;
    Some((label, text, !own))
}

/// The label and the text of a file: the one in the data directory, else the embedded one.
pub(super) fn find(
    directory: &Path,
    file_name: &str,
    embedded: Option<&str>,
    problems: &Problems,
) -> Option<(String, String)> {
    let path = directory.join(file_name);
    let profile = directory.file_name().unwrap_or_default().display();
    let built_in = format!("the built-in profiles/{profile}/{file_name}");
    match source::read_text(&path) {
        Ok(Some(text)) => Some((path.display().to_string(), text)),
        Ok(None) => match embedded {
            Some(text) => Some((built_in, text.to_owned())),
            None => {
                problems.add(format!("{} is missing: a profile of its own needs one", path.display()));
                None
            }
        },
        Err(why) => {
            problems.add(why);
            None
        }
    }
}

/// Keys that are not there have the default profile's value.
fn read(name: &str, issuer: &Issuer, table: &Table<'_>, scopes: Option<ScopeCatalog>) -> Option<Profile> {
    let noun = noun(table);
    let ids = table.choice("ids", &[("integer", IdType::Integer), ("text", IdType::Text)]);
    let prefix = table.get("prefix").and_then(|item| prefix(&item));
    let pkce = table.choice("pkce", &[("all", Pkce::All), ("public_clients", Pkce::PublicClients)]);
    let lifetimes = lifetimes(table);
    let authorize = authorize(table);
    let dpop = dpop(table);
    let review = platform_rules::review(table);
    let access_requests = table.get("access_requests").and_then(|item| item.boolean());
    let prefix = prefix.unwrap_or_else(|| PREFIX.to_owned());
    let api_keys = match table.table("api_keys") {
        Some(table) => api_key_rules::read(table, &prefix),
        None => ApiKeyRules::of(&prefix),
    };
    let pat = platform_rules::pat(table);
    let error_body = table.choice(
        "error_body",
        &[("oauth", ErrorBody::Oauth), ("message", ErrorBody::Message)],
    );
    let webhooks = webhooks::rules(table, &prefix);
    let help = table.get("help").and_then(|item| branding::link(&item));
    let sdks = table.get("sdks").and_then(|item| sdks(&item));
    let given = table.get("resources").and_then(|item| resources::read(&item, issuer));
    Some(Profile {
        name: name.to_owned(),
        noun: noun.unwrap_or_else(|| Noun::new("organization", "organizations")),
        ids: ids.unwrap_or(IdType::Text),
        prefix,
        resources: given.unwrap_or_else(|| vec![resources::default(issuer)]),
        lifetimes,
        pkce: pkce.unwrap_or(Pkce::All),
        authorize,
        dpop,
        review,
        access_requests: access_requests.unwrap_or(true),
        api_keys,
        pat,
        error_body: error_body.unwrap_or(ErrorBody::Oauth),
        webhooks,
        help,
        sdks: sdks.unwrap_or_default(),
        native_templates: Vec::new(),
        scopes: scopes?,
    })
}

fn noun(table: &Table<'_>) -> Option<Noun> {
    let table = table.table("noun")?;
    let word = |key: &'static str| {
        let item = table.required(key)?;
        let text = item.text()?;
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let ok = first && text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !ok {
            return item.refuse(
                text,
                "but it names a claim, so write 1 to 32 of a-z and _, a letter first",
            );
        }
        if NOUNS_TAKEN.contains(&text) {
            return item.refuse(
                text,
                format_args!("but `{text}_id` already means something else in tokens"),
            );
        }
        Some(text)
    };
    let (singular, plural) = (word("singular"), word("plural"));
    table.finish();
    Some(Noun::new(singular?, plural?))
}

fn prefix<'a>(item: &Item<'a>) -> Option<String> {
    let text = item.text()?;
    if !(1..=12).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return item.refuse(text, "but a prefix is 1 to 12 of a-z and 0-9");
    }
    Some(text.to_owned())
}

fn lifetimes(table: &Table<'_>) -> Lifetimes {
    let mut lifetimes = Lifetimes {
        code: MINUTE,
        refresh_idle: DAY.saturating_mul(30),
        refresh_absolute: DAY.saturating_mul(365),
        refresh_grace: seconds(30),
        pushed_request: seconds(9 * 60),
    };
    let Some(table) = table.table("lifetimes") else {
        return lifetimes;
    };
    // RFC 6749 §4.1.2: ten minutes at the most.
    if let Some(code) = table.duration("code", seconds(5)..=MINUTE.saturating_mul(10)) {
        lifetimes.code = code;
    }
    if let Some(idle) = table.duration("refresh_idle", MINUTE..=TEN_YEARS) {
        lifetimes.refresh_idle = idle;
    }
    if let Some(absolute) = table.duration("refresh_absolute", MINUTE..=TEN_YEARS) {
        lifetimes.refresh_absolute = absolute;
    }
    if let Some(grace) = table.duration("refresh_grace", seconds(0)..=MINUTE) {
        lifetimes.refresh_grace = grace;
    }
    // FAPI 2.0 §5.3.2.2: less than 600 seconds.
    if let Some(pushed) = table.duration("pushed_request", seconds(30)..=seconds(599)) {
        lifetimes.pushed_request = pushed;
    }
    if lifetimes.refresh_absolute < lifetimes.refresh_idle {
        table.complain(format_args!(
            "lets refresh tokens be idle for {} but end after {}; make `refresh_absolute` the longer one",
            spell(lifetimes.refresh_idle),
            spell(lifetimes.refresh_absolute)
        ));
    }
    table.finish();
    lifetimes
}

fn authorize(table: &Table<'_>) -> AuthorizeRules {
    let mut rules = AuthorizeRules {
        require: Vec::new(),
        state_chars_min: 0,
    };
    let Some(table) = table.table("authorize") else {
        return rules;
    };
    let choices = AuthorizeParameter::ALL.map(|parameter| (parameter.as_str(), parameter));
    if let Some(item) = table.get("require") {
        rules.require = item
            .set(choices.len(), |item| item.choice(&choices))
            .unwrap_or_default();
    }
    if let Some(chars) = table.get("state_chars_min").and_then(|item| item.integer(0..=128)) {
        rules.state_chars_min = u32::try_from(chars).expect("judged to be 0 to 128");
    }
    table.finish();
    rules
}

fn dpop(table: &Table<'_>) -> DpopRules {
    let Some(table) = table.table("dpop") else {
        return DpopRules { nonces: false };
    };
    let nonces = table.get("nonces").and_then(|item| item.boolean());
    table.finish();
    DpopRules {
        nonces: nonces.unwrap_or(false),
    }
}

fn sdks(item: &Item<'_>) -> Option<Vec<Sdk>> {
    let mut found = Vec::new();
    for table in item.list(SDKS_MAX)?.iter().filter_map(Item::table) {
        let name = table.required("name").and_then(|item| item.sentence());
        let text = table.get("text").and_then(|item| item.sentence());
        let url = table.get("url").and_then(|item| branding::link(&item));
        table.finish();
        found.extend(name.map(|name| Sdk { name, text, url }));
    }
    Some(found)
}
