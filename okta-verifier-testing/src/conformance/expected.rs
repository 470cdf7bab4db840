//! What must come out, to the byte.

/// What kind of answer a case wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    /// No credentials, or another scheme.
    Unauthenticated,
    Malformed,
    InvalidToken,
    LacksScope,
    /// No scope would help.
    Forbidden,
    /// The user must authenticate anew.
    StepUp,
    /// The same, and a scope lacks too.
    StepUpAndScope,
    /// The issuer's keys cannot be had.
    Unavailable,
    /// A route without its layer.
    MissingLayer,
}

/// The answer that a case wants: status and the three fields of a refusal.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::cases();
/// let two_lines = cases.iter().find(|case| case.name() == "the same line twice").unwrap();
/// let expected = two_lines.expected();
/// assert_eq!(expected.status(), 400);
/// assert_eq!(expected.cache_control(), Some("no-store"));
/// assert!(expected.www_authenticate().unwrap().contains(r#"error="invalid_request""#));
///
/// let good = cases.iter().find(|case| case.name() == "a good token").unwrap();
/// assert_eq!((good.expected().status(), good.expected().www_authenticate()), (200, None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    status: u16,
    www_authenticate: Option<String>,
    cache_control: Option<&'static str>,
    retry_after: Option<&'static str>,
}

impl Expected {
    /// 200 where the request is served.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The one `WWW-Authenticate` line; `None`: there must be no such field.
    #[must_use]
    pub fn www_authenticate(&self) -> Option<&str> {
        self.www_authenticate.as_deref()
    }

    /// `Cache-Control`; `None`: there must be no such field.
    #[must_use]
    pub fn cache_control(&self) -> Option<&str> {
        self.cache_control
    }

    /// `Retry-After`; `None`: there must be no such field.
    #[must_use]
    pub fn retry_after(&self) -> Option<&str> {
        self.retry_after
    }

    /// RFC 6750 §3 in the words of this family; `realm` and `scope` are the API's.
    pub(super) fn of(verdict: Verdict, realm: &str, scope: &str) -> Self {
        let bearer = |parameters: &str| Some(format!(r#"Bearer realm="{realm}"{parameters}"#));
        let (status, www_authenticate) = match verdict {
            Verdict::Accepted => (200, None),
            Verdict::Unauthenticated => (401, bearer("")),
            Verdict::Malformed => (400, bearer(INVALID_REQUEST)),
            Verdict::InvalidToken => (401, bearer(INVALID_TOKEN)),
            Verdict::LacksScope => {
                let scope = format!(r#"{INSUFFICIENT_SCOPE}, scope="{scope}""#);
                (403, bearer(&scope))
            }
            Verdict::Forbidden => (403, None),
            Verdict::StepUp => (401, bearer(&format!("{STEP_UP}, {STRONG}"))),
            Verdict::StepUpAndScope => {
                let parameters = format!(r#"{STEP_UP}, scope="{scope}", {STRONG}"#);
                (401, bearer(&parameters))
            }
            Verdict::Unavailable => (503, None),
            Verdict::MissingLayer => (500, None),
        };
        Self {
            status,
            www_authenticate,
            cache_control: (status != 200).then_some("no-store"),
            // The delay doubles from a quarter of a second, so for the first three it is at most
            // one: `the_table_is_sound` counts them.
            retry_after: (status == 503).then_some("1"),
        }
    }
}

const INVALID_REQUEST: &str =
    r#", error="invalid_request", error_description="The request's credentials are malformed""#;
const INVALID_TOKEN: &str =
    r#", error="invalid_token", error_description="The access token is invalid or has expired""#;
const INSUFFICIENT_SCOPE: &str =
    r#", error="insufficient_scope", error_description="The access token lacks a required scope""#;
const STEP_UP: &str = r#", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly""#;
const STRONG: &str = r#"acr_values="phrh phr", max_age="300""#;
