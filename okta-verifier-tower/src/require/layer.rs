//! `RequireLayer`: the configuration of `Require`.

use okta_verifier::OwnedPolicy;
use tower_layer::Layer;

use super::Require;

/// A layer that accepts a request only if its token, verified by
/// [`VerifyLayer`](crate::VerifyLayer), meets a policy: a [`Policy`](okta_verifier::Policy) in code, or an
/// [`OwnedPolicy`] from a settings file.
///
/// | the request's extensions contain | response |
/// |---|---|
/// | a token that meets the policy | the inner service's |
/// | a token that does not | 403, with the scopes if scopes would help; 401 if the user must authenticate again |
/// | [`Anonymous`](okta_verifier::adapter::Anonymous), from an optional layer | the plain 401 |
/// | neither, because there is no `VerifyLayer` outside | 500, and an error in the log |
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// # use okta_verifier::{Policy, Verifier};
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier_tower::{RequireLayer, VerifyLayer};
/// # use tower::{ServiceBuilder, ServiceExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// const READ_OR_AUDIT: Policy =
///     Policy::any(&[Policy::scope("orders:read"), Policy::scope("orders:audit")]);
///
/// let service = ServiceBuilder::new()
///     .layer(VerifyLayer::new(verifier))
///     .layer(RequireLayer::new(READ_OR_AUDIT))
///     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
///
/// let request = |jwt: String| Request::get("/").header("authorization", format!("Bearer {jwt}")).body(());
///
/// let auditor = okta.token("ada").scope("orders:audit").sign();
/// assert_eq!(service.clone().oneshot(request(auditor)?).await?.status(), 200);
///
/// let rejected = service.oneshot(request(okta.token("bob").sign())?).await?;
/// assert_eq!(rejected.status(), 403);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct RequireLayer {
    policy: OwnedPolicy,
    grpc: bool,
}

impl RequireLayer {
    /// Returns a layer that requires `policy` for every request.
    pub fn new(policy: impl Into<OwnedPolicy>) -> Self {
        Self {
            policy: policy.into(),
            grpc: false,
        }
    }

    /// Rejects gRPC requests in the form that gRPC clients read: HTTP 200 with a `grpc-status`. Off by
    /// default.
    ///
    /// [`VerifyLayer::grpc`](crate::VerifyLayer::grpc) defines what counts as a gRPC request, and when
    /// this option must stay off. Set the option on both layers or on neither.
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response, Version};
    /// # use okta_verifier::{Policy, Verifier};
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier_tower::{RequireLayer, VerifyLayer};
    /// # use tower::{ServiceBuilder, ServiceExt};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let service = ServiceBuilder::new()
    ///     .layer(VerifyLayer::new(verifier).grpc())
    ///     .layer(RequireLayer::new(Policy::scope("orders:read")).grpc())
    ///     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    /// let call = |jwt: String| {
    ///     Request::post("/orders.v1.Orders/List")
    ///         .version(Version::HTTP_2)
    ///         .header("content-type", "application/grpc")
    ///         .header("te", "trailers")
    ///         .header("authorization", format!("Bearer {jwt}"))
    ///         .body(())
    /// };
    ///
    /// // The scope is present: the service responds.
    /// let served = service.clone().oneshot(call(okta.token("ada").scope("orders:read").sign())?).await?;
    /// assert!(!served.headers().contains_key("grpc-status"));
    ///
    /// // The scope is missing: permission is denied.
    /// let rejected = service.oneshot(call(okta.token("ada").sign())?).await?;
    /// assert_eq!((rejected.status().as_u16(), &rejected.headers()["grpc-status"]), (200, &"7".parse()?));
    /// # Ok(())
    /// # }
    /// ```
    pub fn grpc(mut self) -> Self {
        self.grpc = true;
        self
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Require::new(inner, self.policy.clone(), self.grpc)
    }
}
