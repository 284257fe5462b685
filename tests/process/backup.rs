//! `backup`, `restore` and `secret export`, with the real program.

use crate::http::{Client, Http};
use crate::program::{Place, Running, mode};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ADDRESS: &str = "127.0.0.1:0";

/// A demo with some history, and what a client knows of it.
struct Old {
    place: Place,
    address: String,
    client: Client,
    live: String,
    revoked: String,
}

impl Old {
    fn start() -> (Self, Running) {
        let place = Place::new();
        let mut running = demo(&place, ADDRESS);
        let facts = running.json_line();
        let issuer = facts["issuer"].as_str().expect("text");
        let address = issuer.trim_start_matches("http://").to_owned();
        let client = Client::of(&facts["private_app"]);
        let mut http = Http::connect(&address).expect("connected");
        let (live, revoked) = (http.mint(&client).expect("minted"), http.mint(&client).expect("minted"));
        http.revoke(&client, &revoked).expect("revoked");
        let old = Self {
            place,
            address,
            client,
            live,
            revoked,
        };
        (old, running)
    }

    fn backup(&self) -> (PathBuf, Value) {
        let to = self.place.path("backups").display().to_string();
        let made = self.place.json(&["backup", "--to", &to]);
        (made["file"].as_str().expect("a path").into(), made)
    }

    /// Another machine, with nothing but the exported secret.
    fn heir(&self) -> (Place, String) {
        let heir = Place::new();
        let secret = heir.path("kept-apart").display().to_string();
        self.place.json(&["secret", "export", &secret]);
        assert_eq!(mode(Path::new(&secret)), 0o600);
        (heir, secret)
    }

    fn serve(&self, heir: &Place) -> (Running, Http) {
        fs::copy(self.place.path("data/demo.json"), heir.path("data/demo.json")).expect("copied");
        let mut running = demo(heir, &self.address);
        running.json_line();
        (running, Http::connect(&self.address).expect("connected"))
    }
}

fn demo(place: &Place, address: &str) -> Running {
    let data = place.path("data").display().to_string();
    place.start(&["demo", "--json", "--http", "--listen", address, "--data", &data])
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// All but what an empty store is.
fn left_over(heir: &Place) -> Vec<String> {
    let names = fs::read_dir(heir.path("data")).expect("read");
    let names = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "store" && name != "secret").collect()
}

#[test]
fn a_backup_taken_while_serving_and_the_exported_secret_make_the_same_store_elsewhere() {
    let (old, running) = Old::start();
    let (file, made) = old.backup();
    assert_eq!(mode(&file), 0o600);
    let (heir, secret) = old.heir();
    let bytes = fs::read(&file).expect("read");
    let key = fs::read_to_string(&secret).expect("read");
    let key = key
        .lines()
        .nth(1)
        .and_then(|line| line.split(' ').nth(2))
        .expect("a key");
    for absent in [&old.client.secret, &old.live, &old.revoked, key] {
        assert!(!holds(&bytes, absent), "a backup holds no credential");
    }
    assert_eq!(running.terminate().0.code(), Some(0));

    let from = ["restore", "--from", text(&file), "--secret", &secret, "--nothing-lost"];
    let restored = heir.json(&from);
    assert_eq!(restored["commit"], made["seq"]);
    assert_eq!(mode(&heir.path("data/secret")), 0o600);
    assert_eq!(left_over(&heir), Vec::<String>::new());
    let again = heir.json(&["backup", "--to", text(&heir.path("again"))]);
    let checked = heir.json(&["backup", "--verify", again["file"].as_str().expect("a path")]);
    assert_eq!(
        (&checked["digest"], &checked["secret_proved"]),
        (&again["digest"], &true.into())
    );
    let why = heir.grantd(&from).refused(1);
    assert!(why.contains("not empty"), "{why}");
    let (_served, mut http) = old.serve(&heir);
    assert!(http.active(&old.client, &old.live).expect("answered"));
    assert!(!http.active(&old.client, &old.revoked).expect("answered"));
}

#[test]
fn the_digest_of_each_space_is_the_same_after_a_restore() {
    let (old, running) = Old::start();
    running.terminate();
    let (file, made) = old.backup();
    let piped = old.place.path("piped");
    let data = old.place.path("data").display().to_string();
    let mut command = old.place.command(&["backup", "--to", "-", "--data", &data]);
    let status = command.stdout(fs::File::create(&piped).expect("made")).status();
    assert!(status.expect("it runs").success());
    for from in [file, piped] {
        let (heir, secret) = old.heir();
        let from = text(&from);
        let whole = old.place.json(&["backup", "--verify", from]);
        heir.json(&["restore", "--from", from, "--secret", &secret, "--nothing-lost"]);
        // Before anybody opened it: opening looks after the signing keys.
        let store = heir.json(&["backup"]);
        assert_eq!(
            (&store["spaces"], &store["records"]),
            (&whole["spaces"], &whole["records"])
        );
        assert_eq!(store["spaces"], made["spaces"]);
    }
}

#[test]
fn a_restore_is_refused_with_a_sentence_and_leaves_nothing() {
    let (old, running) = Old::start();
    let (file, _) = old.backup();
    running.terminate();
    let (heir, secret) = old.heir();
    let from = text(&file);
    let refused = |args: &[&str], said: &str| {
        let why = heir.grantd(&[&["restore", "--from", from], args].concat()).refused(1);
        assert!(why.contains(said), "{args:?}: {why}");
        assert!(!heir.path("data").exists() || left_over(&heir).is_empty());
    };
    refused(&[], "is missing");
    refused(&["--secret", &secret], "nothing says that none came after it");
    refused(
        &["--secret", &secret, "--nothing-lost", "--accept-loss"],
        "exclude each other",
    );
    refused(&["--secret", &secret, "--keep-credentials"], "goes with --accept-loss");
    let foreign = Place::new();
    foreign.json(&["init"]);
    refused(
        &["--secret", text(&foreign.path("data/secret")), "--nothing-lost"],
        "another master secret",
    );
    assert!(
        !heir.path("data/secret").exists(),
        "a secret is put there by a restore alone"
    );

    let whole = fs::read(&file).expect("read");
    for at in [20, whole.len() / 2, whole.len() - 3] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, bytes).expect("written");
        refused(&["--secret", &secret, "--accept-loss"], "cannot be used");
        fs::write(&file, &whole[..at]).expect("written");
        refused(&["--secret", &secret, "--accept-loss"], "cannot be used");
    }
    fs::write(&file, &whole).expect("written");
    heir.json(&["restore", "--from", from, "--secret", &secret, "--nothing-lost"]);
}

#[test]
fn with_accept_loss_all_tokens_and_credentials_end_and_new_ones_work() {
    let (old, running) = Old::start();
    let (file, _) = old.backup();
    // After the backup: a secret is revoked, as its owner fears that somebody has it.
    let shown = old.place.json(&["app", "show", &old.client.id]);
    let id = shown["secrets"][0]["id"].as_str().expect("an id").to_owned();
    old.place.json(&["app", "secret", &old.client.id, "--revoke", &id]);
    running.terminate();
    let (heir, secret) = old.heir();
    let told = heir.json(&["restore", "--from", text(&file), "--secret", &secret, "--accept-loss"]);
    assert!(told["ended"]["apps_without_credentials"].as_u64() >= Some(1), "{told}");
    let made = Client::of(&heir.json(&["app", "secret", &old.client.id]));
    let (_served, mut http) = old.serve(&heir);
    let stolen = http.post("/oauth/token", &old.client, "grant_type=client_credentials");
    assert_eq!(stolen.expect("answered").status, 401);
    assert!(!http.active(&made, &old.live).expect("answered"));
    let fresh = http.mint(&made).expect("minted");
    assert!(http.active(&made, &fresh).expect("answered"));
}

/// Whatever moment it is killed at: no file that is named like a backup and is none, and the next one tidies up.
#[test]
fn a_backup_that_is_killed_leaves_nothing_that_is_taken_for_one() {
    let (old, _running) = Old::start();
    let to = old.place.path("backups");
    let data = old.place.path("data").display().to_string();
    for ms in 0..12 {
        let args = ["backup", "--to", text(&to), "--data", &data];
        let mut child = old
            .place
            .command(&args)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(Duration::from_millis(8 * ms)); // allowed: the moment of the kill, not a wait for anything
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    let (kept, _) = old.backup();
    let mut whole = 0;
    for entry in fs::read_dir(&to).expect("read") {
        let path = entry.expect("an entry").path();
        old.place.json(&["backup", "--verify", text(&path)]);
        whole += 1;
    }
    assert!(kept.exists() && whole >= 1);
}

/// Whatever moment it is killed at: the store is empty, or it is all there.
#[test]
fn a_restore_that_is_killed_leaves_an_empty_store_or_a_whole_one() {
    let (old, running) = Old::start();
    running.terminate();
    let (file, made) = old.backup();
    let (mut empty, mut whole) = (0, 0);
    for ms in 0..16 {
        let (heir, secret) = old.heir();
        let data = heir.path("data").display().to_string();
        let args = [
            "restore",
            "--from",
            text(&file),
            "--secret",
            &secret,
            "--nothing-lost",
            "--data",
            &data,
        ];
        let mut child = heir
            .command(&args)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(Duration::from_millis(20 * ms)); // allowed: the moment of the kill, not a wait for anything
        child.kill().expect("killed");
        child.wait().expect("ended");
        let again = heir.grantd(&args[..6]);
        if again.status.success() {
            empty += 1;
        } else {
            assert!(again.stderr.contains("not empty"), "{again:?}");
            whole += 1;
        }
        let store = heir.json(&["backup"]);
        assert_eq!(store["spaces"], made["spaces"], "after {ms}");
        assert_eq!(left_over(&heir), ["backup"], "what was begun is swept away");
    }
    assert!(empty > 0, "{whole} were whole");
}
