//! Authorization codes with their code challenges (RFC 6749 §4.1.2, RFC 7636), and refresh tokens.

use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

use crate::keys::{fingerprint, random_name};
use crate::listener;

/// What a user has granted to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) subject: String,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    /// The resource of the authorization request (RFC 8707), which is the audience of the tokens.
    pub(super) resource: Option<String>,
}

/// The request in which a code was issued, to which the token request must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) redirect_uri: String,
    /// The code challenge with the method S256.
    pub(super) challenge: String,
}

/// The authorization codes that are not expired, oldest first.
#[derive(Debug, Default)]
pub(super) struct Codes(VecDeque<Code>);

#[derive(Debug)]
struct Code {
    code: String,
    expires: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    Unused(Grant, Bound),
    /// The code was used, and these tokens were issued for it.
    Used(Vec<String>),
}

impl Codes {
    /// Issues a code for one use within 60 s.
    pub(super) fn issue(&mut self, grant: Grant, bound: Bound, now: Instant) -> String {
        self.forget(now);
        if self.0.len() >= LIMIT {
            self.0.pop_front();
        }
        let code = random_name();
        listener::secret(&code);
        self.0.push_back(Code {
            code: code.clone(),
            expires: now + LIFETIME,
            state: State::Unused(grant, bound),
        });
        code
    }

    /// Uses a code. A code that is unknown, expired or used before is rejected, as is one of another client, with
    /// another redirect URI or with the wrong verifier. Whatever the result, the code cannot be used again.
    ///
    /// # Errors
    ///
    /// Returns the tokens that were issued for the code before, which must be revoked (RFC 6749 §4.1.2).
    pub(super) fn redeem(
        &mut self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Instant,
    ) -> Result<Grant, Vec<String>> {
        self.forget(now);
        let Some(entry) = self.0.iter_mut().find(|it| it.code == code) else {
            return Err(Vec::new());
        };
        match mem::replace(&mut entry.state, State::Used(Vec::new())) {
            State::Unused(grant, bound)
                if grant.client_id == client_id
                    && bound.redirect_uri == redirect_uri
                    && is_verifier(verifier)
                    && bound.challenge == fingerprint(verifier.as_bytes()) =>
            {
                Ok(grant)
            }
            State::Unused(..) => Err(Vec::new()),
            State::Used(tokens) => Err(tokens),
        }
    }

    /// Remembers the tokens that were issued for a code.
    pub(super) fn issued(&mut self, code: &str, tokens: Vec<String>) {
        if let Some(entry) = self.0.iter_mut().find(|it| it.code == code) {
            entry.state = State::Used(tokens);
        }
    }

    fn forget(&mut self, now: Instant) {
        self.0.retain(|entry| now < entry.expires);
    }
}

/// The refresh tokens that were not used yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct RefreshTokens(VecDeque<(String, Grant)>);

impl RefreshTokens {
    pub(super) fn insert(&mut self, token: String, grant: Grant) {
        if self.0.len() >= LIMIT {
            self.0.pop_front();
        }
        self.0.push_back((token, grant));
    }

    /// Returns what the client may do with this token, or `None` if the token is unknown.
    pub(super) fn find(&self, token: &str) -> Option<&Grant> {
        let mut entries = self.0.iter();
        let (_, grant) = entries.find(|(it, _)| it == token)?;
        Some(grant)
    }

    /// Removes a token, so that it cannot be used again. Returns `false` if it was removed before.
    pub(super) fn remove(&mut self, token: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(it, _)| it != token);
        self.0.len() < before
    }
}

/// Returns whether the text is the S256 challenge of some verifier: a SHA-256 digest in base64url.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && super::clients::decode(text).is_some()
}

/// Returns whether the text is a code verifier (RFC 7636 §4.1).
fn is_verifier(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(allowed)
}

const LIFETIME: Duration = Duration::from_secs(60);

/// The maximum number of codes and of refresh tokens.
const LIMIT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "0oatest";
    const URI: &str = "http://127.0.0.1/callback";
    const VERIFIER: &str = "a verifier needs 43 characters";

    fn verifier() -> String {
        VERIFIER.replace(' ', "-").repeat(2)
    }

    fn issued(codes: &mut Codes, now: Instant) -> String {
        let grant = Grant {
            client_id: CLIENT.to_owned(),
            subject: "ada".to_owned(),
            scopes: Vec::new(),
            nonce: None,
            resource: None,
        };
        let bound = Bound {
            redirect_uri: URI.to_owned(),
            challenge: fingerprint(verifier().as_bytes()),
        };
        codes.issue(grant, bound, now)
    }

    #[test]
    fn code_that_does_not_fit_is_rejected_and_spent() {
        let now = Instant::now();
        let mut codes = Codes::default();
        let long = "a".repeat(129);
        for (uri, verifier_sent) in [
            (URI, "a".repeat(43)),
            (URI, VERIFIER.replace(' ', "-")),
            (URI, long),
            (URI, String::new()),
            ("http://127.0.0.1/callback/", verifier()),
            ("", verifier()),
        ] {
            let code = issued(&mut codes, now);
            assert!(
                codes
                    .redeem(&code, CLIENT, uri, &verifier_sent, now)
                    .is_err()
            );
            assert!(codes.redeem(&code, CLIENT, URI, &verifier(), now).is_err());
        }
        assert!(
            codes
                .redeem("unknown", CLIENT, URI, &verifier(), now)
                .is_err()
        );
    }

    #[test]
    fn code_of_another_client_is_rejected_and_spent() {
        let now = Instant::now();
        let mut codes = Codes::default();
        let code = issued(&mut codes, now);
        let redeemed = codes.redeem(&code, "0oaother", URI, &verifier(), now);
        assert_eq!(redeemed, Err(Vec::new()));
        assert!(codes.redeem(&code, CLIENT, URI, &verifier(), now).is_err());
    }

    #[test]
    fn code_is_rejected_from_the_60th_second_on() {
        let now = Instant::now();
        let mut codes = Codes::default();
        let code = issued(&mut codes, now);
        assert!(
            codes
                .redeem(&code, CLIENT, URI, &verifier(), now + LIFETIME)
                .is_err()
        );
        let code = issued(&mut codes, now);
        let last = now + LIFETIME - Duration::from_millis(1);
        assert!(codes.redeem(&code, CLIENT, URI, &verifier(), last).is_ok());
    }

    #[test]
    fn code_is_accepted_once_and_reports_its_tokens_afterwards() {
        let now = Instant::now();
        let mut codes = Codes::default();
        let code = issued(&mut codes, now);
        assert_eq!(
            codes
                .redeem(&code, CLIENT, URI, &verifier(), now)
                .unwrap()
                .subject,
            "ada"
        );
        codes.issued(&code, vec!["token".to_owned()]);
        assert_eq!(
            codes.redeem(&code, CLIENT, URI, &verifier(), now),
            Err(vec!["token".to_owned()])
        );
    }

    #[test]
    fn codes_and_refresh_tokens_are_bounded() {
        let now = Instant::now();
        let mut codes = Codes::default();
        let first = issued(&mut codes, now);
        for _ in 0..LIMIT {
            issued(&mut codes, now);
        }
        assert_eq!(codes.0.len(), LIMIT);
        let grant = codes.redeem(&first, CLIENT, URI, &verifier(), now);
        assert!(grant.is_err());
    }

    #[test]
    fn refresh_token_is_removed_once() {
        let mut tokens = RefreshTokens::default();
        let grant = Grant {
            client_id: CLIENT.to_owned(),
            subject: "ada".to_owned(),
            scopes: Vec::new(),
            nonce: None,
            resource: None,
        };
        tokens.insert("token".to_owned(), grant);
        assert!(tokens.remove("token"));
        assert!(!tokens.remove("token"));
    }

    #[test]
    fn challenge_is_a_digest_in_base64url() {
        assert!(is_challenge(&fingerprint(b"any")));
        assert!(!is_challenge(&"=".repeat(43)));
        assert!(!is_challenge("short"));
    }
}
