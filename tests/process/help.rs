//! `--help` of every command.

use crate::program::Place;

/// All commands but those that stay: their words, as `--help` is asked of them.
const COMMANDS: [&str; 61] = [
    "",
    "serve",
    "demo",
    "init",
    "version",
    "export",
    "audit",
    "audit verify",
    "doctor",
    "selftest",
    "import",
    "config",
    "config check",
    "config show",
    "config default",
    "user",
    "user add",
    "user list",
    "user disable",
    "user enable",
    "user password",
    "user invite",
    "user reset",
    "user duty",
    "user administrator-link",
    "org",
    "org create",
    "org list",
    "org member",
    "org policy",
    "org disable",
    "org enable",
    "app",
    "app apply",
    "app create",
    "app list",
    "app show",
    "app change",
    "app disable",
    "app enable",
    "app secret",
    "installation",
    "installation list",
    "installation reset",
    "key",
    "key list",
    "key rotate",
    "key revoke",
    "token",
    "token mint",
    "token inspect",
    "token verify",
    "token revoke",
    "webhook",
    "webhook verify",
    "webhook listen",
    "backup",
    "restore",
    "upgrade",
    "secret",
    "secret export",
];

#[test]
fn help_of_every_command_tells_the_common_options() {
    let place = Place::new();
    for command in COMMANDS {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let done = place.run(&args).ok();
        assert!(done.stdout.starts_with("Usage: grantd"), "{done:?}");
        for option in ["--config FILE", "--data DIR", "--json"] {
            assert!(done.stdout.contains(option), "{option}: {done:?}");
        }
        assert_eq!(done.stderr, "");
        for line in done
            .stdout
            .split("Commands:")
            .skip(1)
            .flat_map(str::lines)
            .take_while(|l| !l.contains("--config"))
        {
            let listed = line.strip_prefix("  ").filter(|l| !l.starts_with(' '));
            let Some(word) = listed.and_then(|l| l.split_whitespace().next()) else {
                continue;
            };
            let full = format!("{command} {word}");
            assert!(COMMANDS.contains(&full.trim()), "`{full}` is not in the table above");
        }
    }
}
