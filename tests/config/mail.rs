//! `[mail]` and `sign_up`.

use super::{accepted, refused};
use grantd::config::{MailSecurity, SignUp};

#[test]
fn only_server_and_sender_are_needed_and_the_usual_port_follows_from_the_security() {
    assert_eq!(accepted("").mail, None);
    for (security, kind, port) in [
        ("", MailSecurity::Starttls, 587),
        ("security = \"starttls\"", MailSecurity::Starttls, 587),
        ("security = \"tls\"", MailSecurity::Tls, 465),
        ("security = \"tls\"\nport = 2465", MailSecurity::Tls, 2465),
    ] {
        let config = accepted(&format!(
            "[mail]\nserver = \"smtp.example.com\"\nfrom = \"Acme <a@example.com>\"\n{security}"
        ));
        let mail = config.mail.expect("there is a [mail]");
        assert_eq!((mail.security, mail.port), (kind, port), "{security}");
    }
}

#[test]
fn links_never_leave_the_machine_in_the_clear() {
    for server in ["127.0.0.1", "::1", "localhost"] {
        let config = accepted(&format!(
            "[mail]\nserver = \"{server}\"\nsecurity = \"none\"\nfrom = \"a@example.com\""
        ));
        assert_eq!(config.mail.map(|mail| mail.port), Some(25));
    }
    for server in ["smtp.example.com", "192.0.2.1", "localhost.example"] {
        refused(
            &format!("[mail]\nserver = \"{server}\"\nsecurity = \"none\"\nfrom = \"a@example.com\""),
            &[
                "`mail` in grantd.toml line 1 has `security = \"none\"`, which would send links in the clear: use \
               \"starttls\" or \"tls\", or a mail server on 127.0.0.1",
            ],
        );
    }
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    refused(
        "[mail]\nport = 0",
        &[
            "`mail.server` is missing in grantd.toml line 1",
            "`mail.port` in grantd.toml line 2 is 0, but must be 1 to 65535",
            "`mail.from` is missing in grantd.toml line 1",
        ],
    );
    refused(
        "[mail]\nserver = \"smtp.example.com/\"\nfrom = \"Acme\"\nusername = \"a\"\npasword_file = \"b\"",
        &[
            "`mail.server` in grantd.toml line 2 is \"smtp.example.com/\", which is no host name and no IP address",
            "`mail.from` in grantd.toml line 3 is \"Acme\", which is no sender such as \"Example \
             <accounts@example.com>\"",
            "`mail` in grantd.toml line 1 needs both `username` and `password_file`, or neither where the server asks \
             for none",
            "unknown key `mail.pasword_file` in grantd.toml line 5; did you mean `mail.password_file`?",
        ],
    );
}

#[test]
fn signing_up_is_by_invitation_unless_said_and_open_only_where_addresses_can_be_proven() {
    assert_eq!(accepted("").sign_up, SignUp::Invite);
    assert_eq!(accepted("sign_up = \"closed\"").sign_up, SignUp::Closed);
    let mail = "[mail]\nserver = \"smtp.example.com\"\nfrom = \"a@example.com\"";
    assert_eq!(accepted(&format!("sign_up = \"open\"\n{mail}")).sign_up, SignUp::Open);
    refused(
        "sign_up = \"open\"",
        &["`sign_up` is \"open\", and a new account's address is proven by mail: set `[mail]`, or use \"invite\""],
    );
}
