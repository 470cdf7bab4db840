//! The interface for adapters to other frameworks and for gateways. It takes the credentials of a request
//! and returns a [`VerifiedToken`](crate::VerifiedToken) or a [`Rejection`](crate::Rejection).
//!
//! An adapter does four things:
//!
//! 1. It builds [`RequestCredentials`] from the header fields of the request, and calls
//!    [`Verifier::authenticate`](crate::Verifier::authenticate).
//! 2. It polls the [`Authentication`], and inserts the token into the request's extensions, or responds
//!    with [`Rejection::into_response`](crate::Rejection::into_response).
//! 3. It adds [`Verifier::response_headers`](crate::Verifier::response_headers) to every response.
//! 4. If anonymous requests are accepted, it inserts
//!    [`Verifier::anonymous`](crate::Verifier::anonymous) into each request without an `Authorization` field,
//!    so that [`Policy::admit`](crate::Policy::admit) can reject that request with the right challenge.
//!
//! ```
//! # use okta_verifier_testing::TestIssuer;
//! use okta_verifier::{VerifiedToken, Verifier, adapter::RequestCredentials};
//!
//! async fn verify<B>(verifier: &Verifier, request: &mut http::Request<B>) -> Result<(), http::Response<String>> {
//!     let authentication = {
//!         let lines = |name: &str| request.headers().get_all(name).iter().map(|value| value.as_bytes());
//!         let credentials = RequestCredentials::new(lines("authorization"))
//!             .query(request.uri().query())
//!             .request(request.method().as_str(), request.uri().path());
//!         verifier.authenticate(&verifier.read_sender_headers(credentials, lines))
//!     };
//!     let token = authentication.await.map_err(|rejection| rejection.into_response())?;
//!     request.extensions_mut().insert(token);
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let okta = TestIssuer::new("api://orders");
//! # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//! let bearer = format!("Bearer {}", okta.token("ada").sign());
//! let mut request = http::Request::get("/orders").header("authorization", bearer).body(())?;
//! assert!(verify(&verifier, &mut request).await.is_ok());
//! assert!(request.extensions().get::<VerifiedToken>().is_some());
//!
//! let mut request = http::Request::get("/orders").body(())?;
//! assert_eq!(verify(&verifier, &mut request).await.unwrap_err().status(), 401);
//! # Ok(())
//! # }
//! ```

pub use crate::{
    http::{Anonymous, RequestCredentials},
    verifier::{Authentication, Mount, Outcome, PendingOutcome},
};
