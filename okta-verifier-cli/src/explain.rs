//! `okta-verifier explain`: explains why a token is rejected.

use std::{
    io::{self, IsTerminal, Read},
    path::PathBuf,
    process::ExitCode,
};

use okta_verifier::{
    Rejection, Verifier, VerifyError,
    adapter::RequestCredentials,
    explain::{Check, Explanation, Outcome},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    output::{Output, State},
    settings::{self, Service},
};

/// Reads a token from standard input, and explains why it is accepted or rejected.
///
/// The token is never an argument, because the list of processes shows arguments. The settings are those of the
/// service: OKTA_* in the environment, or a TOML file. A token that is accepted is compared with each policy of the
/// file.
///
/// Exit codes: 0 the token is accepted, 1 it is rejected, 2 wrong use or wrong settings, 3 it could not be verified,
/// because the issuer is unavailable.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Read the settings from this TOML file instead of the environment.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Show the values of all claims, which may be personal data.
    #[arg(long)]
    show_claims: bool,
    /// Send no request: a token whose key would have to be fetched cannot be verified.
    #[arg(long)]
    offline: bool,
}

pub(crate) async fn run(options: Options, mut output: Output) -> ExitCode {
    let service = match settings::service(options.settings.as_deref()) {
        Ok(service) => service,
        Err(error) => return wrong_use(&format!("the settings are wrong: {error}")),
    };
    let input = match read() {
        Ok(input) => input,
        Err(error) => return wrong_use(&format!("standard input cannot be read: {error}")),
    };
    let token = match Input::of(&input) {
        Ok(Input { token, note }) => {
            note.into_iter().for_each(say);
            token
        }
        Err(problem) => return wrong_use(problem),
    };
    let explanation = match options.offline {
        true => service.verifier.explain_offline(token),
        false => service.verifier.explain(token).await,
    };
    let policies = match explanation.verdict() {
        Ok(()) => policies(&service, token).await,
        Err(_) => Vec::new(),
    };
    let explanation = match options.show_claims {
        true => explanation.show_claims(),
        false => explanation,
    };
    let bad_request = bad_request(&service.verifier, token);
    let bad_request = bad_request.as_ref();
    match output.is_json() {
        true => output.object(&object(&explanation, bad_request, &policies)),
        false => write(
            &explanation,
            bad_request,
            &policies,
            options.show_claims,
            &mut output,
        ),
    }
    ExitCode::from(match explanation.verdict() {
        Ok(()) => 0,
        Err(VerifyError::Unavailable { .. }) => 3,
        Err(_) => 1,
    })
}

/// Reads standard input: to its end, or one line from a terminal.
fn read() -> io::Result<String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        say("paste the token and press Enter");
        let mut line = String::new();
        stdin.read_line(&mut line)?;
        return Ok(line);
    }
    let mut bytes = Vec::new();
    stdin.lock().take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(io::Error::other("it has more than 4 MiB"));
    }
    // Other bytes become characters that no token has.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The token of the input.
#[derive(Debug, PartialEq, Eq)]
struct Input<'i> {
    token: &'i str,
    /// What was removed around the token.
    note: Option<&'static str>,
}

impl<'i> Input<'i> {
    fn of(text: &'i str) -> Result<Self, &'static str> {
        let trimmed = text.trim();
        let is_scheme = |word: &str| {
            let mut schemes = ["bearer", "dpop"].iter();
            schemes.any(|it| word.eq_ignore_ascii_case(it))
        };
        let scheme = trimmed.split_once(char::is_whitespace);
        let scheme = scheme.filter(|(word, _)| is_scheme(word));
        let token = scheme.map_or(trimmed, |(_, rest)| rest.trim_start());
        if token.is_empty() || is_scheme(token) {
            return Err(
                "standard input is empty; pipe the token to this command, as in: pbpaste | okta-verifier explain",
            );
        }
        // `echo` and most other commands end their output with a line break.
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let note = match (scheme, line.len() > trimmed.len()) {
            (Some(_), _) => Some("the scheme before the token is ignored"),
            (None, true) => Some("the white space around the token is ignored"),
            (None, false) => None,
        };
        Ok(Self { token, note })
    }
}

/// What a route with a policy of the settings file does with an accepted token.
#[derive(Debug, Serialize)]
struct PolicyResult {
    name: String,
    /// The code of the rejection, or `None` if the token meets the policy.
    code: Option<&'static str>,
    status: Option<u16>,
    /// The part of the policy that is not met.
    unmet: Option<String>,
}

/// Checks a token that was accepted against each policy of the settings file.
async fn policies(service: &Service, token: &str) -> Vec<PolicyResult> {
    // It was accepted just now, so this sends no request, unless it is introspected each time.
    let Ok(token) = service.verifier.verify(token).await else {
        return Vec::new();
    };
    let results = service.policies.iter().map(|(name, policy)| {
        let rejection = token.require(policy).err();
        let rejection = rejection.as_ref();
        PolicyResult {
            name: name.clone(),
            code: rejection.map(Rejection::code),
            status: rejection.map(|it| it.status().as_u16()),
            unmet: rejection.and_then(|it| Some(it.unmet_policy()?.to_string())),
        }
    });
    results.collect()
}

/// Returns what to do if a policy is not met.
fn advice(code: &str) -> &'static str {
    match code {
        "insufficient_scope" => {
            "let the client request the scope; Okta grants a scope only by a rule of an access policy"
        }
        "insufficient_user_authentication" => {
            "let the client send its user to log in again, as the challenge of the response says"
        }
        "binding_required" => {
            "let the client request a token that is bound to its key (DPoP) or to its certificate"
        }
        _ => {
            "no other scope would help; compare the groups and claims of the token (--show-claims) with the policy"
        }
    }
}

fn policy(result: &PolicyResult, output: &mut Output) {
    let (Some(code), Some(status)) = (result.code, result.status) else {
        output.finding(
            State::Passed,
            "policy",
            &format!("{}: met", result.name),
            None,
        );
        return;
    };
    let unmet = result.unmet.as_deref().unwrap_or("the policy");
    let text = format!("{}: {status} {code}; not met: {unmet}", result.name);
    output.finding(State::Warned, "policy", &text, Some(advice(code)));
}

/// Returns the rejection of a request with the token if its status is 400: the token is too large, or has a character
/// that no bearer token has, so that a request is rejected before the token is checked. No request is sent.
fn bad_request(verifier: &Verifier, token: &str) -> Option<Rejection> {
    let authorization = format!("Bearer {token}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let rejection = verifier
        .authenticate(&credentials)
        .into_ready()
        .ok()?
        .err()?;
    (rejection.status() == 400).then_some(rejection)
}

/// Writes one line for each check that was made and for each policy, and the verdict.
fn write(
    explanation: &Explanation,
    bad_request: Option<&Rejection>,
    policies: &[PolicyResult],
    shows_claims: bool,
    output: &mut Output,
) {
    let mut is_marked = false;
    for check in explanation.checks() {
        if check.is_unverified() && !is_marked {
            is_marked = true;
            output.line("unverified from here on, because the signature was not verified:");
        }
        finding(check, output);
    }
    policies.iter().for_each(|it| policy(it, output));
    if shows_claims {
        output.line("claims, as the token has them:");
        for (name, value) in explanation.unverified_claims() {
            output.line(&format!("      {name}: {}", value.unwrap_or("hidden")));
        }
        match explanation.unverified_claims_left_out() {
            0 => {}
            more => output.line(&format!("      and {more} more")),
        }
    }
    let hidden = match shows_claims {
        true => "",
        false => "     (claims hidden; --show-claims)",
    };
    let verdict = verdict(explanation, bad_request);
    output.line(&format!("verdict: {verdict}{hidden}"));
}

fn finding(check: &Check, output: &mut Output) {
    let (state, text) = match check.outcome() {
        Outcome::Passed { found } => (State::Passed, found.clone()),
        Outcome::Failed { expected, found } => {
            (State::Failed, format!("{found}; expected: {expected}"))
        }
        _ if check.hint().is_none() => return,
        _ => (State::Skipped, "not checked".to_owned()),
    };
    output.finding(state, check.name(), &text, check.hint());
}

/// Returns the status of a request with the token, its code with the code of the reason, and what it would be rejected
/// for next.
fn verdict(explanation: &Explanation, bad_request: Option<&Rejection>) -> String {
    let Err(error) = explanation.verdict() else {
        return "accepted".to_owned();
    };
    let codes = codes(explanation, bad_request);
    let status = status(error, bad_request);
    let reason = reason_code(error, bad_request).map(|reason| format!(" ({reason})"));
    let reason = reason.unwrap_or_default();
    match &codes[..] {
        [] => format!("{status}{reason}"),
        [code] => format!("{status} {code}{reason}"),
        [code, next @ ..] => format!("{status} {code}{reason}, next {}", next.join(", ")),
    }
}

/// Returns the code of a request with the token, and those of further checks that failed.
fn codes(explanation: &Explanation, bad_request: Option<&Rejection>) -> Vec<&'static str> {
    let first = bad_request.map(Rejection::code);
    let mut codes: Vec<_> = first.into_iter().collect();
    codes.extend(explanation.codes().filter(|code| first != Some(code)));
    codes
}

fn reason_code(error: &VerifyError, bad_request: Option<&Rejection>) -> Option<&'static str> {
    match bad_request {
        Some(rejection) => rejection.error().and_then(VerifyError::reason_code),
        None => error.reason_code(),
    }
}

fn status(error: &VerifyError, bad_request: Option<&Rejection>) -> u16 {
    match (bad_request, error) {
        (Some(rejection), _) => rejection.status().as_u16(),
        (None, VerifyError::Unavailable { .. }) => 503,
        (None, _) => 401,
    }
}

/// Returns the explanation as JSON. Its keys are stable.
fn object(
    explanation: &Explanation,
    bad_request: Option<&Rejection>,
    policies: &[PolicyResult],
) -> Value {
    let checks = explanation.checks().iter().map(|check| {
        let (state, expected, found) = match check.outcome() {
            Outcome::Passed { found } => ("ok", None, Some(found)),
            Outcome::Failed { expected, found } => ("fail", Some(expected), Some(found)),
            _ => ("skip", None, None),
        };
        json!({
            "name": check.name(),
            "state": state,
            "code": check.code(),
            "expected": expected,
            "found": found,
            "hint": check.hint(),
            "unverified": check.is_unverified(),
        })
    });
    let claims = explanation.unverified_claims();
    let claims = claims.map(|(name, value)| json!({ "name": name, "value": value }));
    json!({
        "accepted": explanation.verdict().is_ok(),
        "status": explanation.verdict().err().map(|error| status(error, bad_request)),
        "codes": codes(explanation, bad_request),
        "reason_code": explanation.verdict().err().and_then(|error| reason_code(error, bad_request)),
        "checks": checks.collect::<Vec<_>>(),
        "policies": policies,
        "unverified_claims": claims.collect::<Vec<_>>(),
        "unverified_claims_left_out": explanation.unverified_claims_left_out(),
    })
}

/// Writes a line to standard error.
fn say(text: &str) {
    eprintln!("okta-verifier: {text}");
}

fn wrong_use(text: &str) -> ExitCode {
    say(text);
    ExitCode::from(2)
}

const MAX_INPUT: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_the_token_without_scheme_and_white_space() {
        let scheme = Some("the scheme before the token is ignored");
        let space = Some("the white space around the token is ignored");
        for (text, token, note) in [
            ("a.b.c", "a.b.c", None),
            ("a.b.c\n", "a.b.c", None),
            ("a.b.c\r\n", "a.b.c", None),
            (" a.b.c\n\n", "a.b.c", space),
            ("Bearer a.b.c\n", "a.b.c", scheme),
            ("bearer   a.b.c", "a.b.c", scheme),
            ("DPoP a.b.c", "a.b.c", scheme),
            ("Basic a.b.c", "Basic a.b.c", None),
        ] {
            assert_eq!(Input::of(text), Ok(Input { token, note }), "{text:?}");
        }
    }

    #[test]
    fn input_without_a_token_is_wrong_use() {
        for text in ["", "\n", "  \r\n\t", "Bearer \n"] {
            assert!(Input::of(text).unwrap_err().contains("empty"), "{text:?}");
        }
    }
}
