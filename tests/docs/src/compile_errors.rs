//! The typical mistakes of a new user at compile time, as `okta-verifier/docs/common-mistakes.md` lists them. Each block
//! that must not compile has a twin that differs in the mistake alone, and compiles.
//!
//! The blocks for a missing feature are in `tests/backends/none`, whose build has no feature.

/// `Verified<R>` takes the name of a policy, not the type of the claims.
///
/// ```compile_fail,E0277
/// use okta_verifier_axum::Verified;
///
/// struct ReadOrders;
///
/// async fn orders(_: Verified<ReadOrders>) {}
/// ```
///
/// ```
/// use okta_verifier::{Policy, Requirement};
/// use okta_verifier_axum::Verified;
///
/// struct ReadOrders;
///
/// impl Requirement for ReadOrders {
///     const POLICY: Policy = Policy::scope("orders:read");
/// }
///
/// async fn orders(_: Verified<ReadOrders>) {}
/// ```
///
/// The same with actix-web:
///
/// ```compile_fail,E0277
/// use okta_verifier_actix::Verified;
///
/// struct ReadOrders;
///
/// async fn orders(_: Verified<ReadOrders>) {}
/// ```
///
/// ```
/// use okta_verifier::{Policy, Requirement};
/// use okta_verifier_actix::Verified;
///
/// struct ReadOrders;
///
/// impl Requirement for ReadOrders {
///     const POLICY: Policy = Policy::scope("orders:read");
/// }
///
/// async fn orders(_: Verified<ReadOrders>) {}
/// ```
///
/// ```compile_fail,E0277
/// use okta_verifier_axum::Verified;
///
/// async fn orders(_: Verified<String>) {}
/// ```
///
/// ```
/// use okta_verifier_axum::{Claims, Verified};
///
/// async fn orders(_: Verified, _: Claims<String>) {}
/// ```
mod type_that_is_no_requirement {}

/// An `Option` would turn a rejection into "no token".
///
/// ```compile_fail,E0277
/// use axum::{Router, routing::get};
/// use okta_verifier_axum::Verified;
///
/// async fn news(_: Option<Verified>) {}
///
/// let app: Router = Router::new().route("/news", get(news));
/// ```
///
/// ```
/// use axum::{Router, routing::get};
/// use okta_verifier_axum::MaybeVerified;
///
/// async fn news(_: MaybeVerified) {}
///
/// let app: Router = Router::new().route("/news", get(news));
/// ```
mod optional_extractor {}

/// The layers take the requests of `http` 1, and a `Rejection` becomes a response of `http` 1.
///
/// ```compile_fail,E0599
/// use http_02::{Request, Response};
/// use okta_verifier_tower::VerifyLayer;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// async fn orders(_: Request<()>) -> Result<Response<()>, std::convert::Infallible> {
///     Ok(Response::new(()))
/// }
///
/// async fn call(layer: VerifyLayer) {
///     let service = ServiceBuilder::new().layer(layer).service_fn(orders);
///     service.oneshot(Request::new(())).await.unwrap();
/// }
/// ```
///
/// ```
/// use axum::http::{Request, Response};
/// use okta_verifier_tower::VerifyLayer;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// async fn orders(_: Request<()>) -> Result<Response<()>, std::convert::Infallible> {
///     Ok(Response::new(()))
/// }
///
/// async fn call(layer: VerifyLayer) {
///     let service = ServiceBuilder::new().layer(layer).service_fn(orders);
///     service.oneshot(Request::new(())).await.unwrap();
/// }
/// ```
///
/// ```compile_fail,E0308
/// use http_02::Response;
/// use okta_verifier::Rejection;
///
/// fn answer(rejection: Rejection) -> Response<String> {
///     rejection.into_response()
/// }
/// ```
///
/// ```
/// use axum::http::Response;
/// use okta_verifier::Rejection;
///
/// fn answer(rejection: Rejection) -> Response<String> {
///     rejection.into_response()
/// }
/// ```
mod other_version_of_http {}

/// With the features `server` and `tls` of `okta-verifier-testing`, the blocks of `tests/backends/none`
/// compile.
///
/// ```
/// use okta_verifier_testing::{Certificate, MockOkta, TestIssuer};
///
/// async fn start(_: TestIssuer, _: Certificate) -> MockOkta {
///     MockOkta::start().await
/// }
/// ```
mod feature {}
