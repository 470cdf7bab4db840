//! `revocation_routes`: the routes that receive security events.

use axum::{Router, body::Body};
use okta_verifier::revocation::{Revocations, Signal};
use okta_verifier_tower::RevocationService;

/// Returns a router that receives the signals of the senders. The requests have no access token: merge the router after
/// the [`VerifyLayer`](crate::VerifyLayer). For other paths, nest the router or route the [`RevocationService`] there.
///
/// | path | if there is | responses |
/// |---|---|---|
/// | `/events/ssf` | always | [`Revocations::receive_event`] |
/// | `/events/logout` | a [`BackChannelLogout`](okta_verifier::revocation::BackChannelLogout) | [`Revocations::receive_logout`] |
/// | `/events/hook` | an [`EventHook`](okta_verifier::revocation::EventHook) | [`Revocations::receive_hook`] |
/// | `/events/universal-logout` | a [`UniversalLogout`](okta_verifier::revocation::UniversalLogout) | [`Revocations::receive_universal_logout`] |
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use okta_verifier::{Verifier, revocation::{Revocations, Transmitter}};
/// use okta_verifier_axum::{RevocationService, Verified, VerifyLayer, revocation_routes};
/// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
/// # use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = okta.issuer().any_client_id();
/// let transmitter = Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE);
/// # let transmitter = transmitter.keys(okta.jwks());
/// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let app = Router::new()
///     .route("/orders", get(async |_: Verified| "orders"))
///     .route_layer(VerifyLayer::new(verifier))
///     .merge(revocation_routes(&revocations))
///     .route_service("/hooks/okta", RevocationService::<fn(_) -> Body>::new(&revocations));
///
/// let bearer = format!("Bearer {}", okta.token("ada").sign());
/// let push = |path: &str, event: String| Request::post(path).body(Body::from(event));
/// let event = push("/events/ssf", okta.session_revoked("ada").sign())?;
/// assert_eq!(app.clone().oneshot(event).await?.status(), 202);
/// let forged = push("/hooks/okta", okta.session_revoked("ada").foreign_key().sign())?;
/// assert_eq!(app.clone().oneshot(forged).await?.status(), 400);
///
/// let request = Request::get("/orders").header("authorization", bearer).body(Body::empty())?;
/// assert_eq!(app.oneshot(request).await?.status(), 401);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// `Router::merge` panics if the other router has one of these paths too.
pub fn revocation_routes<S: Clone + Send + Sync + 'static>(revocations: &Revocations) -> Router<S> {
    let service = RevocationService::<fn(String) -> Body>::new(revocations);
    let mut router = Router::new().route_service(EVENTS, service.clone());
    if revocations.receives(Signal::BackChannelLogout) {
        router = router.route_service(LOGOUTS, service.clone().logouts());
    }
    if revocations.receives(Signal::EventHook) {
        router = router.route_service(HOOKS, service.clone().hooks());
    }
    if revocations.receives(Signal::UniversalLogout) {
        router = router.route_service(UNIVERSAL_LOGOUTS, service.universal_logouts());
    }
    router
}

const EVENTS: &str = "/events/ssf";
const LOGOUTS: &str = "/events/logout";
const HOOKS: &str = "/events/hook";
const UNIVERSAL_LOGOUTS: &str = "/events/universal-logout";
