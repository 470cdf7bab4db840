//! Every text that a verdict gives away.

use std::{error::Error, fmt::Write};

use okta_verifier::{Policy, Rejection, VerifiedToken};

pub(crate) fn verdict(verdict: &Result<VerifiedToken, Rejection>) -> String {
    match verdict {
        Ok(token) => accepted(token),
        Err(rejection) => refused(rejection),
    }
}

fn accepted(token: &VerifiedToken) -> String {
    let mut text = format!("{token:?} {token:#?}");
    for claim in ["sub", "jti", "aud"] {
        let Err(unreadable) = token.claim::<u8>(claim) else {
            continue; // it is absent
        };
        write!(text, " {unreadable} {unreadable:?}").unwrap();
        text.push_str(&refused(&Rejection::unreadable_claims(&unreadable)));
    }
    for policy in [
        Policy::scope("a:scope:that:nobody:has"),
        Policy::group("a group that nobody is in"),
        Policy::acr(&["an:acr:that:nobody:has"]),
    ] {
        text.push_str(&refused(&token.require(policy).unwrap_err()));
    }
    text
}

fn refused(rejection: &Rejection) -> String {
    let mut text = format!("{rejection} {rejection:?} {rejection:#?}");
    let mut next = rejection.error().map(|error| error as &dyn Error);
    while let Some(error) = next {
        write!(text, " {error} {error:?} {error:#?}").unwrap();
        next = error.source();
    }
    let response: http::Response<String> = rejection.clone().into_response();
    write!(text, " {:?} {}", response.headers(), response.body()).unwrap();
    text
}
