//! `MemoryRevocationLog`: a shared log of revocation rules, for tests with several instances in one process.

use std::{
    fmt,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use okta_verifier::revocation::{LogAnswer, LogEntry, LogPosition, LogRead, RevocationLog};

/// A [`RevocationLog`] in memory. Clones share the entries, so give a clone to each instance.
///
/// It shows how a service behaves when its log fails or loses entries. It keeps entries for ever, and only in this
/// process: do not use it in production.
///
/// ```
/// # use okta_verifier::{Verifier, revocation::{Doubt, RevokeError, Revocations, Rule, SubjectClaim}};
/// # use okta_verifier_testing::{MemoryRevocationLog, TestIssuer};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let okta = TestIssuer::new("api://orders");
/// let log = MemoryRevocationLog::new();
/// let instance = || {
///     let revocations = Revocations::builder().log(log.clone()).in_doubt(Doubt::Reject).build()?;
///     let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
///     Ok::<_, okta_verifier::ConfigError>((builder.revocations(revocations.clone()).build()?, revocations))
/// };
/// let rule = |user| Rule::subject(okta.issuer_url(), SubjectClaim::Subject, user);
/// let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
///
/// // What one instance revokes, the others reject.
/// let ((one, of_one), (two, of_two)) = (instance()?, instance()?);
/// of_one.revoke(rule("ada")).await?;
/// assert_eq!(two.verify(&ada).await.unwrap_err().code(), "revoked");
/// assert!(two.verify(&bob).await.is_ok());
///
/// // While the log fails, a rule applies to one instance only, and says so.
/// log.fail(true);
/// assert_eq!(of_two.revoke(rule("bob")).await, Err(RevokeError::LogUnavailable));
/// assert_eq!(two.verify(&bob).await.unwrap_err().code(), "revoked");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryRevocationLog(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    entries: Vec<LogEntry>,
    /// The number of times that everything was lost. A position of an earlier log is not continuous.
    losses: u64,
    fails: bool,
}

impl MemoryRevocationLog {
    /// Returns a log without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether each read and each append fails, as if there were no connection to the log.
    pub fn fail(&self, fails: bool) {
        self.lock().fails = fails;
    }

    /// Removes all entries, like the restart of a server without persistence. Each instance notices the loss at its next
    /// read, and appends its rules again.
    ///
    /// ```
    /// # use okta_verifier_testing::MemoryRevocationLog;
    /// let log = MemoryRevocationLog::new();
    /// log.lose_everything();
    /// assert!(log.is_empty());
    /// ```
    pub fn lose_everything(&self) {
        let mut state = self.lock();
        state.entries.clear();
        state.losses += 1;
    }

    /// Returns the number of entries. A rule about a session and its user has two.
    ///
    /// ```
    /// # use okta_verifier::{Verifier, revocation::{Revocations, Rule}};
    /// # use okta_verifier_testing::{MemoryRevocationLog, TestIssuer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let log = MemoryRevocationLog::new();
    /// let revocations = Revocations::builder().log(log.clone()).build()?;
    /// let issuer = okta.issuer().any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// assert!(log.is_empty());
    /// revocations.revoke(Rule::token(okta.issuer_url(), "token-1")).await?;
    /// assert_eq!(log.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read_now(&self, after: Option<&LogPosition>) -> Result<LogRead, &'static str> {
        let state = self.lock();
        if state.fails {
            return Err(FAILURE);
        }
        let start = match after {
            None => Some(0),
            Some(position) => (position.as_str().split_once(' '))
                .filter(|(losses, _)| *losses == state.losses.to_string())
                .and_then(|(_, start)| start.parse().ok()),
        };
        let rest = start.and_then(|start: usize| state.entries.get(start..));
        let entries = rest.unwrap_or(&state.entries);
        let end = entries.len().min(PAGE);
        let read = state.entries.len() - entries.len() + end;
        Ok(LogRead {
            entries: entries[..end].to_vec(),
            position: LogPosition::new(format!("{} {read}", state.losses)),
            is_complete: end == entries.len(),
            is_continuous: rest.is_some(),
        })
    }

    fn append_now(&self, entries: &[LogEntry]) -> Result<(), &'static str> {
        let mut state = self.lock();
        if state.fails {
            return Err(FAILURE);
        }
        state.entries.extend_from_slice(entries);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RevocationLog for MemoryRevocationLog {
    fn append<'a>(&'a self, entries: &'a [LogEntry], _keep: Duration) -> LogAnswer<'a, ()> {
        Box::pin(ready(self.append_now(entries).map_err(Into::into)))
    }

    fn read<'a>(&'a self, after: Option<&'a LogPosition>) -> LogAnswer<'a, LogRead> {
        Box::pin(ready(self.read_now(after).map_err(Into::into)))
    }
}

/// Shows the number of entries only.
impl fmt::Debug for MemoryRevocationLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRevocationLog")
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

const FAILURE: &str = "the connection to the log was lost";
/// The number of entries of one read.
const PAGE: usize = 1_000;
