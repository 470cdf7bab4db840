//! tower layers that verify access tokens with [`okta_verifier`].
//!
//! There are two [tower] layers: [`VerifyLayer`] verifies the request's access token and puts a
//! [`VerifiedToken`] into the request's extensions, and [`RequireLayer`] enforces a policy on the token.
//! If a layer rejects a request, it responds with the status and the challenge of RFC 6750 §3, and the
//! inner service is not called.
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
//!     let subject = token.map_or("anonymous", VerifiedToken::subject);
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
//! let request = |jwt: String| {
//!     Request::get("/orders").header("authorization", format!("Bearer {jwt}")).body(String::new())
//! };
//!
//! // The scope is present: the handler responds.
//! let response = service.clone().oneshot(request(okta.token("ada").scope("orders:read").sign())?).await?;
//! assert_eq!((response.status().as_u16(), response.body().as_str()), (200, "orders of ada"));
//!
//! // A valid token without the scope is rejected.
//! let response = service.clone().oneshot(request(okta.token("ada").sign())?).await?;
//! assert_eq!(response.status(), 403);
//!
//! // A request without a token is rejected.
//! let response = service.oneshot(Request::get("/orders").body(String::new())?).await?;
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! # Ok(())
//! # }
//! ```
//!
//! # Order of the layers
//!
//! The CORS layer goes outside and authentication inside. The CORS layer then responds to preflights,
//! which have no credentials, and adds headers to rejections so that a script in a browser can read the
//! rejections. [`VerifyLayer`] exempts no method: an `OPTIONS` request that reaches it is verified like
//! any other. [`RequireLayer`] goes inside [`VerifyLayer`]; without a [`VerifyLayer`] outside, it rejects
//! every request with 500.
//!
//! # Rejections in outer layers
//!
//! The body of a rejection is the [`Default`] of the inner service's body type, which is empty for all
//! common types. The response's extensions contain the [`Rejection`], so an outer layer can log the
//! reason. [`ProblemDetailsLayer`] writes a body.
//!
//! # Limits
//!
//! A limit inside [`VerifyLayer`], such as a `ConcurrencyLimit` or a `Buffer`, counts only the requests
//! that the inner service works on. It counts neither rejected requests nor requests that wait for the
//! issuer. If a request had to wait, the inner service is polled ready after the token is verified, so an
//! error of `poll_ready` becomes an error of the response future. A limit outside [`VerifyLayer`] counts
//! all requests, including those that wait for the issuer.
//!
//! # Routers that shorten the path
//!
//! A DPoP proof is made for the whole URL. Behind a router that removes a prefix of the path,
//! [`VerifyLayer::original_uri`] is required: without it a proof for the shortened path is accepted,
//! and a proof for the whole path is rejected. With axum, use `okta_verifier_axum::VerifyLayer`, which
//! reads the whole path.
//!
//! # gRPC
//!
//! By default every rejection is a plain HTTP response with an error status, such as 401 or 403.
//! [`VerifyLayer::grpc`] and [`RequireLayer::grpc`] are for layers in front of `tonic::service::Routes`.
//! They make the layers reject a gRPC request (`POST` over HTTP/2 with `content-type: application/grpc`
//! and `te: trailers`) with HTTP 200, the `www-authenticate` header and a `grpc-status` of 16
//! (unauthenticated), 7 (permission denied) or 14 (unavailable). Leave both options off if the service
//! responds to a forward-auth proxy: such a proxy treats a 200 as permission. Handlers read the
//! [`VerifiedToken`] from `request.extensions()`. To protect one of several services, use tonic's
//! `LayerExt::named_layer`; `examples/grpc-orders` shows it.
//!
//! # Protected resource metadata
//!
//! With a [`Resource`](okta_verifier::Resource), the challenges of [`VerifyLayer`] name the URL of its metadata
//! (RFC 9728), and [`MetadataLayer`] serves the metadata. [`VerifyLayer::require`] makes the 401 name the scopes that a
//! client needs.
//!
//! # MCP servers
//!
//! With the feature `mcp`, the layer `mcp::McpLayer` goes inside [`VerifyLayer`] and around an MCP server. It requires a
//! policy for each tool, prompt and resource, and binds each session of the server to its owner.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `mcp` | the module `mcp`: policies of the tools, prompts and resources of an MCP server, and its sessions |
//!
//! [tower]: https://docs.rs/tower
//! [`Rejection`]: okta_verifier::Rejection
//! [`VerifiedToken`]: okta_verifier::VerifiedToken

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "mcp")]
pub mod mcp;
mod metadata;
mod problem_details;
mod ready;
mod refusal;
mod require;
#[cfg(feature = "revocation")]
mod revocation;
mod verify;

pub use metadata::{MetadataFuture, MetadataLayer, ServeMetadata};
pub use problem_details::{ProblemDetailsFuture, ProblemDetailsLayer, WriteProblemDetails};
pub use require::{Require, RequireFuture, RequireLayer};
#[cfg(feature = "revocation")]
pub use revocation::{RevocationFuture, RevocationService};
pub use verify::{Verify, VerifyFuture, VerifyLayer};
