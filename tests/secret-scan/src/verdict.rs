//! Searches every text that the result of a verification shows.

use std::{error::Error, fmt::Debug};

use okta_verifier::{Policy, Rejection, VerifiedToken};

use crate::{log, shown};

/// Searches the outputs of `verdict`: its text, its `Debug` output, and its response.
pub fn verdict(verdict: &Result<VerifiedToken, Rejection>) {
    log::aside(|| match verdict {
        Ok(token) => accepted(token),
        Err(rejection) => rejected(rejection),
    });
}

fn accepted(token: &VerifiedToken) {
    debug(token);
    for claim in ["sub", "jti", "aud"] {
        // `Ok` means that the claim is absent.
        if let Err(unreadable) = token.claim::<u8>(claim) {
            error(&unreadable);
            rejected(&token.unreadable_claims(&unreadable));
        }
    }
    for policy in [
        Policy::scope("a:scope:of:no:user"),
        Policy::group("a group without members"),
        Policy::acr(&["an:acr:of:no:user"]),
    ] {
        if let Err(rejection) = token.require(policy) {
            rejected(&rejection);
        }
    }
}

fn rejected(rejection: &Rejection) {
    debug(rejection);
    shown(rejection.to_string());
    if let Some(cause) = rejection.error() {
        error(cause);
    }
    let response: http::Response<String> = rejection.clone().into_response();
    for (name, value) in response.headers() {
        // RFC 9449 §8: a nonce is public, and proofs repeat it.
        if name != "dpop-nonce" {
            shown(value);
        }
    }
    shown(response.body());
}

/// Searches the text and the `Debug` output of `error` and of each of its causes.
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
