//! Runs the table through an adapter in this process.

use super::{Answer, Difference, Issuers, Report, Request};

/// Runs every case of the [issuers' table](Issuers::cases) and compares each response to the byte.
///
/// `respond` passes a request to the API. It returns `None` if the framework cannot represent the
/// request because a field value contains a control character. For any other request, `None` is a
/// failure.
///
/// ```
/// use okta_verifier::adapter::RequestCredentials;
/// use okta_verifier_testing::conformance::{self, Answer, Issuers, Request};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let issuers = Issuers::new();
/// let verifier = issuers.verifier();
///
/// // A gateway without routes: it accepts any valid token for every path.
/// let report = conformance::run(&issuers, async |request: &Request| {
///     let credentials = RequestCredentials::new(request.authorization()).query(request.query());
///     Some(match verifier.authenticate(&credentials).await {
///         Ok(_) => Answer::new(200, [("", ""); 0], ""),
///         Err(rejection) => {
///             let fields = rejection.headers().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
///             Answer::new(rejection.status().as_u16(), fields, "")
///         }
///     })
/// })
/// .await;
///
/// // Every invalid token is rejected, but what a policy would reject is accepted.
/// assert!(report.passed() > 200);
/// assert!(report.failures().any(|name| name == "scope: no scope => 403 insufficient_scope"));
/// # }
/// ```
#[must_use = "a report does not fail by itself: `.assert()` it"]
pub async fn run(issuers: &Issuers, respond: impl AsyncFn(&Request) -> Option<Answer>) -> Report {
    let mut report = Report::default();
    for case in issuers.cases() {
        let request = case.request(issuers);
        match respond(&request).await {
            Some(answer) => report.record(&case, &request, case.compare(&answer)),
            None if !case.is_http() => report.skip(case.name(), "HTTP cannot carry it"),
            None => {
                let missing = Difference::of("response", "one", "none");
                report.record(&case, &request, Err(missing));
            }
        }
    }
    report
}
