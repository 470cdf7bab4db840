//! `/v1/clients`: dynamic client registration (RFC 7591), for clients that no administrator has set up.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::answer::Answer;
use super::redirect_uri;
use super::request::Request;
use super::state::Shared;
use crate::keys::random_name;
use crate::listener;
use crate::token::unix_now;

/// The clients that registered themselves, oldest first.
#[derive(Debug, Default)]
pub(super) struct Registrations {
    /// Whether clients may register.
    pub(super) open: bool,
    clients: VecDeque<Registered>,
}

/// A client that registered itself.
#[derive(Debug)]
pub(super) struct Registered {
    id: String,
    /// The secret, or `None` for a public client.
    pub(super) secret: Option<String>,
    pub(super) redirect_uris: Vec<String>,
}

impl Registrations {
    /// Returns the client with this ID.
    pub(super) fn find(&self, id: &str) -> Option<&Registered> {
        self.clients.iter().find(|client| client.id == id)
    }

    fn insert(&mut self, client: Registered) {
        if self.clients.len() >= LIMIT {
            self.clients.pop_front();
        }
        self.clients.push_back(client);
    }
}

/// What a client asks for (RFC 7591 §2). Other members are ignored, as the RFC requires.
struct Metadata {
    redirect_uris: Vec<String>,
    method: String,
    grants: Vec<String>,
    name: Option<String>,
}

/// Responds with the client's ID, or with the error of RFC 7591 §3.2.2.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    let answer = match read(request) {
        Ok(metadata) => register(shared, metadata),
        Err((error, text)) => Answer::oauth_error(400, error, text),
    };
    answer
        .with("cache-control", "no-store")
        .with("pragma", "no-cache")
}

fn register(shared: &Shared, metadata: Metadata) -> Answer {
    // As long as an ID of Okta.
    let id = format!("0oa{}", &random_name()[..17]);
    let secret = (metadata.method != NONE).then(random_name);
    let mut body = json!({
        "client_id": id,
        "client_id_issued_at": unix_now(),
        "redirect_uris": metadata.redirect_uris,
        "token_endpoint_auth_method": metadata.method,
        "grant_types": metadata.grants,
        "response_types": ["code"],
    });
    if let Some(name) = &metadata.name {
        body["client_name"] = json!(name);
    }
    if let Some(secret) = &secret {
        listener::secret(secret);
        body["client_secret"] = json!(secret);
        // It does not expire (RFC 7591 §3.2.1).
        body["client_secret_expires_at"] = json!(0);
    }
    shared.state().clients.registered.insert(Registered {
        id,
        secret,
        redirect_uris: metadata.redirect_uris,
    });
    Answer::json(201, &body)
}

fn read(request: &Request) -> Result<Metadata, (&'static str, &'static str)> {
    let invalid = |text| ("invalid_client_metadata", text);
    let media_type = request.header("content-type").unwrap_or_default();
    let body = serde_json::from_slice(&request.body).ok();
    let Some(Value::Object(body)) = body.filter(|_| media_type.starts_with("application/json"))
    else {
        return Err(invalid("The request body must be a JSON object."));
    };
    // A member that is absent or null has the default of RFC 7591 §2.
    let texts = |name: &str, default: &[&str]| match body.get(name) {
        None | Some(Value::Null) => Some(default.iter().map(|it| (*it).to_owned()).collect()),
        Some(value) => serde_json::from_value::<Vec<String>>(value.clone()).ok(),
    };
    let redirect_uris = texts("redirect_uris", &[]).unwrap_or_default();
    let usable = |uri: &String| uri.len() <= URI && redirect_uri::can_register(uri);
    if !(1..=URIS).contains(&redirect_uris.len()) || !redirect_uris.iter().all(usable) {
        return Err(("invalid_redirect_uri", REDIRECT_URIS));
    }
    let grants = texts("grant_types", &["authorization_code"]).unwrap_or_default();
    let known = ["authorization_code", "refresh_token"];
    if !grants.iter().any(|it| it == known[0]) || !grants.iter().all(|it| known.contains(&&**it)) {
        return Err(invalid(
            "The grant_types must be authorization_code and refresh_token.",
        ));
    }
    if texts("response_types", &["code"]).is_none_or(|types| types != ["code"]) {
        return Err(invalid("The response_types must be code."));
    }
    let method = match body.get("token_endpoint_auth_method") {
        None | Some(Value::Null) => "client_secret_basic",
        Some(method) => method.as_str().unwrap_or_default(),
    };
    if ![NONE, "client_secret_basic", "client_secret_post"].contains(&method) {
        return Err(invalid(
            "The token_endpoint_auth_method must be none, client_secret_basic or client_secret_post.",
        ));
    }
    Ok(Metadata {
        method: method.to_owned(),
        grants,
        name: body
            .get("client_name")
            .and_then(Value::as_str)
            .map(str::to_owned),
        redirect_uris,
    })
}

const NONE: &str = "none";
const REDIRECT_URIS: &str = "The redirect_uris must be one to ten URLs without a fragment: https, on loopback, or \
                             with the scheme of a native app.";

/// The maximum number of clients, of redirect URIs of each, and of bytes of each redirect URI.
const LIMIT: usize = 1000;
const URIS: usize = 10;
const URI: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_clients_are_bounded() {
        let mut clients = Registrations::default();
        for number in 0..=LIMIT {
            clients.insert(Registered {
                id: number.to_string(),
                secret: None,
                redirect_uris: Vec::new(),
            });
        }
        assert_eq!(clients.clients.len(), LIMIT);
        assert!(clients.find("0").is_none());
        assert!(clients.find("1").is_some());
    }
}
