//! What lies on disk: modes, `init`, `config`.

use crate::program::{Place, mode};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

#[test]
fn init_makes_what_is_missing_and_writes_over_nothing() {
    let place = Place::new();
    let first = place.json(&["init"]);
    assert_eq!(
        (&first["config_written"], &first["secret_written"]),
        (&true.into(), &true.into())
    );
    let (config, secret) = (place.path("data/grantd.toml"), place.path("data/secret"));
    assert_eq!(mode(&place.path("data")), 0o700);
    assert_eq!(mode(&secret), 0o600);
    fs::write(&config, "# mine\n").expect("written");
    let held = fs::read(&secret).expect("the secret");
    let second = place.json(&["init"]);
    assert_eq!(
        (&second["config_written"], &second["secret_written"]),
        (&false.into(), &false.into())
    );
    assert_eq!(fs::read(&config).expect("read"), b"# mine\n");
    assert_eq!(fs::read(&secret).expect("read"), held);
    assert_eq!(place.json(&["config", "check"])["ok"], true);
}

#[test]
fn a_lost_secret_is_never_replaced_beside_a_store_that_needs_it() {
    let place = Place::new();
    place.json(&["init"]);
    place.json(&["org", "list"]);
    fs::remove_file(place.path("data/secret")).expect("removed");
    let why = place.grantd(&["org", "list"]).refused(1);
    assert!(why.contains("is missing: put back"), "{why}");
    assert!(!place.path("data/secret").exists());
    place.json(&["init"]);
    let why = place.grantd(&["org", "list"]).refused(1);
    assert!(why.contains("put the right one back"), "{why}");
}

#[test]
fn what_holds_records_is_for_its_owner_alone() {
    let place = Place::new();
    // As a package would have made it, and with a umask that hides nothing.
    fs::create_dir(place.path("data")).expect("made");
    fs::set_permissions(place.path("data"), fs::Permissions::from_mode(0o755)).expect("set");
    let data = place.path("data").display().to_string();
    let grantd = env!("CARGO_BIN_EXE_grantd");
    let script = format!("umask 000; exec '{grantd}' demo --json --http --listen 127.0.0.1:0 --data '{data}'");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]);
    let mut running = crate::program::Running::start(command);
    running.json_line();
    for (name, expected) in [
        ("secret", 0o600),
        ("demo.json", 0o600),
        ("control.sock", 0o600),
        ("store", 0o700),
    ] {
        assert_eq!(mode(&place.path("data").join(name)), expected, "{name}");
    }
    let left: Vec<_> = fs::read_dir(place.path("data"))
        .expect("read")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0], "nothing temporary is left");
}

#[test]
fn a_data_directory_with_a_long_name_still_works() {
    let place = Place::new();
    let data = place.path(&"d".repeat(120)).display().to_string();
    place.run(&["--data", &data, "org", "create", "Acme"]).ok();
    let mut running = place.start(&["demo", "--json", "--http", "--listen", "127.0.0.1:0", "--data", &data]);
    running.json_line();
    let listed = place.run(&["--data", &data, "--json", "app", "list"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
}

#[test]
fn config_check_refuses_bad_files_with_the_line() {
    let place = Place::new();
    place.json(&["init"]);
    for (text, said) in [
        ("isuer = \"https://a.example\"", "did you mean `issuer`"),
        ("issuer = \"http://a.example\"", "issuer"),
        ("issuer = ", "grantd.toml"),
        ("listen = [\"http://0.0.0.0:80\"]", "others can reach"),
        ("profile = \"nope\"", "nope"),
        ("issuer = 1", "issuer"),
        ("[limits]\nconnections_max = -1", "connections_max"),
    ] {
        fs::write(place.path("data/grantd.toml"), text).expect("written");
        let why = place.grantd(&["config", "check"]).refused(1);
        assert!(why.contains(said), "{text}: {why}");
        // Nothing starts on it either.
        place.grantd(&["serve"]).refused(1);
        place.grantd(&["org", "list"]).refused(1);
    }
    let why = place
        .run(&["--config", "/nonexistent/grantd.toml", "config", "check"])
        .refused(1);
    assert!(why.contains("/nonexistent/grantd.toml"), "{why}");
}

#[test]
fn the_default_file_is_as_good_as_an_empty_one() {
    let place = Place::new();
    let text = place.run(&["config", "default"]).ok().stdout;
    fs::create_dir(place.path("data")).expect("made");
    let file = place.path("data/grantd.toml");
    fs::write(&file, "").expect("written");
    let empty = place.json(&["config", "show"]);
    fs::write(&file, text).expect("written");
    assert_eq!(place.json(&["config", "show"]), empty);
}

#[test]
fn the_directory_of_another_user_is_left_alone() {
    let place = Place::new();
    place.json(&["org", "create", "Acme"]);
    let own = fs::metadata(place.path("data")).expect("a directory").uid();
    // Only root can give the directory away; anybody else finds one that is root's.
    let (data, owner) = if std::os::unix::fs::chown(place.path("data"), Some(12_345), None).is_ok() {
        (place.path("data").display().to_string(), 12_345)
    } else {
        ("/".to_owned(), 0)
    };
    for command in [&["org", "list"][..], &["serve"], &["export"]] {
        let why = place.run(&[&["--data", &data], command].concat()).refused(1);
        let said = format!("belongs to the user with the id {owner}, this is {own}");
        assert!(why.contains(&said), "{why}");
    }
}
