//! `/v1/authorize`: the authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636) and OpenID Connect.
//!
//! There are no passwords and no sessions. The login page lists the users. With `prompt=none` and a
//! `login_hint`, the response is that of a user who has already logged in.

use std::time::Instant;

use url::Url;

use super::answer::Answer;
use super::codes::{self, Bound, Grant};
use super::form::Form;
use super::login_page;
use super::redirect_uri;
use super::request::Request;
use super::state::Shared;

/// Responds with the login page, with a redirection to the client, or with an error for the user.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    let parameters = match &*request.method {
        "POST" => Form::of(request).ok(),
        _ => Form::of_query(&request.query),
    };
    let answer = match parameters {
        Some(parameters) => respond(shared, request, &parameters),
        None => error_page(UNREADABLE),
    };
    answer
        .with("cache-control", "no-store")
        .with("referrer-policy", "no-referrer")
}

fn respond(shared: &Shared, request: &Request, parameters: &Form) -> Answer {
    // RFC 6749 §4.1.2.1: if the client or the redirect URI is not valid, there is no redirection.
    let client_id = parameters.parameter("client_id").unwrap_or_default();
    let redirect_uri = parameters.parameter("redirect_uri").unwrap_or_default();
    let target = match target(shared, client_id, redirect_uri) {
        Ok(target) => target,
        Err(text) => return error_page(text),
    };
    let read = read(parameters).and_then(|challenge| {
        let resource = parameters.parameter("resource");
        Ok((challenge, shared.state().resource(resource)?))
    });
    let (challenge, resource) = match read {
        Ok(read) => read,
        Err((error, text)) => {
            let error = [("error", error), ("error_description", text)];
            return redirection(shared, request, parameters, target, &error);
        }
    };
    if parameters.parameter("prompt") != Some("none") {
        return login_page::page(parameters, &shared.users);
    }
    let hint = parameters.parameter("login_hint").unwrap_or_default();
    let Some(user) = shared.users.iter().find(|user| *user == hint) else {
        let error = [("error", "login_required"), ("error_description", LOGIN)];
        return redirection(shared, request, parameters, target, &error);
    };
    let scopes = parameters.parameter("scope").unwrap_or_default();
    let grant = Grant {
        client_id: client_id.to_owned(),
        subject: user.clone(),
        scopes: scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        nonce: parameters.parameter("nonce").map(str::to_owned),
        resource,
    };
    let bound = Bound {
        redirect_uri: redirect_uri.to_owned(),
        challenge: challenge.to_owned(),
    };
    let code = shared.state().codes.issue(grant, bound, Instant::now());
    redirection(shared, request, parameters, target, &[("code", &code)])
}

/// Returns the URL to which the client is redirected.
///
/// # Errors
///
/// Returns the text of the error page if the client is unknown or the redirect URI is not one of it.
fn target(shared: &Shared, client_id: &str, redirect_uri: &str) -> Result<Url, &'static str> {
    let state = shared.state();
    if let Some(client) = state.clients.registered.find(client_id) {
        return redirect_uri::registered(redirect_uri, &client.redirect_uris).ok_or(NOT_OF_CLIENT);
    }
    if client_id != state.clients.id {
        return Err("The client_id is not that of a client.");
    }
    let error = match shared.redirect_uris.is_empty() {
        true => "The redirect_uri must be a URL on loopback.",
        false => NOT_OF_CLIENT,
    };
    redirect_uri::accepted(redirect_uri, &shared.redirect_uris).ok_or(error)
}

/// Checks the parameters whose errors are reported to the client, and returns the code challenge.
fn read(parameters: &Form) -> Result<&str, (&'static str, &'static str)> {
    let parameter = |name| parameters.parameter(name);
    let invalid = |text| Err(("invalid_request", text));
    // OpenID Connect Core §6.
    if parameter("request").is_some() {
        return Err(("request_not_supported", "Send the parameters themselves."));
    }
    if parameter("request_uri").is_some() {
        return Err((
            "request_uri_not_supported",
            "Send the parameters themselves.",
        ));
    }
    match parameter("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err((
                "unsupported_response_type",
                "The response_type must be code.",
            ));
        }
        None => return invalid("The response_type is missing."),
    }
    if parameter("response_mode").is_some_and(|mode| mode != "query") {
        return invalid("The response_mode must be query.");
    }
    if !parameter("scope")
        .unwrap_or_default()
        .bytes()
        .all(is_of_scope)
    {
        return Err((
            "invalid_scope",
            "The scope has a character that is not allowed.",
        ));
    }
    let mut prompts = parameter("prompt").unwrap_or("login").split(' ');
    if prompts.clone().any(|it| it == "none") && prompts.nth(1).is_some() {
        return invalid("The prompt none excludes others.");
    }
    let Some(challenge) = parameter("code_challenge") else {
        return invalid("The code_challenge is missing: PKCE is required.");
    };
    // RFC 7636 §4.3: without a method it is `plain`, which shows the verifier.
    if parameter("code_challenge_method") != Some("S256") {
        return invalid("The code_challenge_method must be S256.");
    }
    if !codes::is_challenge(challenge) {
        return invalid("The code_challenge is not a SHA-256 digest in base64url.");
    }
    Ok(challenge)
}

/// Returns whether a scope may have the byte (RFC 6749 §3.3).
fn is_of_scope(byte: u8) -> bool {
    matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')
}

/// Redirects to the client with these parameters, with its `state`, and with `iss` (RFC 9207).
fn redirection(
    shared: &Shared,
    request: &Request,
    parameters: &Form,
    mut target: Url,
    response: &[(&str, &str)],
) -> Answer {
    let state = parameters.parameter("state").map(|state| ("state", state));
    target
        .query_pairs_mut()
        .extend_pairs(response)
        .extend_pairs(state)
        .append_pair("iss", &shared.issuer);
    // RFC 9110 §15.4.4: after a POST, the client is requested with GET.
    let status = if request.method == "POST" { 303 } else { 302 };
    // `Url` escapes every character that could end the field.
    Answer::new(status, "text/plain", "").with("location", target)
}

fn error_page(text: &str) -> Answer {
    Answer::new(400, "text/plain; charset=utf-8", format!("{text}\n"))
        .with("x-content-type-options", "nosniff")
}

const NOT_OF_CLIENT: &str = "The redirect_uri is not registered for the client.";
const UNREADABLE: &str = "The parameters must be form-encoded, and each must occur once.";
const LOGIN: &str = "The login_hint must name a user.";
