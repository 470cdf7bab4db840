//! actix-web middleware and extractors for [`okta_verifier`].
//!
//! [`VerifyMiddleware`] verifies the request's access token once. A handler then takes the token as an
//! argument, and the type of the argument says what the token must allow.
//!
//! ```
//! use actix_web::{App, HttpServer, dev::HttpServiceFactory, test, web};
//! use okta_verifier::{Policy, Requirement, Verifier};
//! use okta_verifier_actix::{Verified, VerifyMiddleware};
//! use okta_verifier_testing::TestIssuer;
//!
//! struct ReadOrders;
//!
//! impl Requirement for ReadOrders {
//!     const POLICY: Policy = Policy::scope("orders:read");
//! }
//!
//! async fn me(token: Verified) -> String {
//!     token.subject().to_owned()
//! }
//!
//! async fn orders(token: Verified<ReadOrders>) -> String {
//!     format!("orders of {}", token.subject())
//! }
//!
//! fn api(verify: VerifyMiddleware) -> impl HttpServiceFactory + 'static {
//!     web::scope("/api")
//!         .wrap(verify) // covers the routes of this scope only
//!         .route("/me", web::get().to(me))
//!         .route("/orders", web::get().to(orders))
//! }
//!
//! async fn health() -> &'static str {
//!     "ok"
//! }
//!
//! # async fn serve(verifier: Verifier) -> std::io::Result<()> {
//! let verify = VerifyMiddleware::new(verifier); // created once, so that all workers share its keys
//! HttpServer::new(move || App::new().service(api(verify.clone())).route("/health", web::get().to(health)))
//!     .bind(("127.0.0.1", 8080))?
//!     .run()
//!     .await?;
//! # Ok(())
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A test with real keys and real signatures, without Okta and without a network.
//! let okta = TestIssuer::new("api://orders");
//! let verify = VerifyMiddleware::new(Verifier::builder().issuer(okta.issuer().any_client_id()).build()?);
//! let app = App::new().service(api(verify)).route("/health", web::get().to(health));
//! let app = test::init_service(app).await;
//!
//! let request = |path: &str, jwt: &str| {
//!     let bearer = ("authorization", format!("Bearer {jwt}"));
//!     test::TestRequest::get().uri(path).insert_header(bearer).to_request()
//! };
//! let reader = okta.token("ada").scope("orders:read").sign();
//! let other = okta.token("bob").sign();
//!
//! assert_eq!(test::call_service(&app, request("/api/orders", &reader)).await.status(), 200);
//! assert_eq!(test::call_service(&app, request("/api/orders", &other)).await.status(), 403);
//! assert_eq!(test::call_service(&app, request("/api/me", &other)).await.status(), 200);
//! assert_eq!(test::call_service(&app, request("/api/me", "a.b.c")).await.status(), 401);
//!
//! let health = test::TestRequest::get().uri("/health").to_request();
//! assert_eq!(test::call_service(&app, health).await.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! | extractor | token meets `R` | token does not meet `R` | anonymous | no [`VerifyMiddleware`] |
//! |---|---|---|---|---|
//! | [`Verified<R>`] | the token | 403, or 401 if the user must authenticate again | the plain 401 | 500, error log |
//! | [`MaybeVerified<R>`] | the token | 403, or 401 if the user must authenticate again | no token | 500, error log |
//! | [`Claims<T>`] | its claims as `T` | 403 if the claims cannot be deserialized as `T` | the plain 401 | 500, error log |
//!
//! A request with an invalid token does not reach an extractor, because [`VerifyMiddleware`] rejects
//! it. *Anonymous* is a request without an `Authorization` field behind a middleware made with
//! [`VerifyMiddleware::optional`].
//!
//! Do not use `Option<Verified>`: actix-web makes it an extractor that is `None` for every rejection.
//! Use [`MaybeVerified`] instead. The documentation of [`Verified`] has the details.
//!
//! # Order of the middleware
//!
//! The last `wrap` is the outermost. From the handler outwards, the order is [`RequireMiddleware`],
//! [`VerifyMiddleware`], CORS.
//!
//! ```
//! use actix_cors::Cors;
//! # use actix_web::{App, test, web};
//! # use okta_verifier::{Policy, Verifier};
//! # use okta_verifier_actix::{RequireMiddleware, VerifyMiddleware};
//! # use okta_verifier_testing::TestIssuer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let okta = TestIssuer::new("api://orders");
//! # let verify = VerifyMiddleware::new(Verifier::builder().issuer(okta.issuer().any_client_id()).build()?);
//! let orders = web::scope("/orders")
//!     .wrap(RequireMiddleware::new(Policy::scope("orders:read")))
//!     .wrap(verify)
//!     .wrap(
//!         Cors::default()
//!             .allowed_origin("https://app.example")
//!             .allowed_methods(["GET"])
//!             // `dpop` and `dpop-nonce` are needed if DPoP is enabled (RFC 9449 §7.1).
//!             .allowed_headers(["authorization", "dpop"])
//!             .expose_headers(["www-authenticate", "dpop-nonce"]),
//!     )
//!     .route("", web::get().to(async || "orders"));
//! # let app = test::init_service(App::new().service(orders)).await;
//!
//! // A preflight has no credentials: the CORS middleware responds to it.
//! let preflight = test::TestRequest::default()
//!     .method(actix_web::http::Method::OPTIONS)
//!     .uri("/orders")
//!     .insert_header(("origin", "https://app.example"))
//!     .insert_header(("access-control-request-method", "GET"))
//!     .to_request();
//! assert_eq!(test::call_service(&app, preflight).await.status(), 200);
//!
//! // A rejection carries CORS headers, so that the page can read the status.
//! let without = test::TestRequest::get().uri("/orders").insert_header(("origin", "https://app.example"));
//! let rejected = test::call_service(&app, without.to_request()).await;
//! assert_eq!(rejected.status(), 401);
//! assert_eq!(rejected.headers().get("access-control-allow-origin").unwrap(), "https://app.example");
//! # Ok(())
//! # }
//! ```
//!
//! - [`VerifyMiddleware`] exempts no method: an `OPTIONS` request that reaches it is verified like any
//!   other.
//! - If a scope or a resource is wrapped, unknown paths outside it stay 404. A middleware around a
//!   scope covers every path under the scope's prefix, and a middleware around an `App` covers all
//!   paths: the response to an unknown path is then 401 if the request has no token.
//! - [`RequireMiddleware`] without a [`VerifyMiddleware`] outside rejects every request with 500.
//!
//! # Rejections in outer middleware
//!
//! A rejection is an `Ok` response with an empty body, not an `Err`. The response's extensions contain
//! the [`Rejection`], so an outer middleware can log the reason. [`ProblemDetailsMiddleware`] writes a
//! body. `HttpResponse::error` returns the rejection too, as [`Rejected`].
//!
//! # Client certificates
//!
//! To accept certificate-bound tokens (RFC 8705), set
//! [`VerifierBuilder::client_certificates`](okta_verifier::VerifierBuilder::client_certificates), and put
//! the certificate into the connection's data after the handshake. With `bind_rustls_0_23` the
//! connection that `on_connect` receives has the type
//! `actix_tls::accept::rustls_0_23::TlsStream<actix_web::rt::net::TcpStream>`. A `downcast_ref` to the
//! type of tokio-rustls returns `None`, and every certificate-bound token is rejected.
//!
//! ```text
//! HttpServer::new(app)
//!     .on_connect(|connection, data| {
//!         let stream = connection.downcast_ref::<TlsStream<TcpStream>>(); // both types are actix's
//!         let session = stream.map(|stream| stream.get_ref().1);
//!         if let Some([shown, ..]) = session.and_then(|session| session.peer_certificates()) {
//!             data.insert(ClientCertificate::new(shown));
//!         }
//!     })
//!     .bind_rustls_0_23(("0.0.0.0", 443), config)?
//! ```
//!
//! The example `mtls-orders` shows the whole server. If a proxy terminates TLS, use
//! [`VerifierBuilder::client_cert_header`](okta_verifier::VerifierBuilder::client_cert_header).
//!
//! [`Rejection`]: okta_verifier::Rejection

mod answer;
mod bridge;
mod claims;
mod maybe;
mod metadata;
mod problem_details;
mod rejected;
mod require;
mod revocation;
mod verified;
mod verify;

pub use claims::Claims;
pub use maybe::MaybeVerified;
pub use metadata::{Metadata, metadata};
pub use problem_details::ProblemDetailsMiddleware;
pub use rejected::Rejected;
pub use require::RequireMiddleware;
pub use revocation::{RevocationRoutes, revocation_routes};
pub use verified::Verified;
pub use verify::VerifyMiddleware;
