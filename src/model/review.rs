//! What becomes of an app when its developer saves it. What reviewers make of it: [`super::verdicts`].
//!
//! ```text
//! private:  draft → active
//! public:   draft → pending_review → active | changes_requested | rejected
//!           changes_requested, rejected → pending_review, when it is changed or handed in again
//!           active → pending_review, by other scopes (ScopeChange::Revoke)
//!           active → active, added scopes wait (ScopeChange::Stage)
//!           active → suspended → active
//!           pending_review → what it was before, when its developer withdraws it
//! ```

use super::app::{App, AppState, Kind};
use super::dossier::{Dossier, Submission, Verdict};
use crate::base::time::Timestamp;
use serde::Serialize;

/// What other scopes of an active public app come to. Only a reviewer widens what it may do, in either way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeChange {
    /// It goes back into review, and its tokens die at once.
    Revoke,
    /// It stays active with the scopes it had. What is given up goes at once; what is added waits for a reviewer.
    Stage,
}

/// What an app may have to have before it can be used or reviewed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    Name,
    Scopes,
    RedirectUri,
    DedicatedUser,
    Company,
    Website,
    Logo,
    Support,
    PrivacyPolicy,
    Terms,
}

/// What a profile holds apps to. A name and a scope every app needs, a public one an address to answer to, a private
/// one a user to act as: these are no choice and stand in no list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Rules {
    pub require_public: Vec<Detail>,
    pub require_private: Vec<Detail>,
    pub scope_change: ScopeChange,
}

/// An app with its dossier.
#[derive(Clone, Debug)]
pub struct Case {
    pub app: App,
    pub dossier: Dossier,
}

/// A save that is to be judged.
pub struct Save<'a> {
    pub rules: &'a Rules,
    /// User id of whoever saves.
    pub by: &'a str,
    pub now: Timestamp,
    /// A submission stands in the queue.
    pub waiting: bool,
    /// Whoever saves hands it in even where nothing is changed: what a reviewer did not want is asked for again.
    pub hand_in: bool,
}

/// What a save leaves behind.
#[derive(Clone, Debug)]
pub struct Saved {
    pub case: Case,
    /// For the queue; where one stands there, it has the same number and takes its place.
    pub submission: Option<Submission>,
    /// The one that stands in the queue is to go: nothing waits any more.
    pub withdrawn: bool,
}

impl Detail {
    /// Those a profile may ask for.
    pub const OPTIONAL: [Self; 6] = [
        Self::Company,
        Self::Website,
        Self::Logo,
        Self::Support,
        Self::PrivacyPolicy,
        Self::Terms,
    ];

    /// Also the name of its field in forms and in the JSON API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Scopes => "scopes",
            Self::RedirectUri => "redirect_uris",
            Self::DedicatedUser => "dedicated_user",
            Self::Company => "company",
            Self::Website => "website",
            Self::Logo => "logo",
            Self::Support => "support",
            Self::PrivacyPolicy => "privacy_policy",
            Self::Terms => "terms",
        }
    }

    fn missing_in(self, case: &Case) -> bool {
        let Case { app, dossier } = case;
        let developer = &app.developer;
        match self {
            Self::Name => app.name.is_empty(),
            Self::Scopes => dossier.wanted.is_empty(),
            Self::RedirectUri => app.redirect_uris.is_empty(),
            Self::DedicatedUser => app.dedicated_user.is_none(),
            Self::Company => developer.company.is_empty(),
            Self::Website => developer.website.is_empty(),
            Self::Logo => developer.logo.is_none(),
            Self::Support => developer.support.is_none(),
            Self::PrivacyPolicy => developer.privacy_policy.is_none(),
            Self::Terms => developer.terms.is_none(),
        }
    }
}

impl ScopeChange {
    pub const ALL: [Self; 2] = [Self::Revoke, Self::Stage];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Stage => "stage",
        }
    }
}

impl Rules {
    /// What an app of this kind must have, in the order of the forms.
    pub fn required(&self, kind: Kind) -> Vec<Detail> {
        let (first, of_profile): (&[Detail], &[Detail]) = match kind {
            Kind::Public => (&[Detail::Name, Detail::RedirectUri], &self.require_public),
            Kind::Private => (&[Detail::Name, Detail::DedicatedUser], &self.require_private),
            Kind::ResourceServer | Kind::Native => return vec![Detail::Name],
        };
        [first, of_profile, &[Detail::Scopes]].concat()
    }

    /// What the app still lacks.
    pub fn missing(&self, case: &Case) -> Vec<Detail> {
        let required = self.required(case.app.kind);
        required.into_iter().filter(|detail| detail.missing_in(case)).collect()
    }
}

/// The app as its developer left it: `wanted` of the dossier says which scopes, `old` how it was before.
pub fn save(old: &Case, mut case: Case, save: &Save<'_>) -> Saved {
    let wanted = case.dossier.wanted.clone();
    let complete = save.rules.missing(&case).is_empty();
    let other_scopes = !same(&old.app.scopes, &wanted);
    let changed = differ(old, &case);
    let staged = save.rules.scope_change == ScopeChange::Stage;
    let mut hand_in = false;
    match (case.app.kind, old.app.state) {
        (Kind::Private | Kind::ResourceServer, state) => {
            let other_user = old.app.dedicated_user != case.app.dedicated_user;
            if case.app.kind == Kind::Private {
                case.app.scopes = wanted;
            }
            if state == AppState::Draft && complete {
                case.app.state = AppState::Active;
            } else if state != AppState::Draft && (case.app.kind == Kind::Private && other_scopes || other_user) {
                case.app.epoch += 1;
            }
        }
        // Nobody saves one: it registers by itself.
        (Kind::Native, _) => {}
        // What a suspended app may do, only a reviewer says.
        (Kind::Public, AppState::Suspended) => {}
        (Kind::Public, AppState::Active) if staged => {
            case.app.scopes.retain(|scope| wanted.contains(scope));
            let waits = case.app.scopes.len() < wanted.len();
            let asks = old.dossier.wanted != wanted || old.dossier.reasons != case.dossier.reasons;
            hand_in = waits && (asks || save.hand_in || (save.waiting && changed));
            if !waits && save.waiting {
                case.dossier.submissions -= 1;
                return Saved {
                    case,
                    submission: None,
                    withdrawn: true,
                };
            }
        }
        (Kind::Public, AppState::Active) => {
            if other_scopes {
                case.app.scopes = wanted;
                case.app.state = AppState::PendingReview;
                case.app.epoch += 1;
                hand_in = true;
            }
        }
        (Kind::Public, _) => {
            case.app.scopes = wanted;
            if complete && (changed || save.hand_in) {
                case.app.state = AppState::PendingReview;
                hand_in = true;
            }
        }
    }
    let submission = hand_in.then(|| submission_of(&mut case, save));
    Saved {
        case,
        submission,
        withdrawn: false,
    }
}

/// The app as it was before what waits was handed in. Tokens that ended with that stay ended; and what a reviewer did
/// not want is no more wanted than it was.
pub fn withdraw(mut case: Case) -> Case {
    let Case { app, dossier } = &mut case;
    dossier.submissions -= 1;
    if app.state == AppState::PendingReview {
        app.state = match (dossier.verdict.as_ref().map(|last| last.verdict), &dossier.approved) {
            (Some(Verdict::Rejected), _) => AppState::Rejected,
            (Some(Verdict::ChangesRequested), _) => AppState::ChangesRequested,
            (Some(_), Some(approved)) => {
                app.scopes.clone_from(approved);
                AppState::Active
            }
            _ => AppState::Draft,
        };
    }
    if matches!(app.state, AppState::Active | AppState::Suspended) {
        dossier.wanted.clone_from(&app.scopes);
        dossier.reasons.retain(|(scope, _)| app.scopes.contains(scope));
    }
    case
}

/// The next submission of this app, which the dossier counts, or the one that waits, as it is now.
fn submission_of(case: &mut Case, save: &Save<'_>) -> Submission {
    case.dossier.submissions += u64::from(!save.waiting);
    let Case { app, dossier } = case;
    Submission {
        client_id: app.client_id.clone(),
        number: dossier.submissions,
        organization: app.organization.clone(),
        name: app.name.clone(),
        developer: app.developer.clone(),
        redirect_uris: app.redirect_uris.clone(),
        scopes: dossier.wanted.clone(),
        reasons: dossier.reasons.clone(),
        by: save.by.to_owned(),
        at: save.now,
        decision: None,
    }
}

/// The same scopes, in whatever order.
pub fn same(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|scope| b.contains(scope))
}

/// Whether anything is another that a reviewer looks at.
fn differ(old: &Case, new: &Case) -> bool {
    old.app.name != new.app.name
        || old.app.organization != new.app.organization
        || old.app.developer != new.app.developer
        || old.app.redirect_uris != new.app.redirect_uris
        || old.dossier.reasons != new.dossier.reasons
        || !same(&old.dossier.wanted, &new.dossier.wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::app::{
        ClientSecret, ClientType, Developer, NAME_CHARS_MAX, REDIRECT_URIS_BYTES_MAX, REDIRECT_URIS_MAX,
        SCOPES_BYTES_MAX,
    };
    use crate::model::dossier::{
        Decision, NOTE_CHARS_MAX, REASON_CHARS_MAX, REASONS_BYTES_MAX, STAKEHOLDERS_BYTES_MAX, STAKEHOLDERS_MAX,
        TEAM_MAX,
    };
    use crate::store::Batch;

    const URL: usize = 250;

    /// Of everything as much as may be.
    fn fullest() -> Case {
        let now = Timestamp::from_seconds(u64::from(u32::MAX));
        let text = |bytes| "x".repeat(bytes);
        let (id, user) = ("a".repeat(37), "u".repeat(22));
        let mut app = App::new(id.clone(), "o".repeat(40), Kind::Public, ClientType::Confidential, now);
        app.name = "\u{1f600}".repeat(NAME_CHARS_MAX);
        app.redirect_uris = vec![text(REDIRECT_URIS_BYTES_MAX / REDIRECT_URIS_MAX); REDIRECT_URIS_MAX];
        app.scopes = vec![text(10); SCOPES_BYTES_MAX / 10];
        app.developer = Developer {
            company: app.name.clone(),
            website: text(URL),
            logo: Some(text(43)),
            support: Some(text(URL)),
            privacy_policy: Some(text(URL)),
            terms: Some(text(URL)),
        };
        let secret = ClientSecret {
            id: text(8),
            digest: crate::base::master::MasterSecret::generate(&crate::base::random::SeededRandom::new(1))
                .digest(crate::base::master::Purpose::ClientSecret, b"x"),
            label: app.name.clone(),
            created_at: now,
            expires_at: Some(now),
        };
        app.secrets = vec![secret.clone(), secret];
        let why = text(REASON_CHARS_MAX);
        let reasons = REASONS_BYTES_MAX / (REASON_CHARS_MAX + 10);
        let dossier = Dossier {
            team: vec![user.clone(); TEAM_MAX],
            stakeholders: (0..STAKEHOLDERS_MAX)
                .map(|i| format!("{i:0>width$}", width = STAKEHOLDERS_BYTES_MAX / STAKEHOLDERS_MAX))
                .collect(),
            approved: Some(app.scopes.clone()),
            wanted: app.scopes.clone(),
            reasons: vec![(text(10), why); reasons],
            verdict: Some(Decision {
                verdict: Verdict::ChangesRequested,
                note: "\u{1f600}".repeat(NOTE_CHARS_MAX),
                by: user,
                at: now,
            }),
            ..Dossier::new(&id)
        };
        Case { app, dossier }
    }

    #[test]
    fn the_fullest_app_its_dossier_and_its_submission_fit_into_one_record_each() {
        let mut case = fullest();
        let rules = Rules {
            require_public: Vec::new(),
            require_private: Vec::new(),
            scope_change: ScopeChange::Revoke,
        };
        let save = Save {
            rules: &rules,
            by: "u",
            now: case.app.created_at,
            waiting: false,
            hand_in: true,
        };
        let submission = submission_of(&mut case, &save);
        let mut batch = Batch::new();
        batch.insert(&case.app).unwrap();
        batch.insert(&case.dossier).unwrap();
        batch.insert(&submission).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }
}
