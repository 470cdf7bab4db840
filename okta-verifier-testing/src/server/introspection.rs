//! `/v1/introspect` (RFC 7662) and `/v1/revoke` (RFC 7009), with Okta's responses.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::clients;
use super::form::Form;
use super::request::Request;
use super::state::Shared;
use crate::token::unix_now;

/// Responds with the claims of the token, or with `"active": false`.
pub(super) fn introspect(shared: &Shared, request: &Request) -> Answer {
    with_token(shared, request, |token| {
        let active = shared.register.claims(token).filter(is_current);
        let body = active.map_or(json!({ "active": false }), described);
        Answer::json(200, &body)
    })
}

/// Revokes a token. RFC 7009 §2.2: the status is 200 whether or not the token was known.
pub(super) fn revoke(shared: &Shared, request: &Request) -> Answer {
    with_token(shared, request, |token| {
        shared.register.revoke(token);
        Answer::new(200, "application/json", "")
    })
}

/// Rejects a request without client authentication or without a token. Otherwise returns the response
/// that `respond` builds.
fn with_token(shared: &Shared, request: &Request, respond: impl FnOnce(&str) -> Answer) -> Answer {
    let response = Form::of(request).and_then(|form| {
        let client = clients::authenticate(shared, request, &form)?;
        // A client that registered itself must not learn anything about the tokens of others.
        if client.client_id != shared.state().clients.id {
            return Err(Answer::oauth_error(401, "invalid_client", REGISTERED));
        }
        let token = form.parameter("token").ok_or_else(|| {
            Answer::oauth_error(400, "invalid_request", "A 'token' must be specified.")
        })?;
        Ok(respond(token))
    });
    response
        .unwrap_or_else(|rejection| rejection)
        .with("cache-control", "no-cache, no-store")
        .with("pragma", "no-cache")
}

/// Returns whether the token is valid now. A date that is not a non-negative integer is ignored.
fn is_current(claims: &Map<String, Value>) -> bool {
    let now = unix_now();
    let date = |name: &str| claims.get(name).and_then(Value::as_u64);
    date("exp").is_none_or(|exp| now < exp) && date("nbf").is_none_or(|nbf| nbf <= now)
}

/// Returns the claims under Okta's names: `scope` is a string, the client is `client_id`, a user has
/// a `username`, and `token_type` is always `Bearer`. Other claims do not change.
fn described(mut claims: Map<String, Value>) -> Value {
    let is_person = claims.contains_key("uid") || claims.contains_key("device_id");
    if let Some(subject) = claims.get("sub").filter(|_| is_person) {
        claims.insert("username".to_owned(), subject.clone());
    }
    // The audience of an ID token is its client.
    let of_id_token = claims.get("at_hash").and(claims.get("aud")).cloned();
    if let Some(client) = claims.remove("cid").or(of_id_token) {
        claims.insert("client_id".to_owned(), client);
    }
    if let Some(scopes) = claims.remove("scp") {
        claims.insert("scope".to_owned(), joined(scopes));
    }
    claims.remove("ver");
    claims.insert("token_type".to_owned(), json!("Bearer"));
    claims.insert("active".to_owned(), json!(true));
    Value::Object(claims)
}

const REGISTERED: &str = "A client that registered itself cannot use this endpoint.";

/// Joins the strings of an array with spaces. Any other value is returned unchanged.
fn joined(scopes: Value) -> Value {
    let Value::Array(them) = &scopes else {
        return scopes;
    };
    let texts: Option<Vec<&str>> = them.iter().map(Value::as_str).collect();
    match texts {
        Some(texts) => json!(texts.join(" ")),
        None => scopes,
    }
}
