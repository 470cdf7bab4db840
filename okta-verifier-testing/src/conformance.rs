//! `async fn run(&Issuers, impl AsyncFn(&Request) -> Option<Answer>) -> Report`
//!
//! One table of requests and exact answers, for every adapter: [`cases`]. The same verdicts, to the
//! byte, whatever framework they come through. A driver builds the API below with its adapter, over
//! [`Issuers::verifier`], and hands every request to it.
//!
//! | path | demands | served |
//! |---|---|---|
//! | `/health` | nothing: no layer | always |
//! | `/me` | any token | |
//! | `/orders` | the scope `orders:read` | |
//! | `/admin` | the group `Admins` | |
//! | `/claims` | claims with `department: String` | |
//! | `/transfer` | the scope, `acr` of `phrh` or `phr`, and an authentication of the last 300 s | |
//! | `/maybe` | any token, behind an optional layer | also without credentials |
//! | `/maybe/orders` | the scope `orders:read`, behind an optional layer | |
//! | `/forgotten` | any token, and no layer stands before it | never |
//!
//! Each path takes every method. A handler that is reached answers 200, and sets none of the fields
//! `WWW-Authenticate`, `Cache-Control` and `Retry-After`.
//!
//! ```
//! use okta_verifier_testing::conformance::{self, Answer, Issuers};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let issuers = Issuers::new();
//!
//! // An API that refuses everybody in the same words.
//! let refuse = async |_: &conformance::Request| {
//!     let fields = [("www-authenticate", r#"Bearer realm="api""#), ("cache-control", "no-store")];
//!     Some(Answer::new(401, fields, ""))
//! };
//! let report = conformance::run(&issuers, refuse).await;
//! assert!(report.passed() > 0, "some are to be refused so");
//! assert!(report.failures().any(|name| name == "a good token"));
//! # }
//! ```
//!
//! A second table, [`bound_cases`], is of tokens that are bound to a key or a certificate: the same
//! drivers run it over [`Issuers::bound`]. And a third one, `asked_cases`, is of tokens that their
//! issuer is asked about (RFC 7662), over `Issuers::asking`, with the feature `server`.
//!
//! With the feature `server` the table also goes over a connection: to an adapter's server with
//! `run_server`, and to an API of your own with `assert_conformant`.

mod answer;
#[cfg(feature = "server")]
mod bad_input;
mod case;
mod expected;
mod issuers;
mod judge;
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
pub use expected::Expected;
pub use issuers::Issuers;
pub use judge::Difference;
pub use report::Report;
pub use request::Request;
#[cfg(feature = "server")]
pub use routes::Routes;
pub use run::run;
#[cfg(feature = "server")]
pub use run_server::{assert_conformant, run_api, run_server};
#[cfg(feature = "server")]
pub use socket::exchange;
#[cfg(feature = "server")]
pub use table::asked_cases;
pub use table::{bound_cases, cases};
