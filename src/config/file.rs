//! Reads `grantd.toml` and puts the configuration together.

use super::reader::{Item, Problems, Table, shown, spell};
use super::source::{read_text, tree};
use super::tree::parse_toml;
use super::{
    Config, ConfigErrors, Issuer, KeyPolicy, Listen, Log, LogFormat, LogLevel, MetricsAccess, Scheme, SessionPolicy,
    SignUp, TlsFiles,
};
use super::{
    Pages, acme, backup, branding, gateway_settings, limits, mail, profile_file, resources as resource_list,
    route_file, sandbox_file, webhooks,
};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the command line says; it wins over the file.
#[derive(Clone, Default, Debug)]
pub struct Overrides {
    pub issuer: Option<String>,
    pub data_dir: Option<PathBuf>,
    /// As in the file: `https://127.0.0.1:8443`.
    pub listen: Option<Vec<String>>,
    pub tls: Option<TlsFiles>,
    pub profile: Option<String>,
}

const LISTENERS_MAX: usize = 16;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const LEVELS: [LogLevel; 5] = [
    LogLevel::Error,
    LogLevel::Warn,
    LogLevel::Info,
    LogLevel::Debug,
    LogLevel::Trace,
];

const FORMATS: [LogFormat; 3] = [LogFormat::Text, LogFormat::Logfmt, LogFormat::Json];

pub(super) fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigErrors> {
    let problems = Problems::default();
    let config = read(path, overrides, &problems);
    let sentences = problems.into_sentences();
    match config {
        Some(config) if sentences.is_empty() => Ok(config),
        _ => Err(ConfigErrors(sentences)),
    }
}

fn read(path: Option<&Path>, overrides: &Overrides, problems: &Problems) -> Option<Config> {
    let text = match path.map(|path| (path, read_text(path))) {
        None => String::new(),
        Some((_, Ok(Some(text)))) => text,
        Some((path, Ok(None))) => {
            problems.add(format!("{} does not exist; `grantd init` writes one", path.display()));
            return None;
        }
        Some((_, Err(why))) => {
            problems.add(why);
            return None;
        }
    };
    let label = path.map_or(super::FILE_NAME.to_owned(), |path| path.display().to_string());
    let base = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let tree = tree(&label, &text, parse_toml, problems)?;
    let table = Table::root(&label, &tree, problems)?;
    settings(table, base, overrides, problems)
}

fn settings(table: Table<'_>, base: &Path, overrides: &Overrides, problems: &Problems) -> Option<Config> {
    let issuer = issuer(&table, overrides, problems);
    let listen = listeners(&table, overrides, problems);
    let data_dir = table
        .get("data_dir")
        .and_then(|item| path(&item, base))
        .unwrap_or_else(|| base.join("data"));
    let tls = table.get("tls").and_then(|item| tls(&item, base));
    let acme = acme::read(&table, base);
    let profile = profile_name(&table, overrides, problems);
    let resources = table.get("resources");
    let keys = key_policy(&table);
    let sessions = sessions(&table);
    let sign_up = mail::sign_up(&table);
    let mail = mail::mail(&table, base);
    let webhooks = webhooks::access(&table, base);
    let backup = backup::read(&table, base);
    let branding = branding::read(&table);
    let gateway = gateway_settings::read(&table, base);
    let limits = limits::read(&table);
    let log = log(&table);
    let metrics = metrics(&table, &listen);
    table.finish();

    let data_dir = overrides.data_dir.clone().unwrap_or(data_dir);
    // A wrong issuer must not hide what else is wrong.
    let stand_in = issuer.clone().unwrap_or_else(default_issuer);
    let profile = profile.and_then(|name| profile_file::load(&name, &stand_in, &data_dir, problems));
    let resources = resources.map(|item| resource_list::read(&item, &stand_in));
    let pages = Pages::load(&data_dir, &branding, problems);
    let (issuer, listen, mut profile) = (issuer?, listen?, profile?);
    if let Some(resources) = resources {
        profile.resources = resources?;
    }
    let routes = route_file::load(&profile, &issuer, &gateway, &data_dir, problems);
    let sandbox = sandbox_file::load(&profile.name, &data_dir, problems);
    let tls = overrides.tls.clone().or(tls);
    let acme = acme.map(|acme| acme.for_issuer(&issuer));
    let config = Config {
        issuer,
        data_dir,
        listen,
        tls,
        acme,
        profile,
        gateway,
        routes: routes?,
        sandbox: sandbox?,
        keys,
        sessions,
        sign_up,
        branding,
        mail,
        webhooks,
        backup,
        limits,
        log,
        metrics,
        pages,
    };
    judge_together(&config, problems);
    Some(config)
}

fn default_issuer() -> Issuer {
    "https://localhost:8443".parse().expect("a test loads the defaults")
}

fn issuer(table: &Table<'_>, overrides: &Overrides, problems: &Problems) -> Option<Issuer> {
    let item = table.get("issuer");
    if let Some(text) = &overrides.issuer {
        return text
            .parse()
            .map_err(|why| problems.add(format!("the issuer is {}, which {why}", shown(text))))
            .ok();
    }
    let Some(item) = item else {
        return Some(default_issuer());
    };
    let text = item.text()?;
    match text.parse() {
        Ok(issuer) => Some(issuer),
        Err(why) => item.refuse(text, format_args!("which {why}")),
    }
}

fn listeners(table: &Table<'_>, overrides: &Overrides, problems: &Problems) -> Option<Vec<Listen>> {
    let item = table.get("listen");
    let found: Vec<Listen> = match (&overrides.listen, item) {
        (Some(texts), _) => {
            let refuse = |text, why| problems.add(format!("the address to listen on is {}, which {why}", shown(text)));
            texts
                .iter()
                .map(|text| listen(text).map_err(|why| refuse(text, why)).ok())
                .collect::<Option<_>>()?
        }
        (None, Some(item)) => item.set(LISTENERS_MAX, |item| {
            let text = item.text()?;
            match listen(text) {
                Ok(listen) => Some(listen),
                Err(why) => item.refuse(text, format_args!("which {why}")),
            }
        })?,
        (None, None) => vec![listen("https://127.0.0.1:8443").expect("a test loads the defaults")],
    };
    if found.is_empty() {
        problems.add("`listen` names no address; a server must listen somewhere".to_owned());
    }
    for (at, one) in found.iter().enumerate().filter(|(_, one)| one.address.port() != 0) {
        if found[..at].iter().any(|other| other.address == one.address) {
            problems.add(format!("`listen` names {} twice", one.address));
        }
    }
    Some(found)
}

/// Plain http on loopback addresses alone. The error is the end of a sentence.
fn listen(text: &str) -> Result<Listen, String> {
    let listen = listen_anywhere(text)?;
    if listen.scheme == Scheme::Http && !listen.address.ip().is_loopback() {
        return Err(
            "is plain http on an address others can reach; use https, or 127.0.0.1 or [::1] behind a TLS proxy"
                .to_owned(),
        );
    }
    Ok(listen)
}

pub(super) fn listen_anywhere(text: &str) -> Result<Listen, String> {
    let wanted =
        "is no `https://ADDRESS:PORT` with an IP address, such as `https://0.0.0.0:8443` or `https://[::]:8443`";
    let (scheme, address) = text.split_once("://").ok_or(wanted)?;
    let scheme = match scheme {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return Err(wanted.to_owned()),
    };
    let address: SocketAddr = address.parse().map_err(|_| wanted)?;
    Ok(Listen { address, scheme })
}

/// Relative paths are relative to the configuration file, not to wherever the program was started.
pub(super) fn path(item: &Item<'_>, base: &Path) -> Option<PathBuf> {
    let text = item.text()?;
    if text.is_empty() || text.contains('\0') {
        return item.refuse(text, "which is no path");
    }
    Some(base.join(text))
}

fn tls(item: &Item<'_>, base: &Path) -> Option<TlsFiles> {
    let table = item.table()?;
    let file = |key| table.required(key).and_then(|item| path(&item, base));
    let (certificate, key) = (file("certificate"), file("key"));
    table.finish();
    Some(TlsFiles {
        certificate: certificate?,
        key: key?,
    })
}

fn profile_name(table: &Table<'_>, overrides: &Overrides, problems: &Problems) -> Option<String> {
    const RULE: &str = "but a profile's name is 1 to 32 of a-z, 0-9 and -";
    let item = table.get("profile");
    if let Some(name) = &overrides.profile {
        if !profile_file::is_name(name) {
            problems.add(format!("the profile is {}, {RULE}", shown(name)));
            return None;
        }
        return Some(name.clone());
    }
    let Some(item) = item else {
        return Some("default".to_owned());
    };
    let name = item.text()?;
    if !profile_file::is_name(name) {
        return item.refuse(name, RULE);
    }
    Some(name.to_owned())
}

fn key_policy(table: &Table<'_>) -> KeyPolicy {
    let mut policy = KeyPolicy {
        rotate_after: DAY.saturating_mul(90),
        publish_before: DAY.saturating_mul(7),
    };
    let Some(table) = table.table("keys") else {
        return policy;
    };
    if let Some(span) = table.duration("rotate_after", DAY..=DAY.saturating_mul(3650)) {
        policy.rotate_after = span;
    }
    // Verifiers may keep a JWKS for an hour.
    if let Some(span) = table.duration("publish_before", HOUR..=DAY.saturating_mul(365)) {
        policy.publish_before = span;
    }
    if policy.publish_before >= policy.rotate_after {
        table.complain(format_args!(
            "announces the next key {} ahead though keys change every {}; make `publish_before` the shorter one",
            spell(policy.publish_before),
            spell(policy.rotate_after)
        ));
    }
    table.finish();
    policy
}

fn sessions(table: &Table<'_>) -> SessionPolicy {
    let mut policy = SessionPolicy {
        idle: HOUR.saturating_mul(12),
        absolute: DAY.saturating_mul(30),
    };
    let Some(table) = table.table("sessions") else {
        return policy;
    };
    if let Some(span) = table.duration("idle", MINUTE.saturating_mul(5)..=DAY.saturating_mul(365)) {
        policy.idle = span;
    }
    if let Some(span) = table.duration("absolute", MINUTE.saturating_mul(5)..=DAY.saturating_mul(365)) {
        policy.absolute = span;
    }
    if policy.absolute < policy.idle {
        table.complain(format_args!(
            "lets sessions be idle for {} but end after {}; make `absolute` the longer one",
            spell(policy.idle),
            spell(policy.absolute)
        ));
    }
    table.finish();
    policy
}

fn log(table: &Table<'_>) -> Log {
    let mut log = Log {
        level: LogLevel::Info,
        format: LogFormat::Text,
    };
    let Some(table) = table.table("log") else { return log };
    if let Some(level) = table.choice("level", &LEVELS.map(|level| (level.as_str(), level))) {
        log.level = level;
    }
    if let Some(format) = table.choice("format", &FORMATS.map(|format| (format.as_str(), format))) {
        log.format = format;
    }
    table.finish();
    log
}

/// Nobody proves who they are there, so it is on this machine alone, and apart from what everybody reaches.
fn metrics(table: &Table<'_>, listeners: &Option<Vec<Listen>>) -> MetricsAccess {
    let mut access = MetricsAccess::default();
    let Some(table) = table.table("metrics") else {
        return access;
    };
    if let Some(item) = table.get("listen")
        && let Some(text) = item.text()
    {
        let taken = |one: &Listen| {
            let others = listeners.iter().flatten();
            one.address.port() != 0 && others.into_iter().any(|other| other.address == one.address)
        };
        access.listen = match listen(text) {
            Ok(one) if one.scheme == Scheme::Https => item.refuse(
                text,
                "but metrics are told in plain http on 127.0.0.1 or [::1] alone; let a proxy or an agent on this \
                 machine carry them further",
            ),
            Ok(one) if taken(&one) => item.refuse(text, "which `listen` names too; give metrics a port of their own"),
            Ok(one) => Some(one),
            Err(why) => item.refuse(text, format_args!("which {why}")),
        };
    }
    table.finish();
    access
}

/// What only shows when everything is known.
fn judge_together(config: &Config, problems: &Problems) {
    let idle = config.profile.lifetimes.refresh_idle;
    for resource in config
        .profile
        .resources
        .iter()
        .filter(|resource| resource.access_token_lifetime >= idle)
    {
        problems.add(format!(
            "the access tokens of {} live {}, and refresh tokens may be idle only {} (`lifetimes.refresh_idle`): they \
             would end before anyone needs them; make the idle time the longer one",
            resource.identifier,
            spell(resource.access_token_lifetime),
            spell(idle)
        ));
    }
    if config.sign_up == SignUp::Open && config.mail.is_none() {
        problems.add(
            "`sign_up` is \"open\", and a new account's address is proven by mail: set `[mail]`, or use \"invite\""
                .to_owned(),
        );
    }
    let https = config.listen.iter().any(|listen| listen.scheme == Scheme::Https);
    acme::judge(config, https, problems);
    if https && config.tls.is_none() && config.acme.is_none() && !config.issuer.is_loopback() {
        problems.add(format!(
            "the issuer {} needs a certificate: set `[acme]`, or `tls.certificate` and `tls.key`, or listen \
             on plain http on 127.0.0.1 behind a TLS proxy",
            config.issuer
        ));
    }
}
