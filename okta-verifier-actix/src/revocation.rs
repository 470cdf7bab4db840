//! `revocation_routes` and its service, which receive security events.

use actix_web::{
    HttpRequest,
    dev::{AppService, HttpServiceFactory},
    web::{self, Payload},
};
use okta_verifier::revocation::{Revocations, Signal};

use crate::bridge;

/// Returns a service that receives the signals of the senders. The requests have no access token: add the service to the
/// `App`, outside the scopes that [`VerifyMiddleware`](crate::VerifyMiddleware) wraps. The methods of
/// [`RevocationRoutes`] set other paths.
///
/// | path | if there is | responses |
/// |---|---|---|
/// | `/events/ssf` | always | [`Revocations::receive_event`] |
/// | `/events/logout` | a [`BackChannelLogout`](okta_verifier::revocation::BackChannelLogout) | [`Revocations::receive_logout`] |
/// | `/events/hook` | an [`EventHook`](okta_verifier::revocation::EventHook) | [`Revocations::receive_hook`] |
/// | `/events/universal-logout` | a [`UniversalLogout`](okta_verifier::revocation::UniversalLogout) | [`Revocations::receive_universal_logout`] |
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
/// let bearer = format!("Bearer {}", okta.token("ada").sign());
/// let push = |path: &str, event: String| test::TestRequest::post().uri(path).set_payload(event).to_request();
/// let event = push("/events/ssf", okta.session_revoked("ada").sign());
/// assert_eq!(test::call_service(&app, event).await.status(), 202);
/// let forged = push("/hooks/okta", okta.session_revoked("ada").foreign_key().sign());
/// assert_eq!(test::call_service(&app, forged).await.status(), 400);
///
/// let request = test::TestRequest::get().uri("/orders").insert_header(("authorization", bearer)).to_request();
/// assert_eq!(test::call_service(&app, request).await.status(), 401);
/// # Ok(())
/// # }
/// ```
pub fn revocation_routes(revocations: &Revocations) -> RevocationRoutes {
    RevocationRoutes {
        revocations: revocations.clone(),
        path: EVENTS.to_owned(),
        logout_path: LOGOUTS.to_owned(),
        hook_path: HOOKS.to_owned(),
        universal_logout_path: UNIVERSAL_LOGOUTS.to_owned(),
    }
}

/// The service that [`revocation_routes`] returns.
#[derive(Clone, Debug)]
#[must_use = "no event is received until the service is added to an app"]
pub struct RevocationRoutes {
    revocations: Revocations,
    path: String,
    logout_path: String,
    hook_path: String,
    universal_logout_path: String,
}

impl RevocationRoutes {
    /// Sets the path of events, instead of `/events/ssf`.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the path of logout tokens, instead of `/events/logout`.
    ///
    /// ```
    /// # use okta_verifier::revocation::Revocations;
    /// # use okta_verifier_actix::revocation_routes;
    /// # let revocations = Revocations::builder().forgets_at_restart().build()?;
    /// let routes = revocation_routes(&revocations).at("/hooks/events").logouts_at("/hooks/logout");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn logouts_at(mut self, path: impl Into<String>) -> Self {
        self.logout_path = path.into();
        self
    }

    /// Sets the path of event hooks, instead of `/events/hook`.
    ///
    /// ```
    /// # use okta_verifier::revocation::{EventHook, Revocations};
    /// # use okta_verifier_actix::revocation_routes;
    /// # let hook = EventHook::okta("https://acme.okta.com", "32 random bytes or more, as text");
    /// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
    /// let routes = revocation_routes(&revocations).hooks_at("/hooks/okta");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn hooks_at(mut self, path: impl Into<String>) -> Self {
        self.hook_path = path.into();
        self
    }

    /// Sets the path of Universal Logout, instead of `/events/universal-logout`.
    ///
    /// ```
    /// # use okta_verifier::revocation::{Revocations, UniversalLogout};
    /// # use okta_verifier_actix::revocation_routes;
    /// # let logout = UniversalLogout::okta("https://acme.okta.com", "https://api.acme.test/logout", "0oa1client");
    /// let revocations = Revocations::builder().forgets_at_restart().universal_logout(logout).build()?;
    /// let routes = revocation_routes(&revocations).universal_logouts_at("/logout");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn universal_logouts_at(mut self, path: impl Into<String>) -> Self {
        self.universal_logout_path = path.into();
        self
    }
}

impl HttpServiceFactory for RevocationRoutes {
    fn register(self, config: &mut AppService) {
        let routes = [
            (Signal::SecurityEvent, self.path),
            (Signal::BackChannelLogout, self.logout_path),
            (Signal::EventHook, self.hook_path),
            (Signal::UniversalLogout, self.universal_logout_path),
        ];
        for (signal, path) in routes {
            if signal != Signal::SecurityEvent && !self.revocations.receives(signal) {
                continue;
            }
            let revocations = self.revocations.clone();
            let handler = move |request: HttpRequest, payload: Payload| {
                let revocations = revocations.clone();
                async move {
                    let read_body = |limit| read(payload, limit);
                    bridge::receive(&revocations, signal, &request, read_body).await
                }
            };
            web::resource(path).to(handler).register(config);
        }
    }
}

async fn read(payload: Payload, limit: usize) -> web::Bytes {
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(body)) => body,
        // A body that breaks off is not an event.
        Ok(Err(_)) => web::Bytes::new(),
        Err(_) => web::Bytes::from_static(&TOO_LARGE[..=limit]),
    }
}

const EVENTS: &str = "/events/ssf";
const LOGOUTS: &str = "/events/logout";
const HOOKS: &str = "/events/hook";
const UNIVERSAL_LOGOUTS: &str = "/events/universal-logout";
/// Stands for a body that was not read to its end.
static TOO_LARGE: [u8; Revocations::MAX_HOOK + 1] = [0; Revocations::MAX_HOOK + 1];
