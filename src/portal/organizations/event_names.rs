//! What events are called on pages.

use crate::config::Texts;
use crate::model::event::EventKind;

/// Those that organizations have.
const NAMES: [(EventKind, &str); 46] = [
    (EventKind::GrantCreated, "org_event_grant_created"),
    (EventKind::GrantUpdated, "org_event_grant_updated"),
    (EventKind::GrantRevoked, "org_event_grant_revoked"),
    (EventKind::ConsentAsked, "org_event_consent_asked"),
    (EventKind::RefreshReuseDetected, "org_event_refresh_reuse_detected"),
    (EventKind::CodeReuseDetected, "org_event_code_reuse_detected"),
    (EventKind::AppCreated, "org_event_app_created"),
    (EventKind::AppChanged, "org_event_app_changed"),
    (EventKind::AppScopesChanged, "org_event_app_scopes_changed"),
    (EventKind::AppSubmitted, "org_event_app_submitted"),
    (EventKind::AppWithdrawn, "org_event_app_withdrawn"),
    (EventKind::AppApproved, "org_event_app_approved"),
    (EventKind::AppRejected, "org_event_app_rejected"),
    (EventKind::AppChangesRequested, "org_event_app_changes_requested"),
    (EventKind::AppSuspended, "org_event_app_suspended"),
    (EventKind::AppReinstated, "org_event_app_reinstated"),
    (EventKind::AppDisabled, "org_event_app_disabled"),
    (EventKind::AppEnabled, "org_event_app_enabled"),
    (EventKind::AppTransferred, "org_event_app_transferred"),
    (EventKind::AppTokensRevoked, "org_event_app_tokens_revoked"),
    (EventKind::SecretCreated, "org_event_secret_created"),
    (EventKind::SecretRevoked, "org_event_secret_revoked"),
    (EventKind::TokenCreated, "org_event_token_created"),
    (EventKind::TokenRevoked, "org_event_token_revoked"),
    (EventKind::OrganizationCreated, "org_event_organization_created"),
    (EventKind::OrganizationChanged, "org_event_organization_changed"),
    (EventKind::MemberInvited, "org_event_member_invited"),
    (EventKind::InvitationWithdrawn, "org_event_member_invitation_withdrawn"),
    (EventKind::MemberAdded, "org_event_member_added"),
    (EventKind::MemberChanged, "org_event_member_changed"),
    (EventKind::MemberRemoved, "org_event_member_removed"),
    (EventKind::ApiKeyCreated, "org_event_api_key_created"),
    (EventKind::ApiKeyRevoked, "org_event_api_key_revoked"),
    (EventKind::PersonalTokenCreated, "org_event_personal_token_created"),
    (EventKind::PersonalTokenRevoked, "org_event_personal_token_revoked"),
    (EventKind::AccessRequested, "org_event_access_request_created"),
    (EventKind::SecretExpiring, "org_event_secret_expiring"),
    (EventKind::InstallationRegistered, "org_event_installation_registered"),
    (EventKind::InstallationReset, "org_event_installation_reset"),
    (EventKind::WebhookCreated, "org_event_webhook_created"),
    (EventKind::WebhookChanged, "org_event_webhook_changed"),
    (EventKind::WebhookSecretRotated, "org_event_webhook_secret_rotated"),
    (EventKind::WebhookPaused, "org_event_webhook_paused"),
    (EventKind::WebhookRemoved, "org_event_webhook_removed"),
    (EventKind::WebhookResent, "org_event_webhook_resent"),
    (EventKind::AccessRequestAnswered, "org_event_access_request_answered"),
];

/// `None` for what happens to a person, in no organization.
pub fn event_name(texts: &Texts, kind: EventKind) -> Option<&str> {
    let (_, key) = NAMES.iter().find(|(known, _)| *known == kind)?;
    Some(texts.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_happens_in_organizations_has_a_name() {
        let named = |kind: &EventKind| NAMES.iter().any(|(known, _)| known == kind);
        let nameless: Vec<_> = EventKind::ALL.iter().filter(|kind| !named(kind)).collect();
        assert!(
            nameless.iter().all(|kind| kind.as_str().starts_with("user.")),
            "{nameless:?}"
        );
    }
}
