use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
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
/// let ask = |jwt: String| {
///     let bearer = ("authorization", format!("Bearer {jwt}"));
///     test::TestRequest::get().uri("/").insert_header(bearer).to_request()
/// };
///
/// let employee = okta.token("ada").claim("department", "engines").sign();
/// assert_eq!(test::call_service(&app, ask(employee)).await.status(), 200);
///
/// let visitor = okta.token("bob").sign();
/// assert_eq!(test::call_service(&app, ask(visitor)).await.status(), 403);
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
        .map_err(|error| Rejection::unreadable_claims(&error))
}
