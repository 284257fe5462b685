//! `grantd doctor`: looks at everything around the program that can be wrong, and says what to do. Changes nothing.

mod certificates;
mod files;
mod network;

use super::output::Output;
use super::{Common, Failure, load};
use crate::app;
use crate::config::Config;
use crate::control::{Command, socket};
use serde::Serialize;
use serde_json::json;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Good,
    /// It works, and deserves a second look.
    Warning,
    /// It does not work, or is not safe.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// configuration, data, secret, disk, certificate, clock, dns, listen, limits, server.
    about: &'static str,
    state: State,
    what: String,
    /// What to do; nothing where it is good.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, about: &'static str, what: impl Into<String>) {
        self.0.push(Finding {
            about,
            state: State::Good,
            what: what.into(),
            remedy: None,
        });
    }

    fn warn(&mut self, about: &'static str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(about, State::Warning, what.into(), remedy.into());
    }

    fn bad(&mut self, about: &'static str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(about, State::Bad, what.into(), remedy.into());
    }

    fn add(&mut self, about: &'static str, state: State, what: String, remedy: String) {
        self.0.push(Finding {
            about,
            state,
            what,
            remedy: Some(remedy),
        });
    }

    fn count(&self, state: State) -> usize {
        self.0.iter().filter(|finding| finding.state == state).count()
    }
}

pub fn run(common: &Common, output: &Output) -> Result<(), Failure> {
    let mut findings = Findings::default();
    match load(common) {
        Ok(config) => examine(&config, &mut findings),
        Err(problems) => {
            for problem in problems.lines() {
                findings.bad(
                    "configuration",
                    problem,
                    "Correct it: `grantd config default` explains every key.",
                );
            }
        }
    }
    let (bad, warnings) = (findings.count(State::Bad), findings.count(State::Warning));
    if output.json {
        output.answer(&json!({ "ok": bad == 0, "bad": bad, "warnings": warnings, "findings": findings.0 }));
    } else {
        output.text(&report(&findings.0));
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::from("1 thing is bad: it is said above what to do".to_owned())),
        bad => Err(Failure::from(format!(
            "{bad} things are bad: it is said above what to do"
        ))),
    }
}

fn examine(config: &Config, findings: &mut Findings) {
    findings.good(
        "configuration",
        format!("It is good: issuer {}, profile {}.", config.issuer, config.profile.name),
    );
    for fault in app::route_faults(&config.routes) {
        findings.bad("configuration", fault, "Change the path in routes.json.");
    }
    for warning in config.warnings() {
        findings.warn("configuration", warning, "Change it, or leave it where it is meant so.");
    }
    let running = running(config, findings);
    files::examine(config, findings);
    certificates::examine(config, findings);
    network::examine(config, running, findings);
}

/// Whether a server runs, and what worries it.
fn running(config: &Config, findings: &mut Findings) -> bool {
    let Some(answer) = socket::ask(&config.data_dir, &Command::Health) else {
        findings.good("server", "None runs on this data directory.");
        return false;
    };
    let health = match answer {
        Ok(health) => health,
        Err(why) => {
            findings.bad(
                "server",
                format!("It runs and does not say how it is: {why}"),
                "Look at its log; restart it.",
            );
            return true;
        }
    };
    let worries = health["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    if worries.is_empty() {
        findings.good("server", "It runs, and nothing worries it.");
    }
    for worry in worries {
        let state = if worry["urgent"] == true {
            State::Bad
        } else {
            State::Warning
        };
        let remedy = "It is on the page /admin/health too; docs/operations.md has the background.";
        findings.add(
            "server",
            state,
            worry["text"].as_str().unwrap_or_default().to_owned(),
            remedy.to_owned(),
        );
    }
    true
}

fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.state {
            State::Good => "ok  ",
            State::Warning => "warn",
            State::Bad => "BAD ",
        };
        text.push_str(&format!(
            "{mark}  {:<13} {}\n",
            finding.about,
            super::output::visible(&finding.what)
        ));
        if let Some(remedy) = &finding.remedy {
            text.push_str(&format!("{:21}{}\n", "", super::output::visible(remedy)));
        }
    }
    text
}
