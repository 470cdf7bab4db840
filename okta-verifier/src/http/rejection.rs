//! The response to a rejected request: status and headers (RFC 6750 §3, RFC 9449 §7). Adapters do not
//! choose a status or a challenge themselves, so all of them send the same bytes.

use std::{fmt, sync::Arc, time::Duration};

use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::{
    Anonymous, ApplicationRejection, Challenges, Malformed, Problem, Remedy, Scheme,
    application::whole_seconds,
    codes::{
        APPLICATION, FORBIDDEN, INSUFFICIENT_SCOPE, INSUFFICIENT_USER_AUTHENTICATION,
        INVALID_REQUEST, MISCONFIGURED_LAYER, MISSING_LAYER, NO_CREDENTIALS, UNREADABLE_CLAIMS,
        slot,
    },
    rejection_event::Reason,
};
use crate::{
    error::{ClaimError, ConfigError, MalformedTokenError, RevokedReason, VerifyError},
    stats::IssuerCounters,
    token::logged_claims::LoggedClaims,
};

/// The response to a rejected request: its status and headers.
///
/// | situation | status | `WWW-Authenticate` |
/// |---|---|---|
/// | no credentials, or another scheme | 401 | `Bearer realm="api"` |
/// | malformed or repeated credentials | 400 | `error="invalid_request"` |
/// | the token is not valid | 401 | `error="invalid_token"` |
/// | the token must be bound, but is not | 401 | `DPoP …, error="invalid_token"` |
/// | the DPoP proof is missing or not valid | 401 | `DPoP …, error="invalid_dpop_proof"` |
/// | the DPoP proof needs a nonce | 401 | `DPoP …, error="use_dpop_nonce"`, and a `DPoP-Nonce` |
/// | the user must authenticate again | 401 | `error="insufficient_user_authentication"`, `acr_values`, `max_age` |
/// | a scope is missing | 403 | `error="insufficient_scope"`, `scope` |
/// | another rule is not met | 403 | none |
/// | the issuer is unavailable | 503 | none, but `Retry-After` in seconds |
/// | no layer in front of the handler verifies tokens, or the settings of the layer do not fit the verifier | 500 | none |
/// | the application rejects the request ([`application`](Self::application)) | 503, or 4xx but 401 | none |
///
/// With a [`Resource`](crate::Resource), each challenge names its metadata in `resource_metadata` (RFC 9728
/// §5.1). If the layer requires a policy, the challenges of a 401 name its scopes in `scope`.
///
/// Every rejection has `Cache-Control: no-store` and an empty body; [`ProblemDetails`](crate::ProblemDetails)
/// writes one. The response never contains the exact
/// cause. If the token was rejected, [`error`](Self::error) returns the cause, for logs. With
/// [`VerifierBuilder::dpop`](crate::VerifierBuilder::dpop), a rejection for missing, malformed or invalid
/// credentials has one line for each of the schemes `Bearer` and `DPoP`. The error is in the line of the
/// scheme that the client used, or in both lines if the scheme is ambiguous. If the token must be bound but is
/// not, the error is in the line of the scheme `DPoP`, with which the client must send a bound token. A
/// rejection of a valid token by another rule of a policy has only the line of the token's scheme. The responses
/// follow RFC 6750 §3 and RFC 9449 §7.
///
/// ```
/// use okta_verifier::Rejection;
///
/// let refusal = Rejection::insufficient_scope("orders:read")?;
/// let response: http::Response<String> = refusal.into_response();
/// assert_eq!(response.status(), 403);
/// assert!(response.headers()["www-authenticate"].to_str()?.ends_with(r#"scope="orders:read""#));
/// assert!(Rejection::insufficient_scope("no \"quotes\"").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Rejection {
    status: StatusCode,
    challenge: Option<HeaderValue>,
    /// `None` if there is no second challenge. The box keeps `Rejection` small.
    second: Option<Box<Second>>,
    /// The value of `Retry-After`, in seconds.
    retry_after: Option<u32>,
    code: &'static str,
    error: Option<Box<VerifyError>>,
    /// The counters of the issuer that the token belongs to, or `None` if no configured issuer was selected.
    issuer: Option<Arc<IssuerCounters>>,
    /// The part of the policy that the token does not meet.
    unmet: Option<Box<str>>,
    /// Whether the application itself rejected the request.
    is_application: bool,
    /// What an optional layer inserts instead of this rejection. The box keeps `Rejection` small.
    anonymous: Option<Box<Anonymous>>,
}

/// The DPoP challenge that follows a Bearer challenge, and the nonce for the next proof.
#[derive(Clone)]
struct Second {
    challenge: HeaderValue,
    nonce: Option<HeaderValue>,
}

impl Rejection {
    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers, for an adapter that builds the response itself.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let (second, nonce) = match self.second.as_deref().cloned() {
            Some(Second { challenge, nonce }) => (Some(challenge), nonce),
            None => (None, None),
        };
        let challenges = self.challenge.clone().into_iter().chain(second);
        let challenges = challenges.map(|value| (WWW_AUTHENTICATE, value));
        let nonce = nonce.map(|value| (DPOP_NONCE, value));
        let retry_after = self
            .retry_after
            .map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds)));
        // A cached rejection would outlive its cause (RFC 9111 §5.2.2.5).
        let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
        challenges.chain([no_store]).chain(nonce).chain(retry_after)
    }

    /// Returns the values of `WWW-Authenticate`.
    pub(super) fn challenges(&self) -> impl Iterator<Item = &HeaderValue> {
        let second = self.second.as_deref().map(|second| &second.challenge);
        self.challenge.iter().chain(second)
    }

    /// Returns a stable code for logs, metrics and alerts, such as `expired` or `insufficient_scope`. Every
    /// rejection has one. For a token that was rejected, it is [`VerifyError::code`]. For a rejection by
    /// the application, it is the code of its [`ApplicationRejection`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the URL of the issuer whose settings decided, as configured. It is never taken from the
    /// token. Returns `None` if no configured issuer was selected, for example because the request has no
    /// token. If the issuer comes from an [`IssuerResolver`](crate::IssuerResolver), it is the pattern.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// # let reject = |line: &str| {
    /// #     let credentials = RequestCredentials::new([line.as_bytes()]);
    /// #     verifier.authenticate(&credentials).into_ready().unwrap().unwrap_err()
    /// # };
    /// let expired = reject(&format!("Bearer {}", okta.token("ada").expired().sign()));
    /// assert_eq!(expired.issuer(), Some(okta.issuer_url()));
    ///
    /// let malformed = reject("Bearer no-token"); // selects no issuer
    /// assert_eq!(malformed.issuer(), None);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref().map(IssuerCounters::issuer)
    }

    /// Returns the part of the policy that the token does not meet, as text, such as `scope
    /// "orders:write"`. Returns `None` if no policy rejected the request.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Rejection, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let token = verifier.verify(&okta.token("ada").scope("orders:write").sign()).await?;
    /// const EDIT: Policy = Policy::all(&[Policy::scope("orders:write"), Policy::group("Editors")]);
    /// let rejection = token.require(EDIT).unwrap_err();
    /// assert_eq!(rejection.unmet_policy(), Some(r#"group "Editors""#));
    ///
    /// assert_eq!(Rejection::insufficient_scope("orders:read")?.unmet_policy(), None); // not by a policy
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn unmet_policy(&self) -> Option<&str> {
        self.unmet.as_deref()
    }

    /// Returns whether the application itself rejected the request, with [`application`](Self::application)
    /// or [`VerifiedToken::reject`](crate::VerifiedToken::reject). The [`code`](Self::code) is then the
    /// application's own.
    ///
    /// ```
    /// use okta_verifier::{ApplicationRejection, Rejection};
    ///
    /// assert!(Rejection::application(ApplicationRejection::new(409, "order_closed")).is_application());
    /// assert!(!Rejection::insufficient_scope("orders:read")?.is_application());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_application(&self) -> bool {
        self.is_application
    }

    /// Returns why the token was rejected, for logs and metrics. Returns `None` if the credentials are
    /// missing or malformed, and if the token is valid but the request is rejected. For a token above the
    /// size limit, this method returns an error, although the status is 400.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let late = format!("Bearer {}", okta.token("ada").expired().sign());
    /// let refusal = verifier.authenticate(&RequestCredentials::new([late.as_bytes()])).into_ready().unwrap().unwrap_err();
    /// assert_eq!(refusal.error().map(|error| error.code()), Some("expired")); // a label for a metric
    ///
    /// let nothing = verifier.authenticate(&RequestCredentials::new([])).into_ready().unwrap().unwrap_err();
    /// assert!(nothing.error().is_none());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<&VerifyError> {
        self.error.as_deref()
    }

    /// Returns the extension that an optional layer inserts instead of this rejection, if it treats a request
    /// with an expired token as anonymous.
    ///
    /// Returns `None` unless [`RequestCredentials::expired_as_anonymous`](super::RequestCredentials::expired_as_anonymous)
    /// was called and the expiry is the only defect of the token. The code is then `expired`, and one event
    /// at `debug` says that the token is treated as anonymous, in place of the event of a rejection. The
    /// adapter may still respond with the rejection.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::RequestCredentials, Policy, Verifier};
    /// # let okta = TestIssuer::new("api://news");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let mut request = http::Request::new(());
    /// # let authorization = format!("Bearer {}", okta.token("ada").expired().sign());
    /// let credentials = RequestCredentials::new([authorization.as_bytes()]).expired_as_anonymous();
    /// let rejection = verifier.authenticate(&credentials).into_ready().unwrap().unwrap_err();
    /// if let Some(anonymous) = rejection.as_anonymous() {
    ///     request.extensions_mut().insert(anonymous.clone());
    /// }
    ///
    /// // A handler that requires a token rejects the request as expired.
    /// let rejection = Policy::any_token().admit(None, request.extensions().get()).unwrap_err();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (401, "expired"));
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn as_anonymous(&self) -> Option<&Anonymous> {
        self.anonymous.as_deref()
    }

    /// Returns the whole response with an empty body. The response's extensions contain this rejection, so
    /// that an outer layer can log it or write a body.
    #[must_use]
    pub fn into_response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers());
        response.extensions_mut().insert(self);
        response
    }

    /// Returns a 403 that names scopes that are determined at run time, for code that has no
    /// [`VerifiedToken`](crate::VerifiedToken). The challenge has the scheme `Bearer` and the realm `api`.
    /// With a token, use [`VerifiedToken::insufficient_scope`](crate::VerifiedToken::insufficient_scope),
    /// whose challenge has the scheme of the request and the realm of the verifier. For scopes known at
    /// compile time, use [`Policy::scope`](crate::Policy::scope).
    ///
    /// # Errors
    ///
    /// Returns an error if `scope` is not a list of scope tokens separated by single spaces (RFC 6749
    /// §3.3).
    pub fn insufficient_scope(scope: &str) -> Result<Self, ConfigError> {
        let challenges = Challenges::new(DEFAULT_REALM)?;
        Self::lacks_scope(&challenges, Scheme::Bearer, scope, None, None)
    }

    /// Returns a 403 for a valid token of this issuer whose claims do not fit the type that a handler reads, and logs a
    /// warning. The response has no challenge, because no other scope would help.
    pub(crate) fn unreadable_claims(error: &ClaimError, issuer: &Arc<IssuerCounters>) -> Self {
        let rejection = Self::plain(StatusCode::FORBIDDEN, UNREADABLE_CLAIMS);
        let rejection = rejection.of_issuer(Some(issuer.clone()));
        tracing::warn!(
            issuer = rejection.issuer(),
            %error,
            "a valid token does not fit the claims that the handler reads"
        );
        rejection.logged(error, None)
    }

    /// Returns a 500 for a handler that needs a token on a route without a layer that verifies tokens, and
    /// logs an error. The request must be rejected, because no token was verified.
    ///
    /// ```
    /// use okta_verifier::{Rejection, VerifiedToken};
    ///
    /// /// For an extractor of your own.
    /// fn token(extensions: &http::Extensions) -> Result<&VerifiedToken, Rejection> {
    ///     extensions.get().ok_or_else(Rejection::missing_layer)
    /// }
    /// assert_eq!(token(&http::Extensions::new()).unwrap_err().status(), 500);
    /// ```
    #[must_use]
    pub fn missing_layer() -> Self {
        tracing::error!(
            "no token was verified before the handler, RequireLayer, McpLayer or RequireMiddleware that needs one; with axum, call .route_layer(VerifyLayer::new(verifier)) last, after the routes; with actix-web, call .wrap(VerifyMiddleware::new(verifier)) last; with tower's ServiceBuilder, call .layer(VerifyLayer::new(verifier)) first"
        );
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, MISSING_LAYER)
            .logged("no layer in front of the handler verifies tokens", None)
    }

    /// Returns a 500 for a request to a layer whose settings do not fit its verifier. The request must be rejected,
    /// because the layer does not say for which resource the token has to be.
    pub(crate) fn misconfigured_layer(problem: &str) -> Self {
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, MISCONFIGURED_LAYER).logged(problem, None)
    }

    /// Returns a rejection that the application itself decides, for code that has no
    /// [`VerifiedToken`](crate::VerifiedToken). With a token, use
    /// [`VerifiedToken::reject`](crate::VerifiedToken::reject), which also names the issuer in the log. The
    /// response has no challenge.
    ///
    /// ```
    /// use okta_verifier::{ApplicationRejection, Rejection};
    ///
    /// const READ_ONLY: ApplicationRejection = ApplicationRejection::new(503, "read_only");
    ///
    /// fn write(is_read_only: bool) -> Result<(), Rejection> {
    ///     if is_read_only { Err(Rejection::application(READ_ONLY)) } else { Ok(()) }
    /// }
    /// assert!(write(false).is_ok());
    /// assert_eq!(write(true).unwrap_err().status(), 503);
    /// ```
    #[must_use]
    pub fn application(rejection: ApplicationRejection) -> Self {
        Self::by_application(rejection, None)
    }

    /// Returns the rejection that the application itself decides, of a token of this issuer.
    pub(crate) fn by_application(
        rejection: ApplicationRejection,
        issuer: Option<&Arc<IssuerCounters>>,
    ) -> Self {
        let (status, code, retry_after) = rejection.parts();
        // `ApplicationRejection` has only statuses that `StatusCode` accepts.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        let rejection = Self {
            retry_after,
            is_application: true,
            ..Self::plain(status, code).of_issuer(issuer.cloned())
        };
        rejection.logged("rejected by the application", None)
    }

    /// Returns a 401 that offers every scheme and reports no error (RFC 9449 §7.2).
    pub(crate) fn unauthenticated(challenges: &Challenges, reason: &'static str) -> Self {
        Self::without_credentials(challenges.for_anonymous(&[])).logged(reason, None)
    }

    /// Returns the 401 for a request without credentials, with these challenges.
    pub(super) fn without_credentials(challenges: [Option<HeaderValue>; 2]) -> Self {
        Self::with(StatusCode::UNAUTHORIZED, NO_CREDENTIALS, challenges)
    }

    pub(crate) fn malformed(challenges: &Challenges, malformed: Malformed) -> Self {
        let Malformed { scheme, problem } = malformed;
        let challenges = challenges.for_malformed(scheme);
        let rejection = |code| Self::with(StatusCode::BAD_REQUEST, code, challenges);
        match problem {
            Problem::TooLarge { limit } => {
                let error = VerifyError::from(MalformedTokenError::TooLarge { limit });
                rejection(error.code()).with_error(error).logged_error(None)
            }
            Problem::Syntax(reason) => rejection(INVALID_REQUEST).logged(reason, None),
        }
    }

    /// Returns a 403 that names the required scopes, for a token that was sent with this scheme.
    pub(crate) fn lacks_scope(
        challenges: &Challenges,
        scheme: Scheme,
        scope: &str,
        issuer: Option<&Arc<IssuerCounters>>,
        claims: Option<&LoggedClaims>,
    ) -> Result<Self, ConfigError> {
        let challenge = challenges.insufficient_scope(scheme, scope)?;
        let challenges = [Some(challenge), None];
        let rejection = Self::with(StatusCode::FORBIDDEN, INSUFFICIENT_SCOPE, challenges);
        let rejection = rejection.of_issuer(issuer.cloned());
        Ok(rejection.logged("the token lacks a required scope", claims))
    }

    /// Returns the rejection of a token that was sent with this scheme: 503 if something that the verification
    /// needs is unavailable, such as the issuer's keys, otherwise 401.
    pub(crate) fn for_error(
        challenges: &Challenges,
        scheme: Scheme,
        error: VerifyError,
        issuer: Option<Arc<IssuerCounters>>,
        claims: Option<&LoggedClaims>,
    ) -> Self {
        Self::of_error(challenges, scheme, error, issuer).logged_error(claims)
    }

    /// Returns the rejection without logging it.
    pub(super) fn of_error(
        challenges: &Challenges,
        scheme: Scheme,
        error: VerifyError,
        issuer: Option<Arc<IssuerCounters>>,
    ) -> Self {
        let rejection = match error {
            VerifyError::Unavailable { retry_after, .. } => Self {
                retry_after: Some(seconds(retry_after)),
                ..Self::plain(StatusCode::SERVICE_UNAVAILABLE, error.code())
            },
            // A new token of the same login would be rejected too, so the user must log in again (RFC 9470 §3).
            VerifyError::Revoked(RevokedReason::Login { max_age }) => {
                let mut remedy = Remedy::default();
                remedy.max_age(max_age, false);
                let challenge = challenges.insufficient_authentication(scheme, &remedy);
                Self::with(
                    StatusCode::UNAUTHORIZED,
                    error.code(),
                    match challenge {
                        Ok(challenge) => [Some(challenge), None],
                        Err(_) => challenges.for_error(scheme, &error),
                    },
                )
            }
            _ => Self::with(
                StatusCode::UNAUTHORIZED,
                error.code(),
                challenges.for_error(scheme, &error),
            ),
        };
        rejection.of_issuer(issuer).with_error(error)
    }

    /// Adds what an optional layer may insert instead of this rejection.
    pub(super) fn or_anonymous(self, anonymous: Anonymous) -> Self {
        Self {
            anonymous: Some(Box::new(anonymous)),
            ..self
        }
    }

    fn with_error(self, error: VerifyError) -> Self {
        Self {
            error: Some(Box::new(error)),
            ..self
        }
    }

    /// Logs the rejection with its error.
    pub(super) fn logged_error(self, claims: Option<&LoggedClaims>) -> Self {
        if let Some(error) = &self.error {
            self.log(error.reason_code(), &Reason(error), claims);
        }
        self
    }

    pub(super) fn logged(self, reason: impl fmt::Display, claims: Option<&LoggedClaims>) -> Self {
        self.log(None, &reason, claims);
        self
    }

    /// Logs the rejection with the code of its reason.
    #[cfg(feature = "mcp")]
    pub(super) fn logged_with_code(
        self,
        reason_code: Option<&'static str>,
        reason: impl fmt::Display,
        claims: Option<&LoggedClaims>,
    ) -> Self {
        self.log(reason_code, &reason, claims);
        self
    }

    /// Adds the nonce that the next proof must have (RFC 9449 §9).
    pub(crate) fn with_nonce(mut self, nonce: Option<HeaderValue>) -> Self {
        if let Some(second) = &mut self.second {
            second.nonce = nonce;
        }
        self
    }

    /// Returns the counters of the issuer whose settings decided.
    pub(crate) fn counters(&self) -> Option<&Arc<IssuerCounters>> {
        self.issuer.as_ref()
    }

    /// Returns the position of the code in [`CODES`](super::CODES).
    pub(crate) fn slot(&self) -> usize {
        // The codes of an application are counted together, because their number has no bound.
        slot(if self.is_application {
            APPLICATION
        } else {
            self.code
        })
    }

    /// Names the issuer whose settings decided.
    fn of_issuer(mut self, issuer: Option<Arc<IssuerCounters>>) -> Self {
        self.issuer = issuer;
        self
    }

    /// Returns the rejection of a valid token that does not meet a policy. The challenge names the remedy,
    /// if there is one.
    pub(crate) fn for_policy(
        challenges: &Challenges,
        scheme: Scheme,
        remedy: Option<&Remedy<'_>>,
        unmet: String,
        issuer: &Arc<IssuerCounters>,
        claims: Option<&LoggedClaims>,
    ) -> Self {
        // `Policy` and `OwnedPolicy` accept only valid scopes and acr values, so the challenge can
        // always be built. If it could not be built, the request would still be rejected.
        let or_forbidden = |status, code, challenge: Result<HeaderValue, ConfigError>| {
            challenge.map_or_else(
                |_| Self::forbidden(),
                |value| Self::with(status, code, [Some(value), None]),
            )
        };
        let binding = VerifyError::BindingRequired;
        let rejection = match remedy {
            None => Self::forbidden(),
            // The client needs another token in any case, so the challenge names no scope.
            Some(remedy) if remedy.lacks_binding => Self::with(
                StatusCode::UNAUTHORIZED,
                binding.code(),
                challenges.for_error(scheme, &binding),
            ),
            Some(remedy) if remedy.lacks_authentication => or_forbidden(
                StatusCode::UNAUTHORIZED,
                INSUFFICIENT_USER_AUTHENTICATION,
                challenges.insufficient_authentication(scheme, remedy),
            ),
            Some(remedy) => or_forbidden(
                StatusCode::FORBIDDEN,
                INSUFFICIENT_SCOPE,
                challenges.insufficient_scope(scheme, &remedy.scopes.join(" ")),
            ),
        };
        let reason = match rejection.code {
            INSUFFICIENT_USER_AUTHENTICATION => "the user must authenticate again or more strongly",
            INSUFFICIENT_SCOPE => "the token lacks a required scope",
            code if code == binding.code() => {
                "the token is not bound to a key or a certificate, which the policy requires"
            }
            _ => "the token does not meet the policy",
        };
        let rejection = Self {
            unmet: Some(unmet.into()),
            ..rejection.of_issuer(Some(issuer.clone()))
        };
        rejection.logged(reason, claims)
    }

    pub(super) fn forbidden() -> Self {
        Self::plain(StatusCode::FORBIDDEN, FORBIDDEN)
    }

    fn plain(status: StatusCode, code: &'static str) -> Self {
        Self::with(status, code, [None, None])
    }

    /// Returns a rejection without a challenge, and without logging it.
    #[cfg(feature = "mcp")]
    pub(super) fn without_challenge(
        status: StatusCode,
        code: &'static str,
        retry_after: Option<u32>,
        issuer: Option<Arc<IssuerCounters>>,
    ) -> Self {
        Self {
            retry_after,
            ..Self::plain(status, code).of_issuer(issuer)
        }
    }

    /// Returns a rejection with up to two challenges. The second challenge is that of the scheme DPoP.
    fn with(
        status: StatusCode,
        code: &'static str,
        [challenge, second]: [Option<HeaderValue>; 2],
    ) -> Self {
        let nonce = None;
        Self {
            status,
            challenge,
            second: second.map(|challenge| Box::new(Second { challenge, nonce })),
            retry_after: None,
            code,
            error: None,
            issuer: None,
            unmet: None,
            is_application: false,
            anonymous: None,
        }
    }
}

// Rounds up, so that clients do not retry too early, and limits the result to 1 s to 120 s.
pub(super) fn seconds(retry_after: Duration) -> u32 {
    whole_seconds(retry_after).min(120)
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.status)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rejected with {}", self.status)?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

// The header that gives the client a nonce (RFC 9449 §8.1).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Returns the nonce as a header value, or `None` if there is no nonce.
pub(crate) fn nonce_value(nonce: Option<String>) -> Option<HeaderValue> {
    HeaderValue::try_from(nonce?).ok()
}

/// Returns the headers that give the client a nonce for its next proof. A response with a nonce must not be
/// cached (RFC 9449 §8.2).
pub(crate) fn nonce_headers(
    nonce: Option<String>,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let headers = match nonce_value(nonce) {
        Some(nonce) => {
            let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
            vec![(DPOP_NONCE, nonce), no_store]
        }
        None => Vec::new(),
    };
    // A list is smaller than an adapter that holds two headers, and most verifiers add none.
    headers.into_iter()
}

pub(crate) const DEFAULT_REALM: &str = "api";
