//! Conformance tables: requests and the exact responses to them. `run(&issuers, driver)` returns a
//! `Report`.
//!
//! [`cases`] is one table for every adapter: the responses are the same, to the byte, in every
//! framework. For each adapter a driver builds the API below over [`Issuers::verifier`], and passes
//! every request to this API.
//!
//! | path | requires | served without a token |
//! |---|---|---|
//! | `/health` | nothing: no layer covers it | yes, always |
//! | `/me` | any token | |
//! | `/orders` | the scope `orders:read` | |
//! | `/admin` | the group `Admins` | |
//! | `/claims` | claims with `department: String` | |
//! | `/transfer` | the scope `orders:read`, an `acr` of `phrh` or `phr`, and an authentication within the last 300 s | |
//! | `/maybe` | any token, behind an optional layer | yes, if there are no credentials |
//! | `/maybe/orders` | the scope `orders:read`, behind an optional layer | |
//! | `/maybe/expired` | any token, behind an optional layer that treats an expired token as anonymous | yes, if there are no credentials |
//! | `/maybe/expired/orders` | the scope `orders:read`, behind such a layer | |
//! | `/bound` | a token that is bound to a key or to a certificate | |
//! | `/forgotten` | any token, but its layer is missing | no: this path is never served |
//!
//! The name of a case begins with its subject and ends with the expected outcome, as in
//! `scope: no scope => 403 insufficient_scope`.
//!
//! Each path accepts every method. A handler responds with 200, and sets none of the fields
//! `WWW-Authenticate`, `Cache-Control` and `Retry-After`.
//!
//! ```
//! use okta_verifier_testing::conformance::{self, Answer, Issuers};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let issuers = Issuers::new();
//!
//! // An API that rejects every request with the same response.
//! let reject = async |_: &conformance::Request| {
//!     let fields = [("www-authenticate", r#"Bearer realm="api""#), ("cache-control", "no-store")];
//!     Some(Answer::new(401, fields, ""))
//! };
//! let report = conformance::run(&issuers, reject).await;
//! assert!(report.passed() > 0, "some cases expect this response");
//! assert!(report.failures().any(|name| name == "credentials: a valid token => 200"));
//! # }
//! ```
//!
//! A second table, [`bound_cases`], has tokens that are bound to a key or a certificate. The same
//! drivers run it over [`Issuers::bound`]. A third table, `asked_cases`, has tokens that require
//! introspection (RFC 7662). It requires the feature `server` and runs over `Issuers::asking`. A fourth
//! table, [`provider_cases`], has the tokens of other providers than Okta, and runs over
//! [`Issuers::providers`]. A fifth table, [`resource_cases`], has the challenges of protected resources (RFC 9728). It
//! runs over [`Issuers::resources`], with an API of its own.
//!
//! With the feature `server`, a table can also run over a connection: `run_server` tests the server of
//! an adapter, and `assert_conformant` tests your own API.

mod answer;
#[cfg(feature = "server")]
mod bad_input;
mod case;
mod compare;
mod expected;
mod issuers;
mod odd_keys;
mod report;
mod request;
mod route;
#[cfg(feature = "server")]
mod routes;
mod run;
#[cfg(feature = "server")]
mod run_server;
#[cfg(feature = "server")]
mod socket;
mod table;

pub use answer::Answer;
pub use case::Case;
pub use compare::Difference;
pub use expected::Expected;
pub use issuers::Issuers;
pub use report::Report;
pub use request::Request;
#[cfg(feature = "server")]
pub(crate) use routes::Address;
#[cfg(feature = "server")]
pub use routes::Routes;
pub use run::run;
#[cfg(feature = "server")]
pub use run_server::{assert_conformant, run_api, run_server};
#[cfg(feature = "server")]
pub use socket::exchange;
#[cfg(feature = "server")]
pub use table::asked_cases;
pub use table::{bound_cases, cases, provider_cases, resource_cases};
