//! The whole table over a connection: to an adapter's server, and to an API of a user's own.

use std::net::SocketAddr;

use super::{
    Difference, Issuers, Report, Routes, bad_input, cases, exchange,
    issuers::Terms,
    routes::{Address, Plan},
};
use crate::MockOkta;

/// Asks the server at `address` every case of the table, over HTTP/1.1 with a connection a case, and
/// judges each answer to the byte. Then come broken requests, and requests whose sender leaves half
/// way; after each of them the next request must be served.
///
/// The server is the API of [this table](super), over [`Issuers::verifier`]. For
/// [`Issuers::bound`] it must tell the verifier the address of its peers.
///
/// ```no_run
/// # async fn serve(_: okta_verifier::Verifier) -> std::net::SocketAddr { unimplemented!() }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::conformance::{self, Issuers};
///
/// let issuers = Issuers::new();
/// let address = serve(issuers.verifier()).await; // the adapter's own way
/// let report = conformance::run_server(&issuers, address).await.assert(); // panics with what failed
/// assert_eq!(report.skipped().count(), 0);
/// # }
/// ```
#[must_use = "a report does not fail by itself: `.assert()` it"]
pub async fn run_server(issuers: &Issuers, address: SocketAddr) -> Report {
    let mut report = Report::default();
    let host = address.to_string();
    for case in issuers.cases() {
        let request = case.request(issuers);
        let verdict = match exchange(address, &request.to_http1(&host)).await {
            Ok(answer) => case.judge_server(&answer),
            Err(error) => Err(Difference::of("answer", "one", &error.to_string())),
        };
        report.judged(&case, &request, verdict);
    }
    bad_input::run(issuers, address, &mut report).await;
    report
}

/// Asks a running API whose issuer is `okta` every case of the table that its `routes` can show. Use
/// [`assert_conformant`] unless the report itself is wanted.
///
/// # Panics
///
/// When `base_url` is no `http` URL.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::{MockOkta, conformance::{self, Routes}};
///
/// let okta = MockOkta::start().await;
/// // An API that is not there.
/// let report = conformance::run_api("http://127.0.0.1:1", &okta, Routes::new().protected("/me")).await;
/// assert!(!report.is_conformant());
/// # }
/// ```
#[must_use = "a report does not fail by itself: `.assert()` it"]
pub async fn run_api(base_url: &str, okta: &MockOkta, routes: Routes) -> Report {
    let api = Address::parse(base_url);
    let mut report = Report::default();
    if let Err(error) = tokio::net::TcpStream::connect(&*api.authority).await {
        let nobody = Difference::of(base_url, "a server", &error.to_string());
        report.probed("the API is there", Err(nobody));
        return report;
    }
    let terms = Terms {
        issuer: okta.issuer_url().to_owned(),
        ..routes.terms()
    };
    let issuers = Issuers::of_mock(okta, terms.clone());
    for case in cases() {
        let path = match routes.plan(&case) {
            Plan::Ask(path) => format!("{}{path}", api.prefix),
            Plan::Skip(reason) => {
                report.skip(case.name(), reason);
                continue;
            }
        };
        let request = case.request_to(&issuers, path, |token| routes.prepare(&case, token));
        let expected = case.expected_of(&terms);
        let verdict = match exchange(&*api.authority, &request.to_http1(&api.authority)).await {
            Ok(answer) => case.judge_api(&expected, &answer),
            Err(error) => Err(Difference::of("answer", "one", &error.to_string())),
        };
        report.judged(&case, &request, verdict);
    }
    report
}

/// Points the whole table at a running API of your own, whose issuer is `okta`, and panics with every
/// case that came out wrong: the request, and what was expected in place of what came.
///
/// The API trusts `okta.issuer(..)` for [`CLIENT_ID`](crate::CLIENT_ID), and the audience is the one
/// that [`MockOkta::set_audience`] says. Cases that `routes` gives no path for are skipped, and
/// counted in the report that comes back.
///
/// It finds, among others, an API that does not look at the audience, one that answers 401 without a
/// challenge, and one that takes `?access_token=`.
///
/// # Panics
///
/// When a case fails; when nothing could be asked; when `base_url` is no `http` URL.
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
/// What a fault looks like:
///
/// ```text
/// 251 passed, 1 failed, 85 skipped
/// - another audience: requirements 14, 54
///     GET /me, Authorization: Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6Ik…
///     status: expected 401, came 200; WWW-Authenticate: expected "Bearer realm=…
/// ```
pub async fn assert_conformant(base_url: &str, okta: &MockOkta, routes: Routes) -> Report {
    run_api(base_url, okta, routes).await.assert()
}
