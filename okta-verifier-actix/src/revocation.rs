//! `revocation_routes` and its service, which receive security events.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::{AppService, HttpServiceFactory},
    web::{self, Payload},
};
use okta_verifier::revocation::Revocations;

use crate::bridge;

/// Returns a service that receives the security events of the transmitters (RFC 8935) at `/events/ssf`, or at the path
/// that [`RevocationRoutes::at`] sets. The requests have no access token: add the service to the `App`, outside the
/// scopes that [`VerifyMiddleware`](crate::VerifyMiddleware) wraps.
///
/// [`Revocations::receive_event`] describes the responses.
///
/// ```
/// use actix_web::{App, test, web};
/// use okta_verifier::{Verifier, revocation::{Revocations, Transmitter}};
/// use okta_verifier_actix::{Verified, VerifyMiddleware, revocation_routes};
/// # use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
///
/// async fn orders(_: Verified) -> &'static str {
///     "orders"
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = okta.issuer().any_client_id();
/// let transmitter = Transmitter::okta("https://okta.test").audience(EVENT_AUDIENCE);
/// # let transmitter = transmitter.keys(okta.jwks());
/// let revocations = Revocations::builder().forgets_at_restart().transmitter(transmitter).build()?;
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let app = App::new()
///     .service(web::resource("/orders").wrap(VerifyMiddleware::new(verifier)).get(orders))
///     .service(revocation_routes(&revocations))
///     .service(revocation_routes(&revocations).at("/hooks/okta"));
/// let app = test::init_service(app).await;
///
/// let push = |path: &str, event: String| test::TestRequest::post().uri(path).set_payload(event).to_request();
/// let event = push("/events/ssf", okta.session_revoked("ada").sign());
/// assert_eq!(test::call_service(&app, event).await.status(), 202);
/// let forged = push("/hooks/okta", okta.session_revoked("ada").foreign_key().sign());
/// assert_eq!(test::call_service(&app, forged).await.status(), 400);
///
/// let bearer = format!("Bearer {}", okta.token("ada").sign());
/// let request = test::TestRequest::get().uri("/orders").insert_header(("authorization", bearer)).to_request();
/// assert_eq!(test::call_service(&app, request).await.status(), 401);
/// # Ok(())
/// # }
/// ```
pub fn revocation_routes(revocations: &Revocations) -> RevocationRoutes {
    RevocationRoutes {
        revocations: revocations.clone(),
        path: EVENTS.to_owned(),
    }
}

/// The service that [`revocation_routes`] returns.
#[derive(Clone, Debug)]
#[must_use = "no event is received until the service is added to an app"]
pub struct RevocationRoutes {
    revocations: Revocations,
    path: String,
}

impl RevocationRoutes {
    /// Sets the path, instead of `/events/ssf`.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

impl HttpServiceFactory for RevocationRoutes {
    fn register(self, config: &mut AppService) {
        let Self { revocations, path } = self;
        let respond = move |request: HttpRequest, payload: Payload| {
            let revocations = revocations.clone();
            async move { receive(&revocations, &request, payload).await }
        };
        web::resource(path).to(respond).register(config);
    }
}

async fn receive(
    revocations: &Revocations,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let body = match payload.to_bytes_limited(Revocations::MAX_EVENT).await {
        Ok(Ok(body)) => body,
        // A body that breaks off is no event.
        Ok(Err(_)) => web::Bytes::new(),
        Err(_) => web::Bytes::from_static(&TOO_LARGE),
    };
    bridge::receive_event(revocations, request, &body).await
}

const EVENTS: &str = "/events/ssf";
/// Stands for a body that was not read to its end.
static TOO_LARGE: [u8; Revocations::MAX_EVENT + 1] = [0; Revocations::MAX_EVENT + 1];
