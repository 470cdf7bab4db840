//! The report of a run.

use std::fmt;

use super::{Case, Difference, Request};

/// The result of a run. The `Display` text lists every failure with the request and the difference.
///
/// ```
/// use okta_verifier_testing::conformance::{self, Answer, Issuers};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// // An API that serves every request.
/// let report = conformance::run(&Issuers::new(), async |_| Some(Answer::new(200, [("", ""); 0], ""))).await;
/// assert!(!report.is_conformant());
/// assert!(report.failures().any(|name| name == "dates: an expired token => 401 invalid_token"));
/// assert!(report.to_string().contains("status: expected 401, received 200"));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Report {
    passed: usize,
    skipped: Vec<(String, String)>,
    failed: Vec<(String, String)>,
}

impl Report {
    /// Returns the number of cases that passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Returns the cases that were skipped, each with the reason.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Answer, Issuers, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// // An API that responds to everything alike, in a framework that rejects control characters.
    /// let respond = async |request: &Request| {
    ///     let legal = request.fields().all(|(_, value)| !value.iter().any(u8::is_ascii_control));
    ///     legal.then(|| Answer::new(401, [("www-authenticate", r#"Bearer realm="api""#), ("cache-control", "no-store")], ""))
    /// };
    /// let report = conformance::run(&Issuers::new(), respond).await;
    /// assert!(report.passed() > 0);
    /// let (_name, reason) = report.skipped().next().unwrap();
    /// assert_eq!(reason, "HTTP cannot carry it");
    /// # }
    /// ```
    pub fn skipped(&self) -> impl Iterator<Item = (&str, &str)> {
        let skipped = self.skipped.iter();
        skipped.map(|(name, reason)| (name.as_str(), reason.as_str()))
    }

    /// Returns the names of the cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.failed.iter().map(|(name, _)| name.as_str())
    }

    /// Returns whether at least one case passed and none failed.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }

    /// Returns the report if it is [conformant](Self::is_conformant).
    ///
    /// # Panics
    ///
    /// Panics with the whole report if it is not conformant.
    ///
    /// ```should_panic
    /// use okta_verifier_testing::conformance::{self, Answer, Issuers};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let broken = async |_: &conformance::Request| Some(Answer::new(500, [("", ""); 0], ""));
    /// conformance::run(&Issuers::new(), broken).await.assert();
    /// # }
    /// ```
    #[track_caller]
    pub fn assert(self) -> Self {
        assert!(self.is_conformant(), "{self}");
        self
    }

    pub(super) fn record(
        &mut self,
        case: &Case,
        request: &Request,
        result: Result<(), Difference>,
    ) {
        let Err(difference) = result else {
            self.passed += 1;
            return;
        };
        let requirements: Vec<String> = case.requirements().iter().map(u16::to_string).collect();
        let requirements = requirements.join(", ");
        let text = format!("requirements {requirements}\n    {request}\n    {difference}");
        self.failed.push((case.name().to_owned(), text));
    }

    pub(super) fn skip(&mut self, name: &str, reason: impl Into<String>) {
        self.skipped.push((name.to_owned(), reason.into()));
    }

    #[cfg(feature = "server")]
    pub(super) fn record_probe(&mut self, name: &str, result: Result<(), Difference>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(difference) => self
                .failed
                .push((name.to_owned(), format!("\n    {difference}"))),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, skipped) = (self.failed.len(), self.skipped.len());
        let passed = self.passed;
        writeln!(f, "{passed} passed, {failed} failed, {skipped} skipped")?;
        for (name, text) in &self.failed {
            writeln!(f, "- {name}: {text}")?;
        }
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for (_, reason) in &self.skipped {
            match reasons.iter_mut().find(|(it, _)| it == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        }
        for (reason, count) in reasons {
            writeln!(f, "- skipped {count}: {reason}")?;
        }
        Ok(())
    }
}
