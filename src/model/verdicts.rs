//! What a reviewer's decision makes of an app: a pure state machine.

use super::app::{App, AppState};
use super::dossier::{Decision, Dossier, Submission, Verdict};

/// Why a decision is not possible in the state the app is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotNow {
    /// Nothing waits for a decision.
    Decided,
    /// A suspended app is reinstated first.
    Suspended,
    /// Only an active app can be suspended.
    NotActive,
    /// Only a suspended app can be reinstated.
    NotSuspended,
}

/// The app, its dossier and the submission as they are after a decision about the submission.
pub fn decided(
    app: &App,
    dossier: &Dossier,
    submission: &Submission,
    decision: Decision,
) -> Result<(App, Dossier, Submission), NotNow> {
    if submission.decision.is_some() || submission.number != dossier.submissions {
        return Err(NotNow::Decided);
    }
    let staged = match app.state {
        AppState::Suspended => return Err(NotNow::Suspended),
        // The approved scopes stay in force while a change of them waits.
        AppState::Active => true,
        AppState::PendingReview => false,
        _ => return Err(NotNow::Decided),
    };
    let (mut app, mut dossier) = (app.clone(), dossier.clone());
    match decision.verdict {
        Verdict::Approved => {
            app.state = AppState::Active;
            app.scopes = submission.scopes.clone();
            dossier.approved = Some(submission.scopes.clone());
            dossier.wanted = submission.scopes.clone();
        }
        // Back to what is in force: less than what was approved, where the developer has given something up since.
        Verdict::Rejected if staged => dossier.wanted.clone_from(&app.scopes),
        Verdict::Rejected => app.state = AppState::Rejected,
        Verdict::ChangesRequested if staged => {}
        Verdict::ChangesRequested => app.state = AppState::ChangesRequested,
        Verdict::Suspended | Verdict::Reinstated => return Err(NotNow::Decided),
    }
    dossier.verdict = Some(decision.clone());
    let submission = Submission {
        decision: Some(decision),
        ..submission.clone()
    };
    Ok((app, dossier, submission))
}

/// The app and its dossier after it was suspended, which ends every token of it for good, or reinstated.
pub fn halted(app: &App, dossier: &Dossier, decision: Decision) -> Result<(App, Dossier), NotNow> {
    let (state, epoch) = match (decision.verdict, app.state) {
        (Verdict::Suspended, AppState::Active) => (AppState::Suspended, app.epoch + 1),
        (Verdict::Reinstated, AppState::Suspended) => (AppState::Active, app.epoch),
        (Verdict::Suspended, _) => return Err(NotNow::NotActive),
        _ => return Err(NotNow::NotSuspended),
    };
    let app = App {
        state,
        epoch,
        ..app.clone()
    };
    let dossier = Dossier {
        verdict: Some(decision),
        ..dossier.clone()
    };
    Ok((app, dossier))
}
