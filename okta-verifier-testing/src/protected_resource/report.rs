//! The report of a check: the rows, and what became of each.

use std::{fmt, future::Future};

use super::exchange::{Check, Stop};

/// How strongly the source of a row demands it (RFC 2119).
///
/// ```
/// use okta_verifier_testing::protected_resource::Level;
///
/// assert!(Level::Must < Level::Should);
/// assert_eq!(Level::Practice.to_string(), "practice");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// The source says MUST, MUST NOT or REQUIRED.
    Must,
    /// The source says SHOULD, SHOULD NOT or RECOMMENDED.
    Should,
    /// No standard demands it, but known clients need it, or attacks on known servers used its absence.
    Practice,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Practice => "practice",
        })
    }
}

/// What follows if a server fails a row.
///
/// ```
/// use okta_verifier_testing::protected_resource::Severity;
///
/// assert!(Severity::Security < Severity::Interoperability);
/// assert_eq!(Severity::Quality.to_string(), "quality");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// A request may be served that must not be, or a client may be sent to an attacker.
    Security,
    /// Some clients get no token, or not the right one.
    Interoperability,
    /// Clients work, with more requests or worse messages.
    Quality,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Security => "security",
            Self::Interoperability => "interoperability",
            Self::Quality => "quality",
        })
    }
}

/// A row of the table: what a server must do, and what became of it.
///
/// ```
/// use okta_verifier_testing::{ProtectedResource, TestIssuer, protected_resource::{Severity, check_protected_resource}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let resource = ProtectedResource::new("https://mcp.example.com/mcp");
/// let resource = resource.test_issuer(&TestIssuer::new("https://mcp.example.com/mcp"));
/// let report = check_protected_resource("http://127.0.0.1:1", resource).await; // no server listens there
///
/// let mut failed = report.rows().filter(|row| row.failure().is_some());
/// let row = failed.next().expect("every row fails");
/// assert_eq!(row.name(), "metadata: it is served at the path of RFC 9728");
/// assert_eq!((row.level().to_string(), row.source()), ("MUST".to_owned(), "RFC 9728 §3.1"));
/// assert!(row.severity() == Severity::Interoperability && row.failure().unwrap().contains("no response"));
///
/// let skipped = report.rows().find_map(|row| row.skipped());
/// assert_eq!(skipped, Some("the resource requires no scope"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Row {
    name: &'static str,
    level: Level,
    severity: Severity,
    source: &'static str,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
enum Outcome {
    Passed,
    Failed(String),
    /// The reasons why the failure is allowed, and the failure.
    Allowed(String, String),
    Skipped(String),
}

impl Row {
    pub(super) const fn must(name: &'static str, source: &'static str, severity: Severity) -> Self {
        Self::new(Level::Must, name, source, severity)
    }

    pub(super) const fn should(
        name: &'static str,
        source: &'static str,
        severity: Severity,
    ) -> Self {
        Self::new(Level::Should, name, source, severity)
    }

    pub(super) const fn practice(
        name: &'static str,
        source: &'static str,
        severity: Severity,
    ) -> Self {
        Self::new(Level::Practice, name, source, severity)
    }

    const fn new(
        level: Level,
        name: &'static str,
        source: &'static str,
        severity: Severity,
    ) -> Self {
        Self {
            name,
            level,
            severity,
            source,
            outcome: Outcome::Passed,
        }
    }

    /// Returns the name: the subject and what a server must do, as in `token: an expired one is rejected`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// Returns how strongly the source demands the row.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns what follows if a server fails the row.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns where the demand comes from, such as `RFC 9728 §3.1`. `MCP` is the specification of the Model Context
    /// Protocol, 2026-07-28 if no other version is named.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source
    }

    /// Returns the request, what was expected and what was received, or `None` if the row did not fail. Tokens are
    /// left out. A failure that is [allowed](super::ProtectedResource::allow) is a failure too.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Failed(failure) | Outcome::Allowed(_, failure) => Some(failure),
            Outcome::Passed | Outcome::Skipped(_) => None,
        }
    }

    /// Returns why the row was skipped, or `None` if it was not.
    #[must_use]
    pub fn skipped(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Skipped(reason) => Some(reason),
            _ => None,
        }
    }
}

/// The report about a server. The `Display` text lists the failures, and then all rows as a table in Markdown.
///
/// ```
/// use okta_verifier_testing::{ProtectedResource, TestIssuer, protected_resource::check_protected_resource};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let resource = ProtectedResource::new("https://mcp.example.com/mcp");
/// let resource = resource.test_issuer(&TestIssuer::new("https://mcp.example.com/mcp"));
/// let report = check_protected_resource("http://127.0.0.1:1", resource).await; // no server listens there
///
/// assert!(!report.is_conformant() && report.passed() == 0);
/// assert!(report.failures().any(|name| name == "token: a valid one is served"));
/// assert!(report.to_string().contains("| metadata: it is served at the path of RFC 9728 | MUST |"));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ResourceReport {
    rows: Vec<Row>,
    /// Row and reason.
    allowances: Vec<(String, String)>,
}

impl ResourceReport {
    pub(super) fn new(allowances: Vec<(String, String)>) -> Self {
        Self {
            rows: Vec::new(),
            allowances,
        }
    }

    /// Runs the check of a row, and records what became of it.
    pub(super) async fn row(&mut self, mut row: Row, check: impl Future<Output = Check>) {
        let allowance = self.allowances.iter().find(|(name, _)| name == row.name);
        row.outcome = match (check.await, allowance) {
            (Ok(()), _) => Outcome::Passed,
            (Err(Stop::Skipped(reason)), _) => Outcome::Skipped(reason),
            (Err(Stop::Failed(failure)), Some((_, reason))) => {
                Outcome::Allowed(reason.clone(), failure.to_string())
            }
            (Err(Stop::Failed(failure)), None) => Outcome::Failed(failure.to_string()),
        };
        self.rows.push(row);
    }

    /// Returns every row, in the order of the table.
    ///
    /// ```
    /// # use okta_verifier_testing::protected_resource::{ResourceReport, Severity};
    /// /// Returns the names of the rows that a server failed although security depends on them.
    /// fn dangerous(report: &ResourceReport) -> Vec<&str> {
    ///     let failed = report.rows().filter(|row| row.failure().is_some());
    ///     failed.filter(|row| row.severity() == Severity::Security).map(|row| row.name()).collect()
    /// }
    /// ```
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// Returns the number of rows that passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Passed))
    }

    /// Returns the names of the rows that failed and are not allowed to, and of the allowances that are not needed.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        let failed = |row: &&Row| matches!(row.outcome, Outcome::Failed(_));
        let failed = self.rows.iter().filter(failed).map(|row| row.name);
        failed.chain(self.unneeded().map(|(name, _)| name))
    }

    /// Returns whether at least one row passed, none failed that is not allowed to, and each allowance is needed.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.failures().next().is_none() && self.passed() > 0
    }

    /// Returns the report if it is [conformant](Self::is_conformant).
    ///
    /// # Panics
    ///
    /// Panics with every failure if it is not conformant.
    ///
    /// ```should_panic
    /// use okta_verifier_testing::{ProtectedResource, TestIssuer, protected_resource::check_protected_resource};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let resource = ProtectedResource::new("https://mcp.example.com/mcp");
    /// let resource = resource.test_issuer(&TestIssuer::new("https://mcp.example.com/mcp"));
    /// check_protected_resource("http://127.0.0.1:1", resource).await.assert(); // no server listens there
    /// # }
    /// ```
    #[track_caller]
    pub fn assert(self) -> Self {
        assert!(self.is_conformant(), "{}", Failures(&self));
        self
    }

    fn count(&self, is_counted: impl Fn(&Outcome) -> bool) -> usize {
        let outcomes = self.rows.iter().map(|row| &row.outcome);
        outcomes.filter(|outcome| is_counted(outcome)).count()
    }

    /// Returns the allowances of rows that did not fail or do not exist.
    fn unneeded(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_needed = |name: &str| {
            let mut rows = self.rows.iter();
            rows.any(|row| row.name == name && matches!(row.outcome, Outcome::Allowed(..)))
        };
        let allowances = self.allowances.iter();
        let allowances = allowances.filter(move |(name, _)| !is_needed(name));
        allowances.map(|(name, _)| {
            let row = self.rows.iter().find(|row| row.name == name);
            let why = match row.map(|row| &row.outcome) {
                None => "there is no row of this name",
                Some(Outcome::Skipped(_)) => "the row was skipped",
                Some(_) => "the row passed",
            };
            (name.as_str(), why)
        })
    }
}

/// The counts and every failure, for the message of a panic.
struct Failures<'r>(&'r ResourceReport);

impl fmt::Display for Failures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        writeln!(
            f,
            "{} passed, {} failed, {} allowed, {} skipped",
            report.passed(),
            report.failures().count(),
            report.count(|outcome| matches!(outcome, Outcome::Allowed(..))),
            report.count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        )?;
        for row in &report.rows {
            if let Outcome::Failed(failure) = &row.outcome {
                let (name, level, source) = (row.name, row.level, row.source);
                let severity = row.severity;
                writeln!(f, "- {name} ({level}, {source}; {severity})\n{failure}")?;
            }
        }
        for (name, why) in report.unneeded() {
            writeln!(f, "- {name}: the allowance is not needed, because {why}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ResourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Failures(self))?;
        writeln!(f, "| row | level | severity | source | result |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for row in &self.rows {
            let result = match &row.outcome {
                Outcome::Passed => "passed".to_owned(),
                Outcome::Failed(_) => "**failed**".to_owned(),
                Outcome::Allowed(reason, _) => format!("allowed: {reason}"),
                Outcome::Skipped(reason) => format!("skipped: {reason}"),
            };
            let (name, level, source) = (row.name, row.level, row.source);
            let severity = row.severity;
            writeln!(f, "| {name} | {level} | {severity} | {source} | {result} |")?;
        }
        Ok(())
    }
}
