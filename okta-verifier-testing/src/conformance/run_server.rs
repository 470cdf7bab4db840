//! Runs the table over a connection, against the server of an adapter or the user's own API.

use std::net::SocketAddr;

use super::{
    Difference, Issuers, Report, Routes, bad_input, cases, exchange,
    issuers::Terms,
    routes::{Address, Plan},
};
use crate::MockOkta;

/// Runs every case of the table against the server at `address`, over HTTP/1.1 with one connection
/// per case, and compares each response to the byte. Then it sends malformed requests, and requests
/// that end early; after each of them the server must serve the next request.
///
/// The server must serve the API of [this table](super), over [`Issuers::verifier`]. For
/// [`Issuers::bound`] it must pass the address of each peer to the verifier.
///
/// ```no_run
/// # async fn serve(_: okta_verifier::Verifier) -> std::net::SocketAddr { unimplemented!() }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::conformance::{self, Issuers};
///
/// let issuers = Issuers::new();
/// let address = serve(issuers.verifier()).await; // the adapter's own way
/// let report = conformance::run_server(&issuers, address).await.assert(); // panics with the failures
/// assert_eq!(report.skipped().count(), 0);
/// # }
/// ```
#[must_use = "a report does not fail by itself: `.assert()` it"]
pub async fn run_server(issuers: &Issuers, address: SocketAddr) -> Report {
    let mut report = Report::default();
    let host = address.to_string();
    for case in issuers.cases() {
        let request = case.request(issuers);
        let result = match exchange(address, &request.to_http1(&host)).await {
            Ok(answer) => case.compare_server(&answer),
            Err(error) => Err(Difference::of("response", "one", &error.to_string())),
        };
        report.record(&case, &request, result);
    }
    // The API of the table of resources has no route `/me` that could be served.
    if !issuers.has_resources() {
        bad_input::run(issuers, address, &mut report).await;
    }
    report
}

/// Runs every case that `routes` allows against a running API whose issuer is `okta`. Use
/// [`assert_conformant`] unless you need the report itself.
///
/// # Panics
///
/// Panics if `base_url` is not an `http` URL with a port.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::{MockOkta, conformance::{self, Routes}};
///
/// let okta = MockOkta::start().await;
/// // An API that is not running.
/// let report = conformance::run_api("http://127.0.0.1:1", &okta, Routes::new().protected("/me")).await;
/// assert!(!report.is_conformant());
/// # }
/// ```
#[must_use = "a report does not fail by itself: `.assert()` it"]
pub async fn run_api(base_url: &str, okta: &MockOkta, routes: Routes) -> Report {
    let api = Address::parse(base_url);
    let mut report = Report::default();
    if let Err(error) = tokio::net::TcpStream::connect(&*api.authority).await {
        let unreachable = Difference::of(base_url, "a server", &error.to_string());
        report.record_probe("the API is reachable", Err(unreachable));
        return report;
    }
    let terms = Terms {
        issuer: okta.issuer_url().to_owned(),
        ..routes.terms()
    };
    let issuers = Issuers::of_mock(okta, terms.clone());
    for case in cases() {
        let path = match routes.plan(&case) {
            Plan::Run(path) => format!("{}{path}", api.prefix),
            Plan::Skip(reason) => {
                report.skip(case.name(), reason);
                continue;
            }
        };
        let request = case.request_to(&issuers, path, |token| routes.prepare(&case, token));
        let expected = case.expected_of(&terms);
        let result = match exchange(&*api.authority, &request.to_http1(&api.authority)).await {
            Ok(answer) => case.compare_api(&expected, &answer),
            Err(error) => Err(Difference::of("response", "one", &error.to_string())),
        };
        report.record(&case, &request, result);
    }
    report
}

/// Runs every case that `routes` allows against your own running API, whose issuer is `okta`. Panics
/// with every case that failed: the request, and how the response differs from the expected one.
///
/// The API must trust `okta.issuer(..)` for [`CLIENT_ID`](crate::CLIENT_ID), and its audience must be
/// the audience of [`MockOkta::set_audience`]. Cases without a path in `routes` are skipped, and counted
/// in the report that is returned.
///
/// Among other faults, this function finds an API that does not check the audience, one that responds
/// with 401 without a challenge, and one that accepts `?access_token=`.
///
/// # Panics
///
/// Panics if a case fails, if no case could run, or if `base_url` is not an `http` URL with a port.
///
/// ```no_run
/// # async fn start_my_api(_: &str) -> String { String::new() }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::{MockOkta, Routes, assert_conformant};
///
/// let okta = MockOkta::start().await;
/// let base_url = start_my_api(okta.issuer_url()).await; // such as http://127.0.0.1:3000
///
/// let routes = Routes::new()
///     .protected("/me")
///     .scope("/orders", "orders:read")
///     .group("/admin", "Admins")
///     .open("/health");
/// let report = assert_conformant(&base_url, &okta, routes).await;
/// assert!(report.passed() > 250);
/// # }
/// ```
///
/// The text of a failure:
///
/// ```text
/// 251 passed, 1 failed, 85 skipped
/// - audience: another audience => 401 invalid_token: requirements 14, 54, 55, 83, 92
///     GET /me, Authorization: Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6Ik…
///     status: expected 401, received 200; WWW-Authenticate: expected "Bearer realm=…
/// ```
pub async fn assert_conformant(base_url: &str, okta: &MockOkta, routes: Routes) -> Report {
    run_api(base_url, okta, routes).await.assert()
}
