//! Maps paths to endpoints and builds their regular responses.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::answer::Answer;
use super::fault::Endpoint;
use super::metadata::{self, MetadataForm};
use super::request::Request;
use super::state::Shared;
use super::{authorization, events, introspection, minting, registration, token_endpoint};

/// Returns the endpoint of a path, or `None` if no endpoint has this path. A metadata form that is not
/// served also has an endpoint.
pub(super) fn endpoint(shared: &Shared, path: &str) -> Option<Endpoint> {
    if path == events::KEYS {
        return Some(Endpoint::OrgKeys);
    }
    match path.strip_prefix(&shared.path) {
        Some("/v1/keys") => Some(Endpoint::Keys),
        Some("/v1/authorize") => Some(Endpoint::Authorization),
        Some("/v1/token") => Some(Endpoint::Token),
        Some("/v1/introspect") => Some(Endpoint::Introspection),
        Some("/v1/revoke") => Some(Endpoint::Revocation),
        Some("/v1/clients") => Some(Endpoint::Registration),
        _ => MetadataForm::of(&shared.path, path).map(|_| Endpoint::Discovery),
    }
}

/// Returns the regular response. If the status is 200, it has the fields that the test has set for the
/// endpoint.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    if request.path == minting::PATH {
        return minting::answer(shared, request);
    }
    let Some(endpoint) = endpoint(shared, &request.path) else {
        return Answer::okta_error(404);
    };
    let methods: &[&str] = match endpoint {
        Endpoint::Discovery | Endpoint::Keys | Endpoint::OrgKeys => &["GET"],
        // OpenID Connect Core §3.1.2.1 requires both.
        Endpoint::Authorization => &["GET", "POST"],
        Endpoint::Token
        | Endpoint::Introspection
        | Endpoint::Revocation
        | Endpoint::Registration => &["POST"],
    };
    if endpoint == Endpoint::Registration && !shared.state().clients.registered.open {
        return Answer::okta_error(404);
    }
    if !methods.contains(&&*request.method) {
        return Answer::okta_error(405).with("allow", methods.join(", "));
    }
    let answer = match endpoint {
        Endpoint::Keys | Endpoint::OrgKeys => keys(shared),
        Endpoint::Authorization => authorization::answer(shared, request),
        Endpoint::Token => token_endpoint::answer(shared, request),
        Endpoint::Introspection => introspection::introspect(shared, request),
        Endpoint::Revocation => introspection::revoke(shared, request),
        Endpoint::Registration => registration::answer(shared, request),
        Endpoint::Discovery => metadata(shared, &request.path),
    };
    match answer.status {
        200 => shared.state().decorate(endpoint, answer),
        _ => answer,
    }
}

/// Returns a 304 if the client's cached copy is still current (RFC 9110 §15.4.5), else `answer`.
pub(super) fn revalidated(shared: &Shared, request: &Request, answer: Answer) -> Answer {
    let etag = answer.header("etag");
    if answer.status != 200 || etag.is_none() || request.header("if-none-match") != etag {
        return answer;
    }
    shared.hits.send_modify(|hits| hits.not_modified += 1);
    answer.not_modified()
}

fn keys(shared: &Shared) -> Answer {
    let state = shared.state();
    let jwks = state.ring.jwks();
    let etag = state.etags.then(|| etag_of(&jwks));
    let answer = Answer::new(200, "application/json", jwks);
    match etag {
        Some(etag) => answer.with("etag", etag),
        None => answer,
    }
}

fn etag_of(body: &str) -> String {
    let digest = digest::digest(&digest::SHA256, body.as_bytes());
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]))
}

fn metadata(shared: &Shared, path: &str) -> Answer {
    let state = shared.state();
    match MetadataForm::of(&shared.path, path) {
        Some(form) if state.serves(form) => {
            let document = metadata::document(&shared.issuer, form, &state.clients);
            Answer::json(200, &document)
        }
        _ => Answer::okta_error(404),
    }
}
