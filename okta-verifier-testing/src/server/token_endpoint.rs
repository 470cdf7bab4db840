//! `/v1/token`: the client credentials grant (RFC 6749 §4.4), with Okta's answers.

use serde_json::json;

use super::answer::Answer;
use super::request::Request;
use super::state::Shared;
use super::{CLIENT_SECRET, form};
use crate::token::{CLIENT_ID, LIFETIME};

/// A token for the client itself, or the error Okta gives.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    grant(shared, request)
        .unwrap_or_else(|refusal| refusal)
        // RFC 6749 §5.1.
        .with("cache-control", "no-cache, no-store")
        .with("pragma", "no-cache")
}

fn grant(shared: &Shared, request: &Request) -> Result<Answer, Answer> {
    let invalid = |text: &str| Answer::oauth_error(400, "invalid_request", text);
    let media_type = request.header("content-type").unwrap_or_default();
    let form = Some(media_type)
        .filter(|it| it.starts_with("application/x-www-form-urlencoded"))
        .and_then(|_| form::pairs(&request.body))
        .ok_or_else(|| invalid("The request body must be form-encoded."))?;
    let parameter = |name: &str| {
        let mut pairs = form
            .iter()
            .filter(|(key, value)| key == name && !value.is_empty());
        pairs.next().map(|(_, value)| value.as_str())
    };
    let posted =
        parameter("client_secret").map(|it| (parameter("client_id").unwrap_or_default(), it));
    authenticate(request.header("authorization"), posted)?;
    match parameter("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Answer::oauth_error(400, "unsupported_grant_type", GRANT)),
        None => return Err(invalid("The token request must specify a 'grant_type'.")),
    }
    let scope =
        parameter("scope").ok_or_else(|| Answer::oauth_error(400, "invalid_scope", SCOPE))?;
    let token = shared.token(String::new()).service();
    let token = scope
        .split_ascii_whitespace()
        .fold(token, |token, scope| token.scope(scope));
    let body = json!({
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "access_token": token.sign(),
        "scope": scope,
    });
    Ok(Answer::json(200, &body))
}

/// RFC 6749 §2.3.1: by the header or by the body, never both.
fn authenticate(authorization: Option<&str>, posted: Option<(&str, &str)>) -> Result<(), Answer> {
    let known = |id: &str, secret: &str| (id, secret) == (CLIENT_ID, CLIENT_SECRET);
    let (presented, accepted) = match (authorization, posted) {
        (Some(_), Some(_)) => return Err(Answer::oauth_error(400, "invalid_request", TWO)),
        (Some(value), None) => (
            true,
            form::basic(value).is_some_and(|(id, secret)| known(&id, &secret)),
        ),
        (None, Some((id, secret))) => (true, known(id, secret)),
        (None, None) => (false, false),
    };
    if accepted {
        return Ok(());
    }
    let text = if presented { WRONG } else { NONE };
    let refusal = Answer::oauth_error(401, "invalid_client", text);
    // RFC 6749 §5.2: the scheme the client used.
    Err(match authorization {
        Some(_) => refusal.with("www-authenticate", "Basic realm=\"okta\""),
        None => refusal,
    })
}

const GRANT: &str = "The authorization grant type is not supported by the authorization server.";
const SCOPE: &str = "The authorization server resource does not have any configured default \
                     scopes, 'scope' must be provided.";
const TWO: &str = "Cannot supply multiple client credentials.";
const WRONG: &str = "The client secret supplied for a confidential client is invalid.";
const NONE: &str = "No client credentials found.";
