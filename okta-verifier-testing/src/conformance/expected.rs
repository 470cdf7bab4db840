//! What must come out, to the byte.

/// What kind of answer a case wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    /// No credentials, or another scheme.
    Unauthenticated,
    Malformed,
    /// The same, and which scheme was meant is open.
    Ambiguous,
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
    /// The DPoP proof is missing, or is not for this request.
    InvalidProof,
}

/// What DPoP has to do with a case: where it is offered, each scheme has a challenge of its own, and
/// the error stands with the scheme that was used (RFC 9449 §7.1, §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dpop {
    NotOffered,
    Offered,
    Used,
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
/// let challenges: Vec<&str> = expected.www_authenticate().collect();
/// assert!(challenges.len() == 1 && challenges[0].contains(r#"error="invalid_request""#));
///
/// let good = cases.iter().find(|case| case.name() == "a good token").unwrap();
/// assert_eq!((good.expected().status(), good.expected().www_authenticate().count()), (200, 0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    status: u16,
    www_authenticate: Vec<String>,
    cache_control: Option<&'static str>,
    retry_after: Option<&'static str>,
}

impl Expected {
    /// 200 where the request is served.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Each `WWW-Authenticate` line, in order: one a scheme, and none where nothing would help.
    pub fn www_authenticate(&self) -> impl Iterator<Item = &str> {
        self.www_authenticate.iter().map(String::as_str)
    }

    /// `Cache-Control`; `None`: there must be no such field.
    #[must_use]
    pub fn cache_control(&self) -> Option<&str> {
        self.cache_control
    }

    /// `Retry-After`; `None`: there must be no such field.
    ///
    /// ```
    /// use okta_verifier_testing::conformance;
    ///
    /// let cases = conformance::cases();
    /// let of = |status| cases.iter().map(|case| case.expected()).find(|it| it.status() == status).unwrap();
    /// assert!(of(503).retry_after().is_some());
    /// assert!(of(401).retry_after().is_none()); // coming back with the same token would not help
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<&str> {
        self.retry_after
    }

    /// RFC 6750 §3 and RFC 9449 §7 in the words of this family; `realm` and `scope` are the API's.
    pub(super) fn of(verdict: Verdict, dpop: Dpop, realm: &str, scope: &str) -> Self {
        let bearer = |parameters: &str| format!(r#"Bearer realm="{realm}"{parameters}"#);
        let bound = |parameters: &str| format!(r#"DPoP realm="{realm}"{parameters}, {ALGS}"#);
        // What a policy demands is told under the scheme that was used, alone.
        let demanded = |parameters: &str| match dpop {
            Dpop::Used => vec![bound(parameters)],
            _ => vec![bearer(parameters)],
        };
        let each = |under_bearer: &str, under_dpop: &str| match dpop {
            Dpop::NotOffered => vec![bearer(under_bearer)],
            _ => vec![bearer(under_bearer), bound(under_dpop)],
        };
        let failed = |parameters: &str| match dpop {
            Dpop::Used => each("", parameters),
            _ => each(parameters, ""),
        };
        let (status, www_authenticate) = match verdict {
            Verdict::Accepted => (200, vec![]),
            Verdict::Unauthenticated => (401, each("", "")),
            Verdict::Malformed => (400, failed(INVALID_REQUEST)),
            Verdict::Ambiguous => (400, each(INVALID_REQUEST, INVALID_REQUEST)),
            Verdict::InvalidToken => (401, failed(INVALID_TOKEN)),
            Verdict::InvalidProof => (401, failed(INVALID_PROOF)),
            Verdict::LacksScope => {
                let scope = format!(r#"{INSUFFICIENT_SCOPE}, scope="{scope}""#);
                (403, demanded(&scope))
            }
            Verdict::Forbidden => (403, vec![]),
            Verdict::StepUp => (401, demanded(&format!("{STEP_UP}, {STRONG}"))),
            Verdict::StepUpAndScope => {
                let parameters = format!(r#"{STEP_UP}, scope="{scope}", {STRONG}"#);
                (401, demanded(&parameters))
            }
            Verdict::Unavailable => (503, vec![]),
            Verdict::MissingLayer => (500, vec![]),
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
const INVALID_PROOF: &str =
    r#", error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid""#;
const ALGS: &str = r#"algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA""#;
const INSUFFICIENT_SCOPE: &str =
    r#", error="insufficient_scope", error_description="The access token lacks a required scope""#;
const STEP_UP: &str = r#", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly""#;
const STRONG: &str = r#"acr_values="phrh phr", max_age="300""#;
