//! `[mail]` and `sign_up` of `grantd.toml`.

use super::file::path;
use super::reader::{Item, Table};
use lettre::message::Mailbox;
use serde::Serialize;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The mail server that takes what goes to people. Without one, administrators hand out the links.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MailServer {
    /// Its name, which its certificate must have, or its address.
    pub server: String,
    pub port: u16,
    pub security: MailSecurity,
    pub username: Option<String>,
    /// Read before every mail, so that a new password needs no restart.
    pub password_file: Option<PathBuf>,
    /// PEM: whom to trust besides the system's certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// The sender, `Name <address>` or an address.
    pub from: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS after `STARTTLS`, always: without it nothing is sent (RFC 8314 §3.3).
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Only to this machine.
    None,
}

/// Who may make an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Anybody with an email address.
    Open,
    /// Whoever was invited into an organization.
    Invite,
    /// Nobody: administrators add users.
    Closed,
}

pub(super) fn sign_up(table: &Table<'_>) -> SignUp {
    let choices = [
        ("open", SignUp::Open),
        ("invite", SignUp::Invite),
        ("closed", SignUp::Closed),
    ];
    table.choice("sign_up", &choices).unwrap_or(SignUp::Invite)
}

/// `None` where there is no `[mail]`, and where it is wrong, which is told then.
pub(super) fn mail(table: &Table<'_>, base: &Path) -> Option<MailServer> {
    let table = table.table("mail")?;
    let server = table.required("server").and_then(|item| host(&item));
    let choices = [
        ("starttls", MailSecurity::Starttls),
        ("tls", MailSecurity::Tls),
        ("none", MailSecurity::None),
    ];
    let security = table.choice("security", &choices).unwrap_or(MailSecurity::Starttls);
    // RFC 6409 §3.1, RFC 8314 §3.3, RFC 5321 §4.5.4.2.
    let usual = match security {
        MailSecurity::Starttls => 587,
        MailSecurity::Tls => 465,
        MailSecurity::None => 25,
    };
    let port = table.get("port").and_then(|item| item.integer(1..=65535));
    let username = table.get("username").and_then(|item| item.sentence());
    let file = |key| table.get(key).and_then(|item| path(&item, base));
    let (password_file, ca_file) = (file("password_file"), file("ca_file"));
    let from = table.required("from").and_then(|item| sender(&item));
    if username.is_some() != password_file.is_some() {
        table.complain("needs both `username` and `password_file`, or neither where the server asks for none");
    }
    let server = server.filter(|server| {
        let allowed = security != MailSecurity::None || is_this_machine(server);
        if !allowed {
            table.complain(
                "has `security = \"none\"`, which would send links in the clear: use \"starttls\" or \"tls\", or a \
                 mail server on 127.0.0.1",
            );
        }
        allowed
    });
    table.finish();
    Some(MailServer {
        server: server?,
        port: port.map_or(usual, |port| u16::try_from(port).expect("judged to be a port")),
        security,
        username,
        password_file,
        ca_file,
        from: from?,
    })
}

fn host(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let name = |c: u8| c.is_ascii_alphanumeric() || b".-".contains(&c);
    let is_name = !text.is_empty() && text.len() <= 253 && text.bytes().all(name);
    if is_name || text.parse::<IpAddr>().is_ok() {
        Some(text.to_owned())
    } else {
        item.refuse(text, "which is no host name and no IP address")
    }
}

fn is_this_machine(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn sender(item: &Item<'_>) -> Option<String> {
    let text = item.sentence()?;
    match text.parse::<Mailbox>() {
        Ok(_) => Some(text),
        Err(_) => item.refuse(&text, "which is no sender such as \"Example <accounts@example.com>\""),
    }
}
