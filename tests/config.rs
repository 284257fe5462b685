//! The configuration: defaults, refusals and profiles.

use grantd::config::{Config, Overrides};

#[test]
fn nothing_said_is_a_working_default() {
    let config = Config::load(None, &Overrides::default()).unwrap();
    assert_eq!(config.issuer.as_str(), "https://localhost:8443");
}
