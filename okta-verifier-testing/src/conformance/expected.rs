//! The expected responses, to the byte.

/// The kind of response that a case expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    /// The request has no credentials, or credentials of another scheme.
    Unauthenticated,
    Malformed,
    /// The credentials are malformed, and the scheme is ambiguous.
    Ambiguous,
    InvalidToken,
    LacksScope,
    /// The token is valid but not allowed, and no scope would change that.
    Forbidden,
    /// The user must authenticate again.
    StepUp,
    /// The user must authenticate again, and a scope is missing too.
    StepUpAndScope,
    /// The issuer's keys are unavailable.
    Unavailable,
    /// The route has no layer.
    MissingLayer,
    /// The DPoP proof is missing, or is not valid for this request.
    InvalidProof,
}

impl Outcome {
    /// Returns the status and the error code, for the name of a case.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "200",
            Self::Unauthenticated => "401",
            Self::Malformed | Self::Ambiguous => "400 invalid_request",
            Self::InvalidToken => "401 invalid_token",
            Self::InvalidProof => "401 invalid_dpop_proof",
            Self::LacksScope => "403 insufficient_scope",
            Self::Forbidden => "403",
            Self::StepUp => "401 insufficient_user_authentication",
            Self::StepUpAndScope => "401 insufficient_user_authentication, with the scope",
            Self::Unavailable => "503",
            Self::MissingLayer => "500",
        }
    }
}

/// The role of DPoP in a case. An API that offers DPoP sends one challenge per scheme. The error is in
/// the challenge of the scheme that the request used (RFC 9449 §7.1, §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dpop {
    NotOffered,
    Offered,
    Used,
}

/// The scopes that a challenge names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'s> {
    /// In a 403 only, because the layer of the route requires no scope.
    ByPolicies(&'s str),
    /// In a 401 too, because the layer of the route requires a scope.
    ByLayer(&'s str),
}

/// The expected response of a case: the status and the three fields of a rejection.
///
/// ```
/// use okta_verifier_testing::conformance;
///
/// let cases = conformance::cases();
/// let two_lines = cases.iter().find(|case| case.name() == "malformed credentials: the same line twice => 400 invalid_request").unwrap();
/// let expected = two_lines.expected();
/// assert_eq!(expected.status(), 400);
/// assert_eq!(expected.cache_control(), Some("no-store"));
/// let challenges: Vec<&str> = expected.www_authenticate().collect();
/// assert!(challenges.len() == 1 && challenges[0].contains(r#"error="invalid_request""#));
///
/// let good = cases.iter().find(|case| case.name() == "credentials: a valid token => 200").unwrap();
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
    /// Returns the status, which is 200 if the request is served.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the `WWW-Authenticate` lines, in order: at most one per scheme, and none if no
    /// credentials would help.
    pub fn www_authenticate(&self) -> impl Iterator<Item = &str> {
        self.www_authenticate.iter().map(String::as_str)
    }

    /// Returns `Cache-Control`, or `None` if the field must be absent.
    #[must_use]
    pub fn cache_control(&self) -> Option<&str> {
        self.cache_control
    }

    /// Returns `Retry-After`, or `None` if the field must be absent.
    ///
    /// ```
    /// use okta_verifier_testing::conformance;
    ///
    /// let cases = conformance::cases();
    /// let of = |status| cases.iter().map(|case| case.expected()).find(|it| it.status() == status).unwrap();
    /// assert!(of(503).retry_after().is_some());
    /// assert!(of(401).retry_after().is_none()); // a retry with the same token would not help
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<&str> {
        self.retry_after
    }

    /// Builds the response of RFC 6750 §3, RFC 9449 §7 and RFC 9728 §5.1 for the API's `realm`, and for the scopes
    /// and the metadata of the route.
    pub(super) fn of(
        outcome: Outcome,
        dpop: Dpop,
        realm: &str,
        scope: Named<'_>,
        metadata: Option<&str>,
    ) -> Self {
        let metadata = metadata.map_or(String::new(), |url| {
            format!(r#", resource_metadata="{url}""#)
        });
        let bearer = |parameters: &str| format!(r#"Bearer realm="{realm}"{parameters}{metadata}"#);
        let bound =
            |parameters: &str| format!(r#"DPoP realm="{realm}"{parameters}{metadata}, {ALGS}"#);
        // The scopes that a layer requires are in each challenge of a 401, and in those without an error.
        let (of_layer, scope) = match scope {
            Named::ByPolicies(scope) => (String::new(), scope),
            Named::ByLayer(scope) => (format!(r#", scope="{scope}""#), scope),
        };
        let with_layer = |parameters: &str| format!("{parameters}{of_layer}");
        // An unmet policy has one challenge only, that of the scheme that the request used.
        let unmet = |parameters: &str| match dpop {
            Dpop::Used => vec![bound(parameters)],
            _ => vec![bearer(parameters)],
        };
        let each = |under_bearer: &str, under_dpop: &str| match dpop {
            Dpop::NotOffered => vec![bearer(under_bearer)],
            _ => vec![bearer(under_bearer), bound(under_dpop)],
        };
        let failed = |parameters: &str| match dpop {
            Dpop::Used => each(&of_layer, parameters),
            _ => each(parameters, &of_layer),
        };
        let (status, www_authenticate) = match outcome {
            Outcome::Accepted => (200, vec![]),
            Outcome::Unauthenticated => (401, each(&of_layer, &of_layer)),
            Outcome::Malformed => (400, failed(INVALID_REQUEST)),
            Outcome::Ambiguous => (400, each(INVALID_REQUEST, INVALID_REQUEST)),
            Outcome::InvalidToken => (401, failed(&with_layer(INVALID_TOKEN))),
            Outcome::InvalidProof => (401, failed(&with_layer(INVALID_PROOF))),
            Outcome::LacksScope => {
                let scope = format!(r#"{INSUFFICIENT_SCOPE}, scope="{scope}""#);
                (403, unmet(&scope))
            }
            Outcome::Forbidden => (403, vec![]),
            Outcome::StepUp => (401, unmet(&format!("{STEP_UP}, {STRONG}"))),
            Outcome::StepUpAndScope => {
                let parameters = format!(r#"{STEP_UP}, scope="{scope}", {STRONG}"#);
                (401, unmet(&parameters))
            }
            Outcome::Unavailable => (503, vec![]),
            Outcome::MissingLayer => (500, vec![]),
        };
        Self {
            status,
            www_authenticate,
            cache_control: (status != 200).then_some("no-store"),
            // The back-off starts at 250 ms and doubles, so `Retry-After` rounds up to 1 for the first
            // three failures. The test `table_is_sound` checks that exactly three cases expect 503.
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
