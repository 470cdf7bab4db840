//! `VerifyLayer: http::Request` → the same request with a [`VerifiedToken`] in its extensions, or a refusal.
//!
//! Two [tower] layers over [`okta_verifier`]: [`VerifyLayer`] decides who is calling, [`RequireLayer`]
//! whether that caller may go on. Both answer a refused request themselves, with the status and the
//! challenge of RFC 6750 §3; the service behind them never sees it.
//!
//! ```
//! # use std::convert::Infallible;
//! use http::{Request, Response};
//! use okta_verifier::{Policy, VerifiedToken, Verifier};
//! use okta_verifier_testing::TestIssuer;
//! use okta_verifier_tower::{RequireLayer, VerifyLayer};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! async fn orders(request: Request<String>) -> Result<Response<String>, Infallible> {
//!     let token = request.extensions().get::<VerifiedToken>();
//!     let subject = token.map_or("nobody", VerifiedToken::subject);
//!     Ok(Response::new(format!("orders of {subject}")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let okta = TestIssuer::new("api://orders");
//! let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//!
//! let service = ServiceBuilder::new()
//!     .layer(VerifyLayer::new(verifier))
//!     .layer(RequireLayer::new(Policy::scope("orders:read")))
//!     .service_fn(orders);
//!
//! let ask = |jwt: String| {
//!     Request::get("/orders").header("authorization", format!("Bearer {jwt}")).body(String::new())
//! };
//!
//! // The scope is there: the handler answers.
//! let answer = service.clone().oneshot(ask(okta.token("ada").scope("orders:read").sign())?).await?;
//! assert_eq!((answer.status().as_u16(), answer.body().as_str()), (200, "orders of ada"));
//!
//! // A valid token without the scope.
//! let answer = service.clone().oneshot(ask(okta.token("ada").sign())?).await?;
//! assert_eq!(answer.status(), 403);
//!
//! // No token at all.
//! let answer = service.oneshot(Request::get("/orders").body(String::new())?).await?;
//! assert_eq!(answer.status(), 401);
//! assert_eq!(answer.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(())
//! # }
//! ```
//!
//! # Where the layers stand
//!
//! CORS goes outside, authentication inside: the CORS layer then answers preflights, which carry no
//! credentials, and decorates refusals so that a browser may read them. [`VerifyLayer`] exempts no
//! method, so an `OPTIONS` request that reaches it is judged like any other. [`RequireLayer`] goes
//! inside [`VerifyLayer`]; without one in front of it, it refuses every request with 500.
//!
//! # What a refusal looks like to the layers outside
//!
//! The body is the inner service's body type's [`Default`], empty for all the usual ones. The
//! [`Rejection`] itself travels in the response's extensions, so that an outer layer can log the
//! reason or write a body.
//!
//! # Limits
//!
//! A limit inside of [`VerifyLayer`], such as a `ConcurrencyLimit` or a `Buffer`, counts the requests
//! that the inner service works on. A rejected request and a request that waits for the issuer hold
//! nothing of it: a request that had to wait makes the inner service ready after its token was
//! verified, and an error of `poll_ready` is then the error of the response future. A limit outside
//! counts all requests, those that wait for the issuer too.
//!
//! # Routers that shorten the path
//!
//! A DPoP proof is made for the whole URL. Behind a router that removes a prefix of the path,
//! [`VerifyLayer::original_uri`] is required: without it a proof for the shortened path is accepted and
//! the right one is rejected. With axum use `okta_verifier_axum::VerifyLayer`, which does that itself.
//!
//! # gRPC
//!
//! By default every rejection has its HTTP status. In front of `tonic::service::Routes`,
//! [`VerifyLayer::grpc`] and [`RequireLayer::grpc`] make the layers reject a gRPC request (`POST` over
//! HTTP/2 with `content-type: application/grpc` and `te: trailers`) with trailers only: HTTP 200 with
//! `grpc-status` 16 (unauthenticated), 7 (permission denied) or 14 (unavailable), and the
//! `www-authenticate` header beside it. Leave it off where a forward-auth proxy asks the service for
//! permission: such a proxy takes a 200 for permission. Handlers read the [`VerifiedToken`] from
//! `request.extensions()`. For one service of several there is tonic's `LayerExt::named_layer`;
//! `examples/grpc-orders` shows it.
//!
//! [tower]: https://docs.rs/tower
//! [`Rejection`]: okta_verifier::Rejection
//! [`VerifiedToken`]: okta_verifier::VerifiedToken

mod ready;
mod refusal;
mod require;
mod verify;

pub use require::{Require, RequireFuture, RequireLayer};
pub use verify::{Verify, VerifyFuture, VerifyLayer};
