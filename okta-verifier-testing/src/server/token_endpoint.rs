//! `/v1/token`: client credentials (RFC 6749 §4.4), authorization codes with PKCE (§4.1.3, RFC 7636 §4.5) and
//! refresh tokens (§6), with Okta's responses.

use std::time::Instant;

use aws_lc_rs::digest;
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::answer::Answer;
use super::clients::{self, Identified};
use super::codes::Grant;
use super::dpop;
use super::form::Form;
use super::request::Request;
use super::state::Shared;
use crate::token::{LIFETIME, TokenBuilder};

/// Responds with tokens, or with Okta's error response.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    grant(shared, request)
        .unwrap_or_else(|rejection| rejection)
        // RFC 6749 §5.1: a response with a token must not be cached.
        .with("cache-control", "no-cache, no-store")
        .with("pragma", "no-cache")
}

fn grant(shared: &Shared, request: &Request) -> Result<Answer, Answer> {
    let form = Form::of(request)?;
    let identified = clients::authenticate(shared, request, &form)?;
    match form.parameter("grant_type") {
        Some("client_credentials") => client_credentials(shared, request, &form, &identified),
        Some("authorization_code") => authorization_code(shared, request, &form, &identified),
        Some("refresh_token") => refresh_token(shared, request, &form, &identified),
        Some(_) => Err(Answer::oauth_error(400, "unsupported_grant_type", GRANT)),
        None => Err(invalid_request(
            "The token request must specify a 'grant_type'.",
        )),
    }
}

fn client_credentials(
    shared: &Shared,
    request: &Request,
    form: &Form,
    client: &Identified,
) -> Result<Answer, Answer> {
    // RFC 6749 §4.4: the client must have authenticated.
    if !client.authenticated {
        return Err(Answer::oauth_error(400, "unauthorized_client", PUBLIC));
    }
    // A client registers itself for the grants of users only.
    if client.client_id != shared.state().clients.id {
        return Err(Answer::oauth_error(400, "unauthorized_client", REGISTERED));
    }
    let resource = requested_resource(shared, form)?;
    let scope = form
        .parameter("scope")
        .ok_or_else(|| Answer::oauth_error(400, "invalid_scope", SCOPE))?;
    let binding = dpop::binding(shared, request)?;
    let token = shared.token(String::new()).service();
    let token = for_resource(token.client_id(&client.client_id), resource.as_deref());
    let token = with_scopes(token, scope.split_ascii_whitespace());
    Ok(Answer::json(200, &response(token, binding, scope)))
}

fn authorization_code(
    shared: &Shared,
    request: &Request,
    form: &Form,
    client: &Identified,
) -> Result<Answer, Answer> {
    let [code, redirect_uri, verifier] = ["code", "redirect_uri", "code_verifier"]
        .map(|name| form.parameter(name).ok_or_else(|| invalid_request(MISSING)));
    let (code, redirect_uri, verifier) = (code?, redirect_uri?, verifier?);
    // Before the code is used: a client without the current nonce sends the same code again.
    let binding = dpop::binding(shared, request)?;
    let redeemed = shared.state().codes.redeem(
        code,
        &client.client_id,
        redirect_uri,
        verifier,
        Instant::now(),
    );
    let grant = redeemed.map_err(|tokens| {
        for token in tokens {
            shared.register.revoke(&token);
        }
        Answer::oauth_error(400, "invalid_grant", CODE)
    })?;
    check_resource(shared, form, &grant)?;
    let (body, tokens) = tokens_for(shared, &grant, binding, true);
    shared.state().codes.issued(code, tokens);
    Ok(Answer::json(200, &body))
}

fn refresh_token(
    shared: &Shared,
    request: &Request,
    form: &Form,
    client: &Identified,
) -> Result<Answer, Answer> {
    let token = form
        .parameter("refresh_token")
        .ok_or_else(|| invalid_request("A 'refresh_token' must be specified."))?;
    let binding = dpop::binding(shared, request)?;
    let known = shared.state().refresh_tokens.find(token).cloned();
    let mut grant = known
        // A token that was revoked at `/v1/revoke` is not active any more.
        .filter(|_| shared.register.claims(token).is_some())
        // RFC 6749 §6: a refresh token is that of the client to which it was issued.
        .filter(|grant| grant.client_id == client.client_id)
        .ok_or_else(|| Answer::oauth_error(400, "invalid_grant", REFRESH))?;
    check_resource(shared, form, &grant)?;
    if let Some(scope) = form.parameter("scope") {
        let scopes: Vec<String> = scope.split_ascii_whitespace().map(str::to_owned).collect();
        // RFC 6749 §6: only scopes that were granted.
        if !scopes.iter().all(|scope| grant.scopes.contains(scope)) {
            return Err(Answer::oauth_error(400, "invalid_scope", MORE));
        }
        grant.scopes = scopes;
    }
    // A refresh token is replaced at each use (RFC 9700 §4.14.2).
    // Of two requests with the same token, only one removes it.
    if !shared.state().refresh_tokens.remove(token) {
        return Err(Answer::oauth_error(400, "invalid_grant", REFRESH));
    }
    shared.register.revoke(token);
    let (body, _) = tokens_for(shared, &grant, binding, false);
    Ok(Answer::json(200, &body))
}

/// Returns the response with the tokens of a user, and the tokens. Only the first ID token has the `nonce` of
/// the authorization request.
fn tokens_for(
    shared: &Shared,
    grant: &Grant,
    binding: Option<String>,
    first: bool,
) -> (Value, Vec<String>) {
    let token = shared
        .token(grant.subject.clone())
        .client_id(&grant.client_id);
    let token = for_resource(token, grant.resource.as_deref());
    let token = with_scopes(token, grant.scopes.iter().map(String::as_str));
    let mut body = response(token, binding, &grant.scopes.join(" "));
    let access_token = body["access_token"].as_str().unwrap_or_default().to_owned();
    let has = |scope: &str| grant.scopes.iter().any(|it| it == scope);
    if has("openid") {
        let id_token = shared
            .token(grant.subject.clone())
            .id_token()
            .client_id(&grant.client_id)
            .claim("at_hash", half_of_digest(&access_token));
        let id_token = match grant.nonce.as_deref().filter(|_| first) {
            Some(nonce) => id_token.claim("nonce", nonce),
            None => id_token.without("nonce"),
        };
        body["id_token"] = json!(id_token.sign());
    }
    let mut tokens = vec![access_token];
    if has("offline_access") {
        let token = shared
            .token(grant.subject.clone())
            .client_id(&grant.client_id);
        let token = with_scopes(token, grant.scopes.iter().map(String::as_str));
        let token = token.refresh().sign();
        body["refresh_token"] = json!(token);
        tokens.push(token.clone());
        shared.state().refresh_tokens.insert(token, grant.clone());
    }
    (body, tokens)
}

/// Returns the response with an access token, which is bound to the key with the thumbprint `binding`.
fn response(token: TokenBuilder, binding: Option<String>, scope: &str) -> Value {
    let (token, token_type) = match binding {
        Some(jkt) => (token.claim("cnf", json!({ "jkt": jkt })), "DPoP"),
        None => (token, "Bearer"),
    };
    json!({
        "token_type": token_type,
        "expires_in": LIFETIME,
        "access_token": token.sign(),
        "scope": scope,
    })
}

/// Returns the `resource` of a token request (RFC 8707 §2.2).
fn requested_resource(shared: &Shared, form: &Form) -> Result<Option<String>, Answer> {
    let resource = shared.state().resource(form.parameter("resource"));
    resource.map_err(|(error, text)| Answer::oauth_error(400, error, text))
}

/// Rejects a token request for another resource than that of the grant. Without one, the token is for the
/// resource of the grant.
fn check_resource(shared: &Shared, form: &Form, grant: &Grant) -> Result<(), Answer> {
    let resource = requested_resource(shared, form)?;
    match resource.is_none() || resource == grant.resource {
        true => Ok(()),
        false => Err(Answer::oauth_error(400, "invalid_target", RESOURCE)),
    }
}

/// Makes the resource the audience of the token, if there is one.
fn for_resource(token: TokenBuilder, resource: Option<&str>) -> TokenBuilder {
    match resource {
        Some(resource) => token.audience(resource),
        None => token,
    }
}

fn with_scopes<'a>(token: TokenBuilder, scopes: impl Iterator<Item = &'a str>) -> TokenBuilder {
    scopes.fold(token, |token, scope| token.scope(scope))
}

/// Returns the `at_hash` of an access token (OpenID Connect Core §3.1.3.6), for RS256.
fn half_of_digest(token: &str) -> String {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}

fn invalid_request(text: &str) -> Answer {
    Answer::oauth_error(400, "invalid_request", text)
}

const GRANT: &str = "The authorization grant type is not supported by the authorization server.";
const PUBLIC: &str = "A client without a secret cannot use the client credentials grant.";
const REGISTERED: &str = "A client that registered itself cannot use the client credentials grant.";
const RESOURCE: &str = "The 'resource' is not that of the authorization request.";
const MISSING: &str = "A 'code', a 'redirect_uri' and a 'code_verifier' must be specified.";
const CODE: &str = "The authorization code is invalid, expired or used, or it does not fit the \
                    'redirect_uri' or the 'code_verifier'.";
const REFRESH: &str = "The refresh token is invalid or expired.";
const MORE: &str = "The requested scopes exceed those of the refresh token.";
const SCOPE: &str = "The authorization server resource does not have any configured default \
                     scopes, 'scope' must be provided.";
