//! Which path is which endpoint, and what it answers when nothing is wrong.

use super::answer::Answer;
use super::fault::Endpoint;
use super::metadata::{self, MetadataForm};
use super::request::Request;
use super::state::Shared;
use super::token_endpoint;

/// The endpoint a path belongs to, also one whose metadata form is not served.
pub(super) fn endpoint(path: &str) -> Option<Endpoint> {
    match path {
        KEYS => Some(Endpoint::Keys),
        TOKEN => Some(Endpoint::Token),
        _ => MetadataForm::of(path).map(|_| Endpoint::Discovery),
    }
}

/// The true answer, with the fields that the endpoint's settings add to a 200.
pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    let Some(endpoint) = endpoint(&request.path) else {
        return Answer::okta_error(404);
    };
    let method = if endpoint == Endpoint::Token {
        "POST"
    } else {
        "GET"
    };
    if request.method != method {
        return Answer::okta_error(405).with("allow", method);
    }
    let answer = match endpoint {
        Endpoint::Keys => Answer::new(200, "application/json", shared.state().ring.jwks()),
        Endpoint::Token => token_endpoint::answer(shared, request),
        Endpoint::Discovery => metadata(shared, &request.path),
    };
    match answer.status {
        200 => shared.state().decorate(endpoint, answer),
        _ => answer,
    }
}

fn metadata(shared: &Shared, path: &str) -> Answer {
    match MetadataForm::of(path) {
        Some(form) if shared.state().serves(form) => {
            Answer::json(200, &metadata::document(&shared.issuer, form))
        }
        _ => Answer::okta_error(404),
    }
}

const KEYS: &str = "/oauth2/default/v1/keys";
const TOKEN: &str = "/oauth2/default/v1/token";
