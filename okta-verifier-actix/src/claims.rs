//! `Claims<T>`: the token's payload as your own type.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use okta_verifier::{Policy, Rejection};
use serde::de::DeserializeOwned;

use crate::{Rejected, verified::admitted};

/// Extracts the payload of the request's verified access token, deserialized as `T`.
///
/// Use it for claims that your authorization server adds; the registered claims are methods of
/// [`VerifiedToken`](okta_verifier::VerifiedToken). The extractor accepts any valid token; add
/// [`Verified<R>`](crate::Verified) to require more. If the claims of a valid token cannot be
/// deserialized as `T`, the request is rejected with 403, because a new token of the same kind would
/// not help the client, and a warning is logged.
///
/// ```
/// use actix_web::{App, test, web};
/// use okta_verifier::Verifier;
/// use okta_verifier_actix::{Claims, VerifyMiddleware};
/// # use okta_verifier_testing::TestIssuer;
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
/// # let verify = VerifyMiddleware::new(Verifier::builder().issuer(okta.issuer().any_client_id()).build()?);
/// let app = test::init_service(App::new().service(web::resource("/").wrap(verify).get(desk))).await;
/// let request = |jwt: String| {
///     let bearer = ("authorization", format!("Bearer {jwt}"));
///     test::TestRequest::get().uri("/").insert_header(bearer).to_request()
/// };
///
/// let employee = okta.token("ada").claim("department", "engines").sign();
/// assert_eq!(test::call_service(&app, request(employee)).await.status(), 200);
///
/// let visitor = okta.token("bob").sign();
/// assert_eq!(test::call_service(&app, request(visitor)).await.status(), 403);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "handlers take it apart: `Claims(me): Claims<Me>`"
)]
pub struct Claims<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Claims<T> {
    type Error = Rejected;
    type Future = Ready<Result<Self, Rejected>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map(Self).map_err(Rejected::from))
    }
}

fn read<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Rejection> {
    let token = admitted(Policy::any_token(), request)?;
    token
        .claims()
        .map_err(|error| token.unreadable_claims(&error))
}
