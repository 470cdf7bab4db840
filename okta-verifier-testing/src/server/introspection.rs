//! `/v1/introspect` (RFC 7662) and `/v1/revoke` (RFC 7009), with Okta's answers.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::clients;
use super::form::Form;
use super::request::Request;
use super::state::Shared;
use crate::token::unix_now;

/// What the server knows of a token: every claim it was made with, or that it is not active.
pub(super) fn introspect(shared: &Shared, request: &Request) -> Answer {
    asked(shared, request, |token| {
        let active = shared.register.claims(token).filter(is_current);
        let body = active.map_or(json!({ "active": false }), described);
        Answer::json(200, &body)
    })
}

/// RFC 7009 §2.2: 200, whether the token was known or not.
pub(super) fn revoke(shared: &Shared, request: &Request) -> Answer {
    asked(shared, request, |token| {
        shared.register.revoke(token);
        Answer::new(200, "application/json", "")
    })
}

/// The refusal of a request that is not a client's question about one token, else `answer`.
fn asked(shared: &Shared, request: &Request, answer: impl FnOnce(&str) -> Answer) -> Answer {
    let judged = Form::of(request).and_then(|form| {
        clients::authenticate(shared, request, &form)?;
        let token = form.parameter("token").ok_or_else(|| {
            Answer::oauth_error(400, "invalid_request", "A 'token' must be specified.")
        })?;
        Ok(answer(token))
    });
    judged
        .unwrap_or_else(|refusal| refusal)
        .with("cache-control", "no-cache, no-store")
        .with("pragma", "no-cache")
}

/// A token whose dates no server could read, which a test made, is active.
fn is_current(claims: &Map<String, Value>) -> bool {
    let now = unix_now();
    let date = |name: &str| claims.get(name).and_then(Value::as_u64);
    date("exp").is_none_or(|exp| now < exp) && date("nbf").is_none_or(|nbf| nbf <= now)
}

/// Okta's names for the claims: `scope` is a string, the client is `client_id`, a person has a
/// `username`, and `token_type` is always `Bearer`. Claims that Okta does not name stay as they are.
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

/// The strings of an array with a space between; anything else as it is.
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
