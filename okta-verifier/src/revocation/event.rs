//! [`Event`] and [`Reaction`]: what the events of a transmitter mean for tokens.

use crate::token::json::{self, Object};

/// The kind of a security event (CAEP 1.0 §3, RISC 1.0 §2).
///
/// ```
/// use okta_verifier::revocation::{Event, Reaction, Transmitter};
///
/// // A plain sign-out in Okta names the user only. Without this, it also rejects the tokens of the user's other devices.
/// let transmitter = Transmitter::okta("https://acme.okta.com")
///     .audience("https://api.acme.test")
///     .on(Event::SessionRevoked, Reaction::Ignore);
/// assert_eq!(Event::SessionRevoked.name(), "session-revoked");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// CAEP `session-revoked`. Default: [`Reaction::Session`].
    SessionRevoked,
    /// CAEP `token-claims-change`. Default: [`Reaction::IssuedBefore`].
    TokenClaimsChange,
    /// CAEP `credential-change`. Default: [`Reaction::IssuedBefore`] for each change of a password, and for a
    /// credential that was revoked or deleted. A reaction that is set applies to every change.
    CredentialChange,
    /// CAEP `assurance-level-change`, if the level decreases. Default: [`Reaction::IssuedBefore`].
    AssuranceLevelChange,
    /// CAEP `device-compliance-change` to `not-compliant`. Default: [`Reaction::IssuedBefore`], if the subject names
    /// a user.
    DeviceComplianceChange,
    /// CAEP `risk-level-change` of a user to `HIGH`. Default: [`Reaction::Ignore`].
    RiskLevelChange,
    /// CAEP `session-established`. Default: [`Reaction::Ignore`].
    SessionEstablished,
    /// CAEP `session-presented`. Default: [`Reaction::Ignore`].
    SessionPresented,
    /// RISC `sessions-revoked`, which CAEP `session-revoked` replaces. Default: [`Reaction::Session`].
    SessionsRevoked,
    /// RISC `account-disabled`. Default: [`Reaction::IssuedBefore`].
    AccountDisabled,
    /// RISC `account-purged`. Default: [`Reaction::IssuedBefore`].
    AccountPurged,
    /// RISC `account-enabled`. Default: [`Reaction::Ignore`].
    AccountEnabled,
    /// RISC `account-credential-change-required`. Default: [`Reaction::IssuedBefore`].
    CredentialChangeRequired,
    /// RISC `credential-compromise`. Default: [`Reaction::IssuedBefore`].
    CredentialCompromise,
    /// RISC `identifier-changed`. Default: [`Reaction::Ignore`].
    IdentifierChanged,
    /// RISC `identifier-recycled`. Default: [`Reaction::IssuedBefore`].
    IdentifierRecycled,
    /// RISC `opt-in`, `opt-out-initiated`, `opt-out-cancelled` and `opt-out-effective`. Default:
    /// [`Reaction::Ignore`].
    OptOut,
    /// RISC `recovery-activated` and `recovery-information-changed`. Default: [`Reaction::Ignore`].
    Recovery,
}

/// What an event does to the tokens of its subject.
///
/// ```
/// use okta_verifier::revocation::{Event, Reaction, Transmitter};
///
/// let transmitter = Transmitter::okta("https://acme.okta.com")
///     .audience("https://api.acme.test")
///     .on(Event::RiskLevelChange, Reaction::IssuedBefore)
///     .on(Event::CredentialChange, Reaction::Ignore);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reaction {
    /// Nothing. The response is 202, and the event is counted.
    Ignore,
    /// Rejects the user's tokens that were issued until the event, those of all sessions.
    IssuedBefore,
    /// Rejects the tokens of the session. If the event names none, like [`IssuedBefore`](Self::IssuedBefore).
    Session,
}

/// What the member of `events` with one URI means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Event(Event),
    /// SSF `verification` (SSF 1.0 §8.1.4).
    Verification,
    /// SSF `stream-updated` (SSF 1.0 §8.1.5).
    StreamUpdated,
    /// A logout token (OpenID Connect Back-Channel Logout 1.0).
    Logout,
    /// An event of an event hook, by its type.
    Hook(&'static str),
    UniversalLogout,
    Unknown,
}

impl Event {
    /// Returns the name of the event in counters and in the log: the last part of its URI.
    ///
    /// ```
    /// use okta_verifier::revocation::Event;
    ///
    /// assert_eq!(Event::CredentialChange.name(), "credential-change");
    /// assert_ne!(Event::SessionsRevoked.name(), Event::SessionRevoked.name());
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::TokenClaimsChange => "token-claims-change",
            Self::CredentialChange => "credential-change",
            Self::AssuranceLevelChange => "assurance-level-change",
            Self::DeviceComplianceChange => "device-compliance-change",
            Self::RiskLevelChange => "risk-level-change",
            Self::SessionEstablished => "session-established",
            Self::SessionPresented => "session-presented",
            Self::SessionsRevoked => "sessions-revoked",
            Self::AccountDisabled => "account-disabled",
            Self::AccountPurged => "account-purged",
            Self::AccountEnabled => "account-enabled",
            Self::CredentialChangeRequired => "account-credential-change-required",
            Self::CredentialCompromise => "credential-compromise",
            Self::IdentifierChanged => "identifier-changed",
            Self::IdentifierRecycled => "identifier-recycled",
            Self::OptOut => "opt-out",
            Self::Recovery => "recovery",
        }
    }

    /// Returns what the event means by default, `set` being the reaction of the settings, if there is one. A member
    /// that is absent or has the wrong type prevents no revocation.
    pub(super) fn reaction(self, payload: Option<&Object<'_>>, set: Option<Reaction>) -> Reaction {
        let text = |name| payload.and_then(|it| json::string(it.present(name)?));
        let is = |name, expected: &[&str]| {
            text(name).is_none_or(|it| expected.iter().any(|one| it.eq_ignore_ascii_case(one)))
        };
        let concerns_tokens = match self {
            Self::CredentialChange => {
                set.is_some()
                    || is("credential_type", &["password"])
                    || is("change_type", &["revoke", "delete"])
            }
            Self::AssuranceLevelChange => is("change_direction", &["decrease"]),
            Self::DeviceComplianceChange => is("current_status", &["not-compliant"]),
            Self::RiskLevelChange => is("principal", &["USER"]) && is("current_level", &["HIGH"]),
            _ => true,
        };
        match concerns_tokens {
            true => set.unwrap_or(self.default_reaction()),
            false => Reaction::Ignore,
        }
    }

    const fn default_reaction(self) -> Reaction {
        match self {
            Self::SessionRevoked | Self::SessionsRevoked => Reaction::Session,
            Self::TokenClaimsChange
            | Self::CredentialChange
            | Self::AssuranceLevelChange
            | Self::DeviceComplianceChange
            | Self::AccountDisabled
            | Self::AccountPurged
            | Self::CredentialChangeRequired
            | Self::CredentialCompromise
            | Self::IdentifierRecycled => Reaction::IssuedBefore,
            Self::RiskLevelChange
            | Self::SessionEstablished
            | Self::SessionPresented
            | Self::AccountEnabled
            | Self::IdentifierChanged
            | Self::OptOut
            | Self::Recovery => Reaction::Ignore,
        }
    }

    /// Returns whether a subject that is only an opaque ID may name a session (CAEP 1.0 §3.1).
    pub(super) const fn is_about_sessions(self) -> bool {
        matches!(self, Self::SessionRevoked)
    }
}

impl Kind {
    /// Returns what the URI of an event stands for.
    pub(super) fn of(uri: &str) -> Self {
        let Some(rest) = uri.strip_prefix("https://schemas.openid.net/secevent/") else {
            return Self::Unknown;
        };
        Self::Event(match rest {
            "ssf/event-type/verification" | "risc/event-type/verification" => {
                return Self::Verification;
            }
            "ssf/event-type/stream-updated" => return Self::StreamUpdated,
            "caep/event-type/session-revoked" => Event::SessionRevoked,
            "caep/event-type/token-claims-change" => Event::TokenClaimsChange,
            "caep/event-type/credential-change" => Event::CredentialChange,
            "caep/event-type/assurance-level-change" => Event::AssuranceLevelChange,
            "caep/event-type/device-compliance-change" => Event::DeviceComplianceChange,
            "caep/event-type/risk-level-change" => Event::RiskLevelChange,
            "caep/event-type/session-established" => Event::SessionEstablished,
            "caep/event-type/session-presented" => Event::SessionPresented,
            "risc/event-type/sessions-revoked" => Event::SessionsRevoked,
            "risc/event-type/account-disabled" => Event::AccountDisabled,
            "risc/event-type/account-purged" => Event::AccountPurged,
            "risc/event-type/account-enabled" => Event::AccountEnabled,
            "risc/event-type/account-credential-change-required" => Event::CredentialChangeRequired,
            "risc/event-type/credential-compromise" => Event::CredentialCompromise,
            "risc/event-type/identifier-changed" => Event::IdentifierChanged,
            "risc/event-type/identifier-recycled" => Event::IdentifierRecycled,
            "risc/event-type/opt-in"
            | "risc/event-type/opt-out-initiated"
            | "risc/event-type/opt-out-cancelled"
            | "risc/event-type/opt-out-effective" => Event::OptOut,
            "risc/event-type/recovery-activated"
            | "risc/event-type/recovery-information-changed" => Event::Recovery,
            _ => return Self::Unknown,
        })
    }

    /// Returns the name in counters and in the log. Unknown events have one name together, because their URIs are
    /// chosen by the sender.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Event(event) => event.name(),
            Self::Verification => "verification",
            Self::StreamUpdated => "stream-updated",
            Self::Logout => "logout",
            Self::Hook(name) => name,
            Self::UniversalLogout => "universal_logout",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaction(event: Event, payload: &str) -> Reaction {
        event.reaction(Some(&Object::parse(payload).unwrap()), None)
    }

    #[test]
    fn event_of_an_unknown_uri_is_unknown() {
        for uri in [
            "",
            "session-revoked",
            "https://schemas.openid.net/secevent/",
            "https://schemas.openid.net/secevent/caep/event-type/Session-Revoked",
            "https://schemas.openid.net/secevent/caep/event-type/account-disabled",
            "https://schemas.openid.net/secevent/risc/event-type/session-revoked",
            "http://schemas.openid.net/secevent/caep/event-type/session-revoked",
            "https://schemas.okta.com/secevent/okta/event-type/user-risk-change",
        ] {
            assert_eq!(Kind::of(uri), Kind::Unknown, "{uri}");
        }
    }

    #[test]
    fn event_that_does_not_concern_tokens_is_ignored_by_default() {
        use Event::*;
        for event in [
            SessionEstablished,
            SessionPresented,
            AccountEnabled,
            IdentifierChanged,
            OptOut,
            Recovery,
        ] {
            assert_eq!(event.reaction(None, None), Reaction::Ignore, "{event:?}");
        }
        for (event, payload) in [
            (
                CredentialChange,
                r#"{"credential_type":"pin","change_type":"create"}"#,
            ),
            (
                CredentialChange,
                r#"{"credential_type":"app","change_type":"update"}"#,
            ),
            (AssuranceLevelChange, r#"{"change_direction":"increase"}"#),
            (DeviceComplianceChange, r#"{"current_status":"compliant"}"#),
            (
                RiskLevelChange,
                r#"{"principal":"USER","current_level":"HIGH"}"#,
            ),
        ] {
            assert_eq!(reaction(event, payload), Reaction::Ignore, "{payload}");
        }
    }

    #[test]
    fn event_about_a_session_or_an_account_rejects_tokens() {
        use Event::*;
        assert_eq!(reaction(SessionRevoked, "{}"), Reaction::Session);
        assert_eq!(reaction(SessionsRevoked, "{}"), Reaction::Session);
        for event in [
            TokenClaimsChange,
            AccountDisabled,
            AccountPurged,
            CredentialChangeRequired,
            CredentialCompromise,
            IdentifierRecycled,
        ] {
            assert_eq!(
                event.reaction(None, None),
                Reaction::IssuedBefore,
                "{event:?}"
            );
        }
        for (event, payload) in [
            (
                CredentialChange,
                r#"{"credential_type":"password","change_type":"update"}"#,
            ),
            (
                CredentialChange,
                r#"{"credential_type":"pin","change_type":"revoke"}"#,
            ),
            (
                CredentialChange,
                r#"{"credential_type":"fido-u2f","change_type":"delete"}"#,
            ),
            (AssuranceLevelChange, r#"{"change_direction":"decrease"}"#),
            (
                DeviceComplianceChange,
                r#"{"current_status":"not-compliant"}"#,
            ),
        ] {
            assert_eq!(
                reaction(event, payload),
                Reaction::IssuedBefore,
                "{payload}"
            );
        }
    }

    #[test]
    fn event_without_its_required_members_rejects_tokens() {
        use Event::*;
        for (event, payload) in [
            (CredentialChange, "{}"),
            (CredentialChange, r#"{"change_type":"create"}"#),
            (CredentialChange, r#"{"credential_type":"pin"}"#),
            (
                CredentialChange,
                r#"{"credential_type":7,"change_type":null}"#,
            ),
            (AssuranceLevelChange, "{}"),
            (DeviceComplianceChange, "{}"),
        ] {
            assert_eq!(
                reaction(event, payload),
                Reaction::IssuedBefore,
                "{payload}"
            );
        }
    }

    #[test]
    fn reaction_of_the_settings_replaces_the_default() {
        use Event::*;
        let set = |event: Event, payload: &str, reaction| {
            event.reaction(Some(&Object::parse(payload).unwrap()), Some(reaction))
        };
        let (before, ignore) = (Reaction::IssuedBefore, Reaction::Ignore);
        assert_eq!(set(SessionRevoked, "{}", before), before);
        assert_eq!(set(SessionRevoked, "{}", ignore), ignore);
        let created = r#"{"credential_type":"pin","change_type":"create"}"#;
        assert_eq!(set(CredentialChange, created, before), before);
        assert_eq!(
            set(RiskLevelChange, r#"{"current_level":"HIGH"}"#, before),
            before
        );
        // A setting changes what is done, not what the event is about.
        assert_eq!(
            set(RiskLevelChange, r#"{"current_level":"LOW"}"#, before),
            ignore
        );
        let compliant = r#"{"current_status":"compliant"}"#;
        assert_eq!(set(DeviceComplianceChange, compliant, before), ignore);
    }
}
