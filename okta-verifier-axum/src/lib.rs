//! axum extractors for [`okta_verifier`].
//!
//! [`VerifyLayer`] verifies the request's access token once. A handler then takes the token as an
//! argument, and the type of the argument says what the token must allow.
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use okta_verifier::{Policy, Requirement, Verifier};
//! use okta_verifier_axum::{Verified, VerifyLayer};
//! use okta_verifier_testing::TestIssuer;
//! use tower::ServiceExt;
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
//! fn router(verifier: Verifier) -> Router {
//!     Router::new()
//!         .route("/me", get(me))
//!         .route("/orders", get(orders))
//!         .route_layer(VerifyLayer::new(verifier)) // covers the routes above only
//!         .route("/health", get(async || "ok"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let okta = TestIssuer::new("api://orders");
//! let app = router(Verifier::builder().issuer(okta.issuer().any_client_id()).build()?);
//!
//! let request = |path: &str, jwt: &str| {
//!     Request::get(path).header("authorization", format!("Bearer {jwt}")).body(Body::empty())
//! };
//! let reader = okta.token("ada").scope("orders:read").sign();
//! let other = okta.token("bob").sign();
//!
//! assert_eq!(app.clone().oneshot(request("/orders", &reader)?).await?.status(), 200);
//! assert_eq!(app.clone().oneshot(request("/orders", &other)?).await?.status(), 403);
//! assert_eq!(app.clone().oneshot(request("/me", &other)?).await?.status(), 200);
//! assert_eq!(app.clone().oneshot(request("/me", "a.b.c")?).await?.status(), 401);
//! assert_eq!(app.oneshot(Request::get("/health").body(Body::empty())?).await?.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! | extractor | token meets `R` | token does not meet `R` | anonymous | no [`VerifyLayer`] |
//! |---|---|---|---|---|
//! | [`Verified<R>`] | the token | 403, or 401 if the user must authenticate again | the plain 401 | 500, error log |
//! | [`MaybeVerified<R>`] | the token | 403, or 401 if the user must authenticate again | no token | 500, error log |
//! | [`Claims<T>`] | its claims as `T` | 403 if the claims cannot be deserialized as `T` | the plain 401 | 500, error log |
//!
//! A request with an invalid token does not reach an extractor, because [`VerifyLayer`] rejects it.
//! *Anonymous* is a request without an `Authorization` field behind a layer made with
//! [`VerifyLayer::optional`].
//!
//! # Order of the layers
//!
//! - With `Router::route_layer`, unknown paths stay 404. `Router::layer` also wraps the fallback, so
//!   the response to an unknown path would be 401.
//! - A layer covers only the routes that were added before it. Add open routes after the layer, as
//!   `/health` above.
//! - A CORS layer must be outside [`VerifyLayer`], so it comes later in a chain of `Router::layer`
//!   calls. It then responds to preflights, which have no credentials, and adds headers to rejections.
//!   Without these headers a script cannot read a rejection.
//!
//! ```
//! use axum::{Router, body::Body, http::{HeaderName, Method, Request, header}, routing::get};
//! # use okta_verifier::Verifier;
//! use okta_verifier_axum::{Verified, VerifyLayer};
//! # use okta_verifier_testing::TestIssuer;
//! use tower::ServiceExt;
//! use tower_http::cors::{Any, CorsLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let okta = TestIssuer::new("api://orders");
//! # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//! let cors = CorsLayer::new()
//!     .allow_origin(Any)
//!     // What a script may send, and what it may read from a rejection. The DPoP names are needed if
//!     // DPoP is enabled (RFC 9449 §7.1).
//!     .allow_headers([header::AUTHORIZATION, HeaderName::from_static("dpop")])
//!     .expose_headers([header::WWW_AUTHENTICATE, HeaderName::from_static("dpop-nonce")]);
//! let routes = || Router::new().route("/me", get(async |_: Verified| "me"));
//! let verify = VerifyLayer::new(verifier);
//! let preflight = || {
//!     Request::builder()
//!         .method(Method::OPTIONS)
//!         .uri("/me")
//!         .header("origin", "https://app.example")
//!         .header("access-control-request-method", "GET")
//!         .body(Body::empty())
//! };
//!
//! // The last layer is the outermost.
//! let app = routes().route_layer(verify.clone()).layer(cors.clone());
//! assert_eq!(app.clone().oneshot(preflight()?).await?.status(), 200);
//! let rejected = app.oneshot(Request::get("/me").body(Body::empty())?).await?;
//! assert_eq!(rejected.status(), 401);
//! assert_eq!(rejected.headers()["access-control-allow-origin"], "*");
//!
//! // In the other order the preflight itself is rejected, and the browser gives up.
//! let app = routes().layer(cors).layer(verify);
//! assert_eq!(app.oneshot(preflight()?).await?.status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! # DPoP
//!
//! A proof is made for the whole URL of the request. [`VerifyLayer`] reads axum's `OriginalUri`, so
//! proofs also work inside `Router::nest` and `Router::nest_service`, where the URI of the request is
//! shortened. `okta_verifier_tower::VerifyLayer` does not read `OriginalUri`: behind a nested router it
//! would accept a proof for another URL and reject a correct one.
//!
//! If the verifier trusts a proxy, set [`VerifyLayer::peer`] to read the peer's address, which axum
//! provides with `into_make_service_with_connect_info::<SocketAddr>()`.
//!
//! ```
//! use std::net::SocketAddr;
//! use axum::{Router, extract::ConnectInfo, routing::get};
//! # use okta_verifier::Verifier;
//! use okta_verifier_axum::{Verified, VerifyLayer};
//!
//! # fn router(verifier: Verifier) -> Router {
//! let verify = VerifyLayer::new(verifier)
//!     .peer(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()));
//! let v1 = Router::new().route("/orders", get(async |_: Verified| "orders")).route_layer(verify);
//! Router::new().nest("/v1", v1)
//! # }
//! ```
//!
//! # MCP servers
//!
//! `McpLayer` of `okta-verifier-tower`, with the feature `mcp`, goes inside [`VerifyLayer`] and around the service of an
//! MCP library, such as rmcp's `StreamableHttpService`. It requires a policy for each tool, and binds sessions to their
//! owners. The metadata of the resource is added after the layers, because it must be public.
//!
//! ```
//! # use std::convert::Infallible;
//! use axum::{Router, body::Body, http::Request, response::Response};
//! use okta_verifier::{Policy, Resource, Verifier};
//! use okta_verifier_axum::VerifyLayer;
//! # use okta_verifier_testing::TestIssuer;
//! use okta_verifier_tower::mcp::{McpLayer, Tools};
//! use tower::ServiceExt;
//!
//! const READ: Policy = Policy::scope("files:read");
//! const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let okta = TestIssuer::new("https://mcp.example.com/mcp");
//! # let issuer = okta.issuer().any_client_id();
//! # let mcp_service = tower::service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
//! let resource = Resource::new("https://mcp.example.com/mcp").scopes(["files:read"]);
//! let verifier = Verifier::builder().issuer(issuer).resource(resource).build()?;
//! let tools = Tools::new(READ).tool("write_file", WRITE);
//! let app: Router = Router::new()
//!     .nest_service("/mcp", mcp_service)
//!     .route_layer(McpLayer::new(tools).end_streams(&verifier)) // the inner layer
//!     .route_layer(VerifyLayer::new(verifier.clone()).require(READ).strip_credentials())
//!     .merge(okta_verifier_axum::metadata(&verifier));
//!
//! let call = |tool: &str| {
//!     let bearer = format!("Bearer {}", okta.token("ada").scope("files:read").sign());
//!     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#);
//!     Request::post("/mcp").header("authorization", bearer).body(Body::from(body))
//! };
//! assert_eq!(app.clone().oneshot(call("read_file")?).await?.status(), 200);
//! assert_eq!(app.oneshot(call("write_file")?).await?.status(), 403);
//! # Ok(())
//! # }
//! ```

mod claims;
mod layer;
mod maybe;
mod metadata;
mod rejected;
mod revocation;
mod verified;

pub use claims::Claims;
pub use layer::VerifyLayer;
pub use maybe::MaybeVerified;
pub use metadata::metadata;
pub use okta_verifier_tower::{ProblemDetailsLayer, RequireLayer, RevocationService};
pub use rejected::Rejected;
pub use revocation::revocation_routes;
pub use verified::Verified;
