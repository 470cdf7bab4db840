//! What the responses of one server come to.

use okta_verifier_testing::conformance::{Answer, Case};

use crate::requests::{Basis, Sent};

/// The counts of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) good: Pair,
    pub(crate) good_rejected: Pair,
    pub(crate) bad: Pair,
    pub(crate) bad_accepted: Pair,
    pub(crate) forged: usize,
    pub(crate) forged_accepted: usize,
    /// Responses with 5xx, requests without a response, and ends of the process.
    pub(crate) server_errors: usize,
    /// Of the bad requests that were rejected, those with the challenge of RFC 6750 §3.
    pub(crate) challenges_right: usize,
    pub(crate) challenges: usize,
}

/// Counts by the basis of the expected response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) standard: usize,
    pub(crate) our_reading: usize,
}

impl Pair {
    pub(crate) fn add(&mut self, basis: Basis) {
        match basis {
            Basis::Standard => self.standard += 1,
            Basis::OurReading => self.our_reading += 1,
        }
    }
}

impl Tally {
    /// Counts the response to a request, which is `None` if there was none.
    pub(crate) fn count(&mut self, sent: &Sent, answer: Option<&Answer>) {
        let is_good = sent.case.expected().status() == 200;
        match is_good {
            true => self.good.add(sent.basis),
            false => self.bad.add(sent.basis),
        }
        self.forged += usize::from(sent.is_forged);
        let Some(answer) = answer.filter(|it| it.status() < 500) else {
            self.server_errors += 1;
            return;
        };
        let is_served = (200..300).contains(&answer.status());
        if is_good {
            if !is_served {
                self.good_rejected.add(sent.basis);
            }
            return;
        }
        if is_served {
            self.bad_accepted.add(sent.basis);
            self.forged_accepted += usize::from(sent.is_forged);
            return;
        }
        // The server itself rejects what HTTP does not allow and what is longer than it reads, before it knows the scheme.
        if sent.case.is_http() && !sent.case.requirements().contains(&LONG) {
            self.challenges += 1;
            self.challenges_right += usize::from(has_right_challenge(&sent.case, answer));
        }
    }

    /// Returns whether every request got the response that okta-verifier promises.
    pub(crate) fn is_flawless(&self) -> bool {
        let none = Pair::default();
        let counts = (self.good_rejected, self.bad_accepted, self.server_errors);
        counts == (none, none, 0) && self.challenges_right == self.challenges
    }
}

/// The row of conformance.md about the length of credentials.
const LONG: u16 = 57;

/// Returns whether the response has the status and the error code of RFC 6750 §3.1 in a challenge for `Bearer`. Malformed
/// credentials may also count as a malformed token, which is `invalid_token`, or as none, which has no code.
fn has_right_challenge(case: &Case, answer: &Answer) -> bool {
    let expected = case.expected();
    let code = expected
        .www_authenticate()
        .find_map(|line| error_code(line));
    let mut rights = vec![(expected.status(), code)];
    if expected.status() == 400 {
        rights.extend([(401, Some("invalid_token")), (401, None)]);
    }
    answer.field("WWW-Authenticate").any(|line| {
        let line = String::from_utf8_lossy(line);
        let is_bearer = line
            .split([' ', ','])
            .next()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer"));
        is_bearer && rights.contains(&(answer.status(), error_code(&line)))
    })
}

/// Returns the value of the parameter `error` of a challenge.
fn error_code(challenge: &str) -> Option<&str> {
    let mut parameters = challenge.split([' ', ',']);
    let value = parameters.find_map(|it| it.strip_prefix("error="))?;
    Some(value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use okta_verifier_testing::conformance;

    use super::*;

    fn sent(name: &str) -> Sent {
        let cases = conformance::cases();
        let case = cases.into_iter().find(|case| case.name() == name);
        Sent::from(case.expect("the case exists"))
    }

    fn challenged(status: u16, challenge: &str) -> Answer {
        Answer::new(status, [("WWW-Authenticate", challenge)], "")
    }

    #[test]
    fn bad_request_that_is_served_is_counted() {
        let mut tally = Tally::default();
        let expired = sent("dates: an expired token => 401 invalid_token");
        tally.count(&expired, Some(&Answer::new(200, [("", ""); 0], "ok")));
        assert_eq!(tally.bad_accepted.standard, 1);
        tally.count(
            &expired,
            Some(&challenged(401, r#"Bearer error="invalid_token""#)),
        );
        assert_eq!(
            (tally.bad_accepted.standard, tally.challenges_right),
            (1, 1)
        );
    }

    #[test]
    fn forged_token_that_is_served_is_counted_twice() {
        let mut tally = Tally::default();
        let forged = sent("algorithm: a foreign key of RS256 => 401 invalid_token");
        tally.count(&forged, Some(&Answer::new(200, [("", ""); 0], "ok")));
        assert_eq!((tally.bad_accepted.standard, tally.forged_accepted), (1, 1));
        tally.count(&forged, Some(&challenged(401, "Bearer")));
        assert_eq!((tally.forged, tally.forged_accepted), (2, 1));
    }

    #[test]
    fn good_request_that_is_rejected_is_counted() {
        let mut tally = Tally::default();
        let good = sent("credentials: a valid token => 200");
        tally.count(&good, Some(&challenged(401, "Bearer")));
        assert_eq!(tally.good_rejected.standard, 1);
        tally.count(&good, Some(&Answer::new(204, [("", ""); 0], "")));
        assert_eq!((tally.good_rejected.standard, tally.challenges), (1, 0));
    }

    #[test]
    fn missing_response_and_5xx_are_server_errors() {
        let mut tally = Tally::default();
        let expired = sent("dates: an expired token => 401 invalid_token");
        tally.count(&expired, None);
        tally.count(&expired, Some(&Answer::new(500, [("", ""); 0], "")));
        assert_eq!((tally.server_errors, tally.challenges), (2, 0));
        assert!(!tally.is_flawless());
    }

    #[test]
    fn challenge_with_another_status_scheme_or_code_is_wrong() {
        let expired = sent("dates: an expired token => 401 invalid_token").case;
        let is_right = |answer| has_right_challenge(&expired, &answer);
        assert!(!is_right(challenged(401, "Bearer")));
        assert!(!is_right(challenged(401, r#"Basic error="invalid_token""#)));
        assert!(!is_right(challenged(
            403,
            r#"Bearer error="invalid_token""#
        )));
        assert!(!is_right(challenged(
            401,
            r#"Bearer error="invalid_request""#
        )));
        assert!(!is_right(Answer::new(401, [("", ""); 0], "")));
        let text = r#"Bearer realm="x", error="invalid_token", error_description="an error""#;
        assert!(is_right(challenged(401, text)));
    }

    #[test]
    fn challenge_for_no_credentials_has_no_code() {
        let none = sent("credentials: none for /me => 401").case;
        assert!(!has_right_challenge(
            &none,
            &challenged(401, r#"Bearer error="invalid_token""#)
        ));
        assert!(has_right_challenge(
            &none,
            &challenged(401, r#"Bearer realm="api""#)
        ));
    }

    #[test]
    fn malformed_credentials_may_count_as_a_malformed_token() {
        let malformed = sent("malformed credentials: a quoted token => 400 invalid_request").case;
        let is_right = |answer| has_right_challenge(&malformed, &answer);
        assert!(!is_right(challenged(400, "Bearer")));
        assert!(is_right(challenged(401, "Bearer")));
        assert!(!is_right(challenged(
            400,
            r#"Bearer error="invalid_token""#
        )));
        assert!(is_right(challenged(
            400,
            r#"Bearer error="invalid_request""#
        )));
        assert!(is_right(challenged(401, r#"Bearer error="invalid_token""#)));
    }
}
