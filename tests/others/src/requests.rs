//! Which requests of the conformance table are sent, and what the standards say about each.

use okta_verifier_testing::conformance::{Case, Issuers};

/// A request that is sent to each server.
pub(crate) struct Sent {
    pub(crate) case: Case,
    pub(crate) basis: Basis,
}

/// Who says that the request must get this response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// A requirement of RFC 6750, 7515, 7517, 7518, 7519 or 9110, or of the sections of RFC 8725 about the signature.
    Standard,
    /// Okta-verifier, where a standard leaves it open, recommends it, or is one that the others do not claim.
    OurReading,
}

/// Returns the requests that are sent, and the names of the others with the reason.
pub(crate) fn select(issuers: &Issuers) -> (Vec<Sent>, Vec<(String, &'static str)>) {
    let (mut sent, mut left_out) = (Vec::new(), Vec::new());
    for case in issuers.cases() {
        match reason_to_leave_out(&case) {
            Some(reason) => left_out.push((case.name().to_owned(), reason)),
            None => sent.push(Sent {
                basis: basis(&case),
                case,
            }),
        }
    }
    (sent, left_out)
}

fn reason_to_leave_out(case: &Case) -> Option<&'static str> {
    let (subject, what) = case.name().split_once(": ").unwrap_or((case.name(), ""));
    let names_another_algorithm = || {
        let subjects = ["algorithm", "signature"];
        let others = ["ES256", "ES384", "ES512", "EdDSA", "PS256"];
        subjects.contains(&subject) && others.iter().any(|it| what.contains(it))
    };
    match subject {
        "scope" | "policy" | "step-up" => Some("it is about a policy"),
        "optional layer" => Some("it is about an optional layer"),
        "client" => Some("it is about the clients that a setting accepts"),
        "route" if what.starts_with("without a layer") => {
            Some("it is about a layer that is missing")
        }
        "credentials" if what.starts_with("none for /") && !what.starts_with("none for /me") => {
            Some("it is about a policy")
        }
        "token type" if what.starts_with("a token bound to") => {
            Some("it is about sender constraints, which some of the others do not have")
        }
        _ if names_another_algorithm() => Some("it needs a key for another algorithm than RS256"),
        _ => None,
    }
}

fn basis(case: &Case) -> Basis {
    let any_of = |rows: &[u16]| case.requirements().iter().any(|it| rows.contains(it));
    let is_named = || {
        let name = case.name().split(" => ").next().unwrap_or_default();
        OPEN_CASES.contains(&name)
    };
    let is_standard = match case.expected().status() {
        200 => !any_of(OPEN_TO_ACCEPT) && !is_named(),
        _ => any_of(REQUIRED_TO_REJECT) && !any_of(OPEN_TO_REJECT) && !is_named(),
    };
    match is_standard {
        true => Basis::Standard,
        false => Basis::OurReading,
    }
}

/// The rows of conformance.md from which a verifier of any JWT access token must reject a request.
const REQUIRED_TO_REJECT: &[u16] = &[
    9, 14, 33, 34, 35, 36, 40, 41, 43, 48, 49, 50, 51, 54, 55, 56, 60, 67, 72, 81, 82, 91, 92, 93,
];

/// The rows that bind clients or issuers only, leave the choice to the verifier (such as the last of two members, or the
/// leeway), are recommendations, or belong to a profile that the others do not claim. They prevail over those above.
const OPEN_TO_REJECT: &[u16] = &[
    1, 2, 4, 5, 6, 7, 8, 12, 37, 38, 42, 45, 46, 52, 53, 57, 84, 85, 86, 90, 120, 213, 215,
];

/// The rows that let a verifier reject what okta-verifier accepts.
const OPEN_TO_ACCEPT: &[u16] = &[42, 46, 47, 52, 53, 57, 85, 86, 88, 203, 205, 213];

/// Cases in which the standards leave more open than the rows show. RFC 4648 §3.5 lets a decoder ignore trailing bits; a
/// NumericDate may be large; the dates of `nbf` and `iat` may be long past; null is not a NumericDate; and what a verifier
/// does with an `aud` of which one element is not a string is not said.
const OPEN_CASES: &[&str] = &[
    "token form: a valid token with stray trailing bits",
    "dates: exp as 1e+300",
    "dates: exp over 2^53",
    "dates: nbf as -1",
    "dates: iat as -1",
    "dates: iat as 1e+300",
    "dates: nbf as null",
    "dates: iat as null",
    "dates: auth_time as null",
    "claims: a payload with a number out of range",
    "audience: the audience and a number",
    "audience: the audience and null",
];
