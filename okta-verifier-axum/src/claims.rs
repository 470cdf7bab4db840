use axum::extract::FromRequestParts;
use http::request::Parts;
use okta_verifier::{Policy, Rejection};
use serde::de::DeserializeOwned;

use crate::{Rejected, verified::admitted};

/// The payload of the request's verified access token, read as your own `T`.
///
/// For claims that your authorization server adds; the registered ones are methods of
/// [`VerifiedToken`](okta_verifier::VerifiedToken). Any valid token is admitted: take
/// [`Verified<R>`](crate::Verified) beside it to require more. A valid token that `T` cannot read is
/// refused with 403 and a warning in the log: it is not the caller's fault, and a new token of the
/// same kind would not help.
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
/// let ask = |jwt: String| {
///     Request::get("/").header("authorization", format!("Bearer {jwt}")).body(Body::empty())
/// };
///
/// let employee = okta.token("ada").claim("department", "engines").sign();
/// assert_eq!(app.clone().oneshot(ask(employee)?).await?.status(), 200);
///
/// let visitor = okta.token("bob").sign();
/// assert_eq!(app.oneshot(ask(visitor)?).await?.status(), 403);
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
            Err(error) => Err(Rejection::unreadable_claims(&error).into()),
        }
    }
}
