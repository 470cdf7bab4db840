//! The whole table through one adapter, called in this process.

use super::{Answer, Difference, Issuers, Report, Request};

/// Asks `ask` every case of the [issuers' table](Issuers::cases), and judges each answer to the byte.
///
/// `ask` says `None` where its framework cannot hold the request: a field value with a control
/// character. That is no answer to any other case.
///
/// ```
/// use okta_verifier::Presented;
/// use okta_verifier_testing::conformance::{self, Answer, Issuers, Request};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let issuers = Issuers::new();
/// let verifier = issuers.verifier();
///
/// // A gateway that knows no routes: any token will do everywhere.
/// let report = conformance::run(&issuers, async |request: &Request| {
///     let presented = Presented::new(request.authorization()).query(request.query());
///     Some(match verifier.authenticate(&presented).await {
///         Ok(_) => Answer::new(200, [("", ""); 0], ""),
///         Err(rejection) => {
///             let fields = rejection.headers().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
///             Answer::new(rejection.status().as_u16(), fields, "")
///         }
///     })
/// })
/// .await;
///
/// // So every bad token is refused, and what policies would refuse is not.
/// assert!(report.passed() > 200);
/// assert!(report.failures().any(|name| name == "no scope"));
/// # }
/// ```
#[must_use = "a report does not fail by itself: `.assert()` it"]
pub async fn run(issuers: &Issuers, ask: impl AsyncFn(&Request) -> Option<Answer>) -> Report {
    let mut report = Report::default();
    for case in issuers.cases() {
        let request = case.request(issuers);
        match ask(&request).await {
            Some(answer) => report.judged(&case, &request, case.judge(&answer)),
            None if !case.is_http() => report.skip(case.name(), "HTTP cannot carry it"),
            None => {
                let nothing = Difference::of("answer", "one", "none");
                report.judged(&case, &request, Err(nothing));
            }
        }
    }
    report
}
