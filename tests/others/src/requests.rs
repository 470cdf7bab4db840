//! Which requests of the conformance table are sent, and what the standards say about each.

use okta_verifier_testing::conformance::{Case, Issuers};

/// A request that is sent to each server.
pub(crate) struct Sent {
    pub(crate) case: Case,
    pub(crate) basis: Basis,
    /// Whether the issuer did not sign the token as it is.
    pub(crate) is_forged: bool,
    /// Whether the request is about more than the token: where the token is, or whether the route needs one. It says
    /// nothing about a library that verifies a token alone.
    pub(crate) is_about_http: bool,
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
            None => sent.push(Sent::from(case)),
        }
    }
    (sent, left_out)
}

impl From<Case> for Sent {
    fn from(case: Case) -> Self {
        let (subject, what) = split(&case);
        Self {
            basis: basis(&case),
            is_forged: case.expected().status() == 401
                // A token that the issuer signed with another algorithm is not forged.
                && !case.requirements().contains(&66)
                && (["algorithm", "signature"].contains(&subject)
                    || what.starts_with("a foreign key")
                    || what.contains("signature =>")),
            is_about_http: ["credentials", "malformed credentials", "route"].contains(&subject),
            case,
        }
    }
}

/// Returns the subject of a case, and what it sends.
fn split(case: &Case) -> (&str, &str) {
    case.name().split_once(": ").unwrap_or((case.name(), ""))
}

fn reason_to_leave_out(case: &Case) -> Option<&'static str> {
    let (subject, what) = split(case);
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
        "token type" if what.starts_with("a token bound to") => Some(SENDER_CONSTRAINT),
        "credentials" if what.starts_with("another scheme before") => Some(SENDER_CONSTRAINT),
        _ if names_another_algorithm() => Some("it needs a key for another algorithm than RS256"),
        _ => None,
    }
}

const SENDER_CONSTRAINT: &str =
    "it is about sender constraints, which some of the others do not have";

fn basis(case: &Case) -> Basis {
    let any_of = |rows: &[u16]| case.requirements().iter().any(|it| rows.contains(it));
    let is_named = || {
        let name = case.name().split(" => ").next().unwrap_or_default();
        OPEN_CASES.contains(&name)
    };
    let is_standard = match case.expected().status() {
        // No standard says that a route without a verifier ignores a wrong token.
        200 if split(case).0 == "route" => false,
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
/// verifier need not read `iat`; an `nbf` may be long past and an `exp` far ahead; null is not a NumericDate; what an `aud`
/// of which one element is not a string means is not said; RFC 7515 §4.1.11 binds producers, and lets recipients accept names
/// of its own; and a malformed `jwk` or `x5c`, or a `zip`, may be an error or be ignored.
const OPEN_CASES: &[&str] = &[
    "token form: a valid token with stray trailing bits",
    "dates: exp as 1e+300",
    "dates: exp over 2^53",
    "dates: nbf as -1",
    "dates: nbf as null",
    "dates: iat as digits in a string",
    "dates: iat as \"tomorrow\"",
    "dates: iat as true",
    "dates: iat as -1",
    "dates: iat as 1e+300",
    "dates: iat as [4100000000]",
    "dates: iat as an object",
    "dates: iat as null",
    "dates: auth_time as null",
    "claims: a payload with a number out of range",
    "audience: the audience and a number",
    "audience: the audience and null",
    "header: the parameter crit as []",
    "header: the parameter crit as [\"alg\"]",
    "header: the parameter crit as [\"b64\"]",
    "header: the parameter crit as \"exp\"",
    "header: the parameter crit as null",
    "header: a valid token with jwk",
    "header: a valid token with x5c",
    "header: a header with unknown parameters",
];

#[cfg(test)]
mod tests {
    use okta_verifier_testing::MockOkta;

    use super::*;

    async fn selected() -> (Vec<Sent>, Vec<(String, &'static str)>) {
        select(&Issuers::fetching(&MockOkta::start().await))
    }

    #[tokio::test]
    async fn every_open_case_exists() {
        let (sent, _) = selected().await;
        for name in OPEN_CASES {
            let is_sent = |it: &Sent| it.case.name().starts_with(&format!("{name} => "));
            assert!(sent.iter().any(is_sent), "{name}");
        }
    }

    #[tokio::test]
    async fn every_request_has_the_basis_of_its_rows() {
        let (sent, _) = selected().await;
        let basis = |name: &str| {
            let one = sent.iter().find(|it| it.case.name().starts_with(name));
            one.expect("the case is sent").basis
        };
        assert_eq!(basis("dates: an expired token"), Basis::Standard);
        assert_eq!(basis("audience: another audience"), Basis::Standard);
        assert_eq!(basis("credentials: a valid token"), Basis::Standard);
        // RFC 7519 makes `exp` optional, lets the verifier choose the leeway and use the last of two claims.
        assert_eq!(basis("claims: no exp"), Basis::OurReading);
        assert_eq!(
            basis("dates: a token that expired 90 s ago"),
            Basis::OurReading
        );
        assert_eq!(basis("claims: a payload with sub twice"), Basis::OurReading);
        assert_eq!(
            basis("dates: a token that expired 30 s ago"),
            Basis::OurReading
        );
    }

    #[tokio::test]
    async fn every_request_that_is_forged_must_be_rejected() {
        let (sent, _) = selected().await;
        let forged: Vec<&Sent> = sent.iter().filter(|it| it.is_forged).collect();
        assert!(forged.len() >= 20);
        assert!(forged.iter().all(|it| it.basis == Basis::Standard));
    }

    #[tokio::test]
    async fn request_about_a_policy_is_left_out() {
        let (sent, left_out) = selected().await;
        assert!(
            sent.iter()
                .all(|it| ["/me", "/health"].contains(&it.case.request(&Issuers::new()).path()))
        );
        assert!(
            left_out
                .iter()
                .any(|(name, _)| name.starts_with("scope: no scope"))
        );
        assert!(!left_out.iter().any(|(name, _)| name.starts_with("dates")));
    }
}
