//! What the state of an issuer says about each check.

use std::{error::Error, path::Path, time::Duration};

use okta_verifier::{
    error::UnavailableReason,
    health::{IntrospectionCheck, IssuerHealth, KeyState},
};
use serde::Deserialize;
use url::Url;

use super::{
    Finding, advice,
    log::{Fetch, Log, Warning},
};
use crate::{output::State, settings};

/// Where the settings of an issuer are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Environment,
    /// The entry of this index, from 0.
    File(usize),
}

/// Returns the finding about settings that are accepted but are probably wrong.
pub(super) fn of_warning(warning: Warning) -> Finding {
    let text = match &warning.issuer {
        Some(issuer) => format!("{issuer}: {}", warning.message),
        None => warning.message,
    };
    Finding {
        issuer: warning.issuer,
        ..Finding::new("settings", State::Warned, text)
    }
}

/// Returns the findings about metadata, keys and the clock of an issuer.
pub(super) fn of_issuer(health: &IssuerHealth, log: &Log, place: Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    if health.state == KeyState::Pinned {
        findings.push(keys(health));
    } else {
        let metadata = log.first(&health.issuer, "metadata");
        findings.extend(of_fetches(health, metadata.as_ref(), place));
    }
    findings.push(clock(health));
    findings
}

fn of_fetches(health: &IssuerHealth, metadata: Option<&Fetch>, place: Place) -> Vec<Finding> {
    let Some(reason) = &health.last_error else {
        return vec![
            connection(&health.issuer),
            discovery(metadata),
            issuer(health, metadata),
            keys(health),
        ];
    };
    let failed = |name| failure(name, reason, Some((&*health.issuer, place)));
    if matches!(
        reason,
        UnavailableReason::Connect { .. }
            | UnavailableReason::Transport { .. }
            | UnavailableReason::Timeout
    ) {
        return vec![failed("connection")];
    }
    let connection = connection(&health.issuer);
    if matches!(reason, UnavailableReason::OtherIssuer { .. }) {
        // The document is there, and says what to write.
        return vec![connection, failed("issuer")];
    }
    match metadata.is_some_and(|metadata| !metadata.is_ok()) {
        true => vec![connection, failed("discovery")],
        false => vec![
            connection,
            discovery(metadata),
            issuer(health, metadata),
            failed("keys"),
        ],
    }
}

fn connection(issuer: &str) -> Finding {
    let origin = Url::parse(issuer).map(|url| url.origin().ascii_serialization());
    let origin = origin.as_deref().unwrap_or(issuer);
    let text = match issuer.starts_with("https:") {
        true => format!("{origin}, with TLS"),
        false => format!("{origin}, without TLS"),
    };
    Finding::new("connection", State::Passed, text)
}

fn discovery(metadata: Option<&Fetch>) -> Finding {
    let Some(metadata) = metadata else {
        let text = "not used: the settings name the URL of the keys";
        return Finding::new("discovery", State::Skipped, text);
    };
    let url = metadata.url().unwrap_or("the metadata");
    let milliseconds = metadata.took.map(millis);
    let took = milliseconds.map_or(String::new(), |millis| format!("  {millis} ms"));
    Finding {
        milliseconds,
        ..Finding::new("discovery", State::Passed, format!("{url}{took}"))
    }
}

fn issuer(health: &IssuerHealth, metadata: Option<&Fetch>) -> Finding {
    match metadata {
        Some(_) => {
            let text = format!("the metadata names {} too", health.issuer);
            Finding::new("issuer", State::Passed, text)
        }
        None => Finding::new("issuer", State::Skipped, "not checked without metadata"),
    }
}

fn keys(health: &IssuerHealth) -> Finding {
    let (ids, skipped) = (&health.key_ids, &health.skipped_keys);
    let pinned = match health.state {
        KeyState::Pinned => "from the settings: ",
        _ => "",
    };
    let shown: Vec<String> = ids.iter().take(MAX_SHOWN).map(|id| escaped(id)).collect();
    let shown = shown.join(", ");
    let usable = match ids.len() {
        0 => "1 usable, without kid".to_owned(),
        count if count > MAX_SHOWN => format!("{count} usable: kid {shown}, and more"),
        count => format!("{count} usable: kid {shown}"),
    };
    match skipped.len() {
        0 => Finding::new("keys", State::Passed, format!("{pinned}{usable}")),
        count => {
            let text = format!("{pinned}{usable}; {count} skipped");
            let shown: Vec<&str> = skipped.iter().map(String::as_str).take(MAX_SHOWN).collect();
            let hint = format!(
                "{}; tokens that are signed with a skipped key get 401 unknown_key_id",
                shown.join("; ")
            );
            Finding::new("keys", State::Warned, text).hint(hint)
        }
    }
}

fn clock(health: &IssuerHealth) -> Finding {
    let Some(difference) = health.clock_difference else {
        let text = "unknown: no response of the issuer has a valid Date";
        return Finding::new("clock", State::Skipped, text);
    };
    let (seconds, leeway) = (difference.ahead.unsigned_abs(), difference.leeway.as_secs());
    let text = match difference.ahead {
        0 => format!("the same as the issuer's; leeway is {leeway} s"),
        1.. => format!("this machine is {seconds} s ahead of the issuer; leeway is {leeway} s"),
        ..0 => format!("this machine is {seconds} s behind the issuer; leeway is {leeway} s"),
    };
    if difference.is_tolerable() {
        return Finding::new("clock", State::Passed, text);
    }
    let consequence = match difference.ahead > 0 {
        true => "tokens are rejected as expired too early",
        false => "new tokens are rejected as not_yet_valid or issued_in_future",
    };
    let hint = format!(
        "{consequence}; correct the clock of this machine with NTP (chronyc tracking, timedatectl)"
    );
    Finding::new("clock", State::Warned, text).hint(hint)
}

/// Returns the finding about introspection.
pub(super) fn of_introspection(check: &IntrospectionCheck) -> Finding {
    const NAME: &str = "introspection";
    match &check.result {
        Ok(()) => {
            let text = "the credentials are accepted; an invented token is inactive";
            let passed = Finding::new(NAME, State::Passed, text);
            match check.issuer.contains("/realms/") {
                true => passed.hint(advice::KEYCLOAK_AUDIENCE),
                false => passed,
            }
        }
        Err(reason) => Finding {
            hint: Some(advice::of_introspection(reason)),
            ..failure(NAME, reason, None)
        },
    }
}

/// Returns a failed check, with the cause in its text. `issuer` has the issuer's URL for the advice.
fn failure(
    name: &'static str,
    reason: &UnavailableReason,
    issuer: Option<(&str, Place)>,
) -> Finding {
    let innermost = std::iter::successors(reason.source(), |error| (*error).source())
        .take(MAX_SOURCES)
        .last();
    let text = match innermost {
        Some(cause) => format!("{reason}: {}", escaped(&cause.to_string())),
        None => reason.to_string(),
    };
    Finding {
        code: Some(reason.code()),
        hint: issuer.map(|(url, place)| advice::of_fetch(reason, url, place)),
        ..Finding::new(name, State::Failed, text)
    }
}

/// Returns the finding about the URL that DPoP proofs are compared with, or `None` without DPoP.
pub(super) fn of_dpop(file: &Path) -> Option<Finding> {
    #[derive(Deserialize)]
    struct File {
        dpop: Option<Dpop>,
        forwarded_host: Option<ForwardedHost>,
    }
    #[derive(Deserialize)]
    struct Dpop {
        base_url: Option<String>,
    }
    #[derive(Deserialize)]
    struct ForwardedHost {
        header: String,
        hosts: Vec<String>,
    }
    // The file was read before, so it has this form.
    let File {
        dpop,
        forwarded_host,
    } = toml::from_str(&settings::read(file).ok()?).ok()?;
    let text = match (dpop?.base_url, forwarded_host) {
        (Some(url), _) => format!("clients must sign proofs for URLs below {url}"),
        (None, Some(ForwardedHost { header, hosts })) => format!(
            "clients must sign proofs for the hosts {}, which the trusted proxies name in {header}",
            hosts.join(", ")
        ),
        (None, None) => "the trusted proxies name the host".to_owned(),
    };
    Some(Finding::new("dpop", State::Passed, text).hint(advice::DPOP))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Escapes and shortens a text from the network, such as a key ID or a name in a certificate. Characters that reorder text
/// would mislead readers.
fn escaped(text: &str) -> String {
    let mut characters = text.chars();
    let mut shown = String::new();
    for character in characters.by_ref().take(MAX_CAUSE) {
        match character {
            ' '..='~' => shown.push(character),
            _ => shown.extend(character.escape_default()),
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

const MAX_SHOWN: usize = 10;
const MAX_SOURCES: usize = 16;
const MAX_CAUSE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_is_printable_and_short() {
        assert_eq!(escaped("\u{1b}[2J\u{202e}x"), r"\u{1b}[2J\u{202e}x");
        assert_eq!(escaped(&"x".repeat(256)).len(), 256);
        assert!(escaped(&"x".repeat(257)).ends_with("x…"));
    }
}
