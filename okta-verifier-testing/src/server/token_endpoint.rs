//! `/v1/token`: the client credentials grant (RFC 6749 §4.4), with Okta's responses.

use serde_json::json;

use super::answer::Answer;
use super::clients;
use super::dpop;
use super::form::Form;
use super::request::Request;
use super::state::Shared;
use crate::token::LIFETIME;

/// Responds with a token for the client itself, or with Okta's error response.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    grant(shared, request)
        .unwrap_or_else(|rejection| rejection)
        // RFC 6749 §5.1: a response with a token must not be cached.
        .with("cache-control", "no-cache, no-store")
        .with("pragma", "no-cache")
}

fn grant(shared: &Shared, request: &Request) -> Result<Answer, Answer> {
    let invalid = |text: &str| Answer::oauth_error(400, "invalid_request", text);
    let form = Form::of(request)?;
    clients::authenticate(shared, request, &form)?;
    match form.parameter("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Answer::oauth_error(400, "unsupported_grant_type", GRANT)),
        None => return Err(invalid("The token request must specify a 'grant_type'.")),
    }
    let scope = form
        .parameter("scope")
        .ok_or_else(|| Answer::oauth_error(400, "invalid_scope", SCOPE))?;
    let binding = dpop::binding(shared, request)?;
    let token = shared.token(String::new()).service();
    let token = scope
        .split_ascii_whitespace()
        .fold(token, |token, scope| token.scope(scope));
    let (token, token_type) = match binding {
        Some(jkt) => (token.claim("cnf", json!({ "jkt": jkt })), "DPoP"),
        None => (token, "Bearer"),
    };
    let body = json!({
        "token_type": token_type,
        "expires_in": LIFETIME,
        "access_token": token.sign(),
        "scope": scope,
    });
    Ok(Answer::json(200, &body))
}

const GRANT: &str = "The authorization grant type is not supported by the authorization server.";
const SCOPE: &str = "The authorization server resource does not have any configured default \
                     scopes, 'scope' must be provided.";
