//! What a run of the table found.

use std::fmt;

use super::{Case, Difference, Request};

/// What a run of the table found. Its text names every failure, with the request and the reason.
///
/// ```
/// use okta_verifier_testing::conformance::{self, Answer, Issuers};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// // An API that serves everybody.
/// let report = conformance::run(&Issuers::new(), async |_| Some(Answer::new(200, [("", ""); 0], ""))).await;
/// assert!(!report.is_conformant());
/// assert!(report.failures().any(|name| name == "an expired token"));
/// assert!(report.to_string().contains("status: expected 401, came 200"));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Report {
    passed: usize,
    skipped: Vec<(String, String)>,
    failed: Vec<(String, String)>,
}

impl Report {
    /// How many cases came out as they must.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// The cases that were not asked, each with the reason.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Answer, Issuers, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// // An API that answers all alike, in a framework that holds no control characters.
    /// let ask = async |request: &Request| {
    ///     let legal = request.fields().all(|(_, value)| !value.iter().any(u8::is_ascii_control));
    ///     legal.then(|| Answer::new(401, [("www-authenticate", r#"Bearer realm="api""#), ("cache-control", "no-store")], ""))
    /// };
    /// let report = conformance::run(&Issuers::new(), ask).await;
    /// assert!(report.passed() > 0);
    /// let (_name, reason) = report.skipped().next().unwrap();
    /// assert_eq!(reason, "HTTP cannot carry it");
    /// # }
    /// ```
    pub fn skipped(&self) -> impl Iterator<Item = (&str, &str)> {
        let skipped = self.skipped.iter();
        skipped.map(|(name, reason)| (name.as_str(), reason.as_str()))
    }

    /// The names of the cases that came out otherwise.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.failed.iter().map(|(name, _)| name.as_str())
    }

    /// Whether something was asked, and nothing failed.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }

    /// Passes the report on.
    ///
    /// # Panics
    ///
    /// With the whole report, when it is not [conformant](Self::is_conformant).
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

    pub(super) fn judged(
        &mut self,
        case: &Case,
        request: &Request,
        verdict: Result<(), Difference>,
    ) {
        let Err(difference) = verdict else {
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
    pub(super) fn probed(&mut self, name: &str, verdict: Result<(), Difference>) {
        match verdict {
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
