//! `/_mock/token`: an access token for tests in any language, without a client and without a login.

use std::time::Duration;

use super::answer::Answer;
use super::form::Form;
use super::request::Request;
use super::state::Shared;

pub(super) const PATH: &str = "/_mock/token";

/// Responds with a token as text.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    if request.method != "GET" {
        return Answer::okta_error(405).with("allow", "GET");
    }
    let answer = match mint(shared, request) {
        Ok(token) => Answer::new(200, TEXT, token),
        Err(text) => Answer::new(400, TEXT, format!("{text}\n")),
    };
    answer.with("cache-control", "no-store")
}

fn mint(shared: &Shared, request: &Request) -> Result<String, &'static str> {
    let query = Form::of_query(&request.query).ok_or(UNREADABLE)?;
    if !query.pairs().all(|(name, _)| PARAMETERS.contains(&name)) {
        return Err(UNKNOWN);
    }
    let parameter = |name| query.parameter(name);
    let mut token = match parameter("sub") {
        Some(subject) => shared.token(subject.to_owned()),
        None => shared.token(String::new()).service(),
    };
    let default = shared.state().clients.id.clone();
    token = token.client_id(parameter("client_id").unwrap_or(&default));
    if let Some(audience) = parameter("aud") {
        token = token.audience(audience);
    }
    for scope in parameter("scope")
        .unwrap_or_default()
        .split_ascii_whitespace()
    {
        token = token.scope(scope);
    }
    for group in parameter("groups")
        .unwrap_or_default()
        .split(',')
        .filter(|it| !it.is_empty())
    {
        token = token.group(group);
    }
    if let Some(text) = parameter("expires_in") {
        let seconds = text.parse::<u32>().map_err(|_| LIFETIME)?;
        token = match seconds {
            // A token whose `exp` is not after its `iat` is rejected with another code than an expired one.
            0 => token.expired(),
            _ => token.expires_in(Duration::from_secs(seconds.into())),
        };
    }
    Ok(token.sign())
}

const PARAMETERS: [&str; 6] = ["sub", "scope", "aud", "client_id", "groups", "expires_in"];
const TEXT: &str = "text/plain; charset=utf-8";
const UNREADABLE: &str = "The query must be form-encoded, and each parameter must occur once.";
const UNKNOWN: &str = "The parameters are sub, scope, aud, client_id, groups and expires_in.";
const LIFETIME: &str = "expires_in must be a number of seconds.";
