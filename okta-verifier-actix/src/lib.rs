//! `async fn orders(token: Verified<ReadOrders>) -> String`
//!
//! actix-web middleware and extractors over [`okta_verifier`]. [`VerifyMiddleware`] verifies the
//! request's access token once; a handler then takes it as an argument, and the argument's type says
//! what the token must allow.
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
//!         .wrap(verify) // over the scope's routes, and no others
//!         .route("/me", web::get().to(me))
//!         .route("/orders", web::get().to(orders))
//! }
//!
//! async fn health() -> &'static str {
//!     "ok"
//! }
//!
//! # async fn serve(verifier: Verifier) -> std::io::Result<()> {
//! let verify = VerifyMiddleware::new(verifier); // once, outside the factory: all workers share its keys
//! HttpServer::new(move || App::new().service(api(verify.clone())).route("/health", web::get().to(health)))
//!     .bind(("127.0.0.1", 8080))?
//!     .run()
//!     .await?;
//! # Ok(())
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The test of it: real keys and real signatures, no Okta and no network.
//! let okta = TestIssuer::new("api://orders");
//! let verify = VerifyMiddleware::new(Verifier::builder().issuer(okta.issuer().any_client_id()).build()?);
//! let app = App::new().service(api(verify)).route("/health", web::get().to(health));
//! let app = test::init_service(app).await;
//!
//! let ask = |path: &str, jwt: &str| {
//!     let bearer = ("authorization", format!("Bearer {jwt}"));
//!     test::TestRequest::get().uri(path).insert_header(bearer).to_request()
//! };
//! let reader = okta.token("ada").scope("orders:read").sign();
//! let other = okta.token("bob").sign();
//!
//! assert_eq!(test::call_service(&app, ask("/api/orders", &reader)).await.status(), 200);
//! assert_eq!(test::call_service(&app, ask("/api/orders", &other)).await.status(), 403);
//! assert_eq!(test::call_service(&app, ask("/api/me", &other)).await.status(), 200);
//! assert_eq!(test::call_service(&app, ask("/api/me", "a.b.c")).await.status(), 401);
//!
//! let health = test::TestRequest::get().uri("/health").to_request();
//! assert_eq!(test::call_service(&app, health).await.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! | extractor | token meets `R` | token does not | anonymous | no [`VerifyMiddleware`] |
//! |---|---|---|---|---|
//! | [`Verified<R>`] | the token | 403 | the plain 401 | 500, error log |
//! | [`MaybeVerified<R>`] | the token | 403 | no token | 500, error log |
//! | [`Claims<T>`] | its claims as `T` | 403 when `T` does not fit | the plain 401 | 500, error log |
//!
//! A request with a bad token reaches none of them: [`VerifyMiddleware`] has refused it. *Anonymous*
//! is a request without an `Authorization` field behind a middleware made with
//! [`VerifyMiddleware::optional`].
//!
//! Never take `Option<Verified>`: actix-web makes that an extractor by itself, and it is `None` for
//! every refusal. [`MaybeVerified`] is what you want; [`Verified`] says why.
//!
//! # Where the middleware stand
//!
//! The last `wrap` is the outermost, so from the handler outwards: [`RequireMiddleware`],
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
//!             // `dpop` and `dpop-nonce` where DPoP is on (RFC 9449 §7.1).
//!             .allowed_headers(["authorization", "dpop"])
//!             .expose_headers(["www-authenticate", "dpop-nonce"]),
//!     )
//!     .route("", web::get().to(async || "orders"));
//! # let app = test::init_service(App::new().service(orders)).await;
//!
//! // A preflight carries no credentials: the CORS middleware answers it.
//! let preflight = test::TestRequest::default()
//!     .method(actix_web::http::Method::OPTIONS)
//!     .uri("/orders")
//!     .insert_header(("origin", "https://app.example"))
//!     .insert_header(("access-control-request-method", "GET"))
//!     .to_request();
//! assert_eq!(test::call_service(&app, preflight).await.status(), 200);
//!
//! // A refusal carries its headers, so that the page may read the status.
//! let without = test::TestRequest::get().uri("/orders").insert_header(("origin", "https://app.example"));
//! let refused = test::call_service(&app, without.to_request()).await;
//! assert_eq!(refused.status(), 401);
//! assert_eq!(refused.headers().get("access-control-allow-origin").unwrap(), "https://app.example");
//! # Ok(())
//! # }
//! ```
//!
//! - [`VerifyMiddleware`] exempts no method: an `OPTIONS` request that reaches it is judged like any
//!   other.
//! - Wrap a scope or a resource, and unknown paths outside it stay 404. A wrapped scope covers every
//!   path under its prefix, and a wrapped `App` all paths: there, an unknown one answers 401 to a
//!   caller without a token.
//! - [`RequireMiddleware`] without a [`VerifyMiddleware`] outside refuses every request with 500.
//!
//! # What a refusal looks like to the middleware outside
//!
//! It is a response and no `Err`, with an empty body. The [`Rejection`] itself travels in the
//! response's extensions, so that an outer middleware can log the reason or write a body;
//! `HttpResponse::error` holds it too, as [`Rejected`].
//!
//! # The client's certificate
//!
//! For tokens that are bound to one (RFC 8705) set
//! [`VerifierBuilder::client_certificates`](okta_verifier::VerifierBuilder::client_certificates), and put
//! the certificate into the connection's data once its handshake is done. With `bind_rustls_0_23` the
//! connection that `on_connect` sees is
//! `actix_tls::accept::rustls_0_23::TlsStream<actix_web::rt::net::TcpStream>`, and no other type:
//! a `downcast_ref` to tokio-rustls' own finds nothing, and every such token is refused.
//!
//! ```text
//! HttpServer::new(app)
//!     .on_connect(|connection, data| {
//!         let stream = connection.downcast_ref::<TlsStream<TcpStream>>(); // both of actix
//!         let session = stream.map(|stream| stream.get_ref().1);
//!         if let Some([shown, ..]) = session.and_then(|session| session.peer_certificates()) {
//!             data.insert(ClientCertificate::new(shown));
//!         }
//!     })
//!     .bind_rustls_0_23(("0.0.0.0", 443), config)?
//! ```
//!
//! The example `mtls-orders` is the whole of it. Behind a proxy that ends TLS, see
//! [`VerifierBuilder::client_cert_header_from`](okta_verifier::VerifierBuilder::client_cert_header_from).
//!
//! [`Rejection`]: okta_verifier::Rejection

mod answer;
mod bridge;
mod claims;
mod maybe;
mod rejected;
mod require;
mod verified;
mod verify;

pub use claims::Claims;
pub use maybe::MaybeVerified;
pub use rejected::Rejected;
pub use require::RequireMiddleware;
pub use verified::Verified;
pub use verify::VerifyMiddleware;
