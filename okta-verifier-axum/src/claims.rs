//! `Claims<T>`: the token's payload as your own type.

use axum::extract::FromRequestParts;
use http::request::Parts;
use okta_verifier::Policy;
use serde::de::DeserializeOwned;

use crate::{Rejected, verified::admitted};

/// Extracts the payload of the request's verified access token, deserialized as `T`.
///
/// Use it for claims that your authorization server adds; the registered claims are methods of
/// [`VerifiedToken`](okta_verifier::VerifiedToken). The extractor accepts any valid token; add
/// [`Verified<R>`](crate::Verified) to require more. If the claims of a valid token cannot be deserialized
/// as `T`, the request is rejected with 403, because a new token of the same kind would not help the
/// client, and a warning is logged.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use okta_verifier::Verifier;
/// use okta_verifier_axum::{Claims, VerifyLayer};
/// # use okta_verifier_testing::TestIssuer;
/// # use tower::ServiceExt;
///
/// #[derive(serde::Deserialize)]
/// struct Employee {
///     department: String,
/// }
///
/// async fn desk(Claims(employee): Claims<Employee>) -> String {
///     employee.department
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://desk");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let app = Router::new().route("/", get(desk)).route_layer(VerifyLayer::new(verifier));
/// let request = |jwt: String| {
///     Request::get("/").header("authorization", format!("Bearer {jwt}")).body(Body::empty())
/// };
///
/// let employee = okta.token("ada").claim("department", "engines").sign();
/// assert_eq!(app.clone().oneshot(request(employee)?).await?.status(), 200);
///
/// let visitor = okta.token("bob").sign();
/// assert_eq!(app.oneshot(request(visitor)?).await?.status(), 403);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "handlers take it apart: `Claims(me): Claims<Me>`"
)]
pub struct Claims<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Claims<T> {
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejected> {
        let token = admitted(Policy::any_token(), &parts.extensions)?;
        match token.claims() {
            Ok(claims) => Ok(Self(claims)),
            Err(error) => Err(token.unreadable_claims(&error).into()),
        }
    }
}
