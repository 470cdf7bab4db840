//! Every text that a verdict gives away.

use std::{error::Error, fmt::Debug};

use okta_verifier::{Policy, Rejection, VerifiedToken};

use crate::{log, shown};

/// Searches whatever `verdict` shows: as text, as `Debug`, and as the answer to the request.
pub fn verdict(verdict: &Result<VerifiedToken, Rejection>) {
    log::aside(|| match verdict {
        Ok(token) => accepted(token),
        Err(rejection) => refused(rejection),
    });
}

fn accepted(token: &VerifiedToken) {
    debug(token);
    for claim in ["sub", "jti", "aud"] {
        // `Ok`: it is absent.
        if let Err(unreadable) = token.claim::<u8>(claim) {
            error(&unreadable);
            refused(&Rejection::unreadable_claims(&unreadable));
        }
    }
    for policy in [
        Policy::scope("a:scope:that:nobody:has"),
        Policy::group("a group that nobody is in"),
        Policy::acr(&["an:acr:that:nobody:has"]),
    ] {
        if let Err(rejection) = token.require(policy) {
            refused(&rejection);
        }
    }
}

fn refused(rejection: &Rejection) {
    debug(rejection);
    shown(rejection.to_string());
    if let Some(cause) = rejection.error() {
        error(cause);
    }
    let response: http::Response<String> = rejection.clone().into_response();
    for (name, value) in response.headers() {
        // RFC 9449 §8: a nonce is there to be read, and proofs repeat it.
        if name != "dpop-nonce" {
            shown(value);
        }
    }
    shown(response.body());
}

/// Searches the text and `Debug` of `error` and of each of its causes.
pub fn error(error: &dyn Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        shown(error.to_string());
        debug(error);
        next = error.source();
    }
}

fn debug(value: &(impl Debug + ?Sized)) {
    shown(format!("{value:?} {value:#?}"));
}
