//! [`RevocationLog`]: what the instances of a service share, so that a rule that one of them learns reaches all of
//! them.

mod doubt;
mod entry;
mod reader;
mod shared_log;

use std::{error::Error, fmt, future::Future, pin::Pin, time::Duration};

pub use self::doubt::Doubt;
pub(crate) use self::{doubt::InDoubt, shared_log::SharedLog};
pub(super) use self::{
    entry::{IssuerRecord, Limit, Record},
    shared_log::{Append, AppendFailed, LogSettings, SharedRules},
};

/// An append-only log of revocation rules that all instances of a service read and write, such as
/// `RedisRevocationLog` of `okta-verifier-redis`.
///
/// The log only stores entries and returns them in some order. It does not need to understand them: rules only add to
/// each other, so an entry that is stored twice, or late, or after a newer one, does no harm. What a log must never do is
/// to lose an entry without saying so: [`LogRead::is_continuous`].
///
/// A log that can be written by others lets them reject tokens, and one from which they can remove entries lets them
/// keep revoked tokens alive.
///
/// ```
/// use std::{future::ready, sync::Mutex, time::Duration};
/// use okta_verifier::revocation::{LogAnswer, LogEntry, LogPosition, LogRead, RevocationLog, Revocations};
///
/// /// A log in memory, which never loses an entry.
/// #[derive(Default)]
/// struct MyLog(Mutex<Vec<LogEntry>>);
///
/// impl RevocationLog for MyLog {
///     fn append<'a>(&'a self, entries: &'a [LogEntry], _keep: Duration) -> LogAnswer<'a, ()> {
///         let stored = self.0.lock().map(|mut stored| stored.extend_from_slice(entries));
///         Box::pin(ready(stored.map_err(|_| "the log is broken".into())))
///     }
///
///     fn read<'a>(&'a self, after: Option<&'a LogPosition>) -> LogAnswer<'a, LogRead> {
///         let start = after.map_or(Ok(0), |position| position.as_str().parse::<usize>());
///         let read = match (self.0.lock(), start) {
///             (Ok(stored), Ok(start)) => Ok(LogRead {
///                 entries: stored.get(start..).unwrap_or_default().to_vec(),
///                 position: LogPosition::new(stored.len().to_string()),
///                 is_complete: true,
///                 is_continuous: true,
///             }),
///             _ => Err("the log is broken".into()),
///         };
///         Box::pin(ready(read))
///     }
/// }
///
/// assert!(Revocations::builder().log(MyLog::default()).build().is_ok());
/// ```
pub trait RevocationLog: Send + Sync + 'static {
    /// Appends the entries, and returns after the log has stored all of them. An entry may be forgotten after `keep`.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not certain that all entries are stored. They are then appended again later.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_verifier::revocation::{LogEntry, RevocationLog};
    /// # use okta_verifier_testing::MemoryRevocationLog;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let log = MemoryRevocationLog::new();
    /// let entry = LogEntry::parse("1 t 1790000000 https://acme.okta.com").ok_or("not an entry")?;
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// log.append(&[entry], day).await?;
    /// let read = log.read(None).await?;
    /// assert!(read.entries.len() == 1 && read.is_complete);
    /// assert!(log.read(Some(&read.position)).await?.entries.is_empty());
    ///
    /// log.fail(true); // the connection is lost
    /// assert!(log.append(&read.entries, day).await.is_err());
    /// assert!(log.read(None).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    fn append<'a>(&'a self, entries: &'a [LogEntry], keep: Duration) -> LogAnswer<'a, ()>;

    /// Returns the entries after `after`, or the first ones if it is `None`. If there are none, the log may wait for up to
    /// half a second for one. The answer shows that this instance knows everything that was stored before it asked.
    ///
    /// # Errors
    ///
    /// Returns an error if the log cannot be read now.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use okta_verifier::revocation::{LogEntry, RevocationLog};
    /// # use okta_verifier_testing::MemoryRevocationLog;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let log = MemoryRevocationLog::new();
    /// let entry = LogEntry::parse("1 t 1790000000 https://acme.okta.com").ok_or("not an entry")?;
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// log.append(&[entry], day).await?;
    /// let read = log.read(None).await?;
    /// assert!(read.entries.len() == 1 && read.is_complete);
    /// assert!(log.read(Some(&read.position)).await?.entries.is_empty());
    ///
    /// log.fail(true); // the connection is lost
    /// assert!(log.append(&read.entries, day).await.is_err());
    /// assert!(log.read(None).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    fn read<'a>(&'a self, after: Option<&'a LogPosition>) -> LogAnswer<'a, LogRead>;
}

/// The future that the methods of a [`RevocationLog`] return. The text of the error is logged.
///
/// ```
/// use okta_verifier::revocation::{LogAnswer, LogRead};
///
/// /// The answer of a log without a connection.
/// fn unavailable<'a>() -> LogAnswer<'a, LogRead> {
///     Box::pin(std::future::ready(Err("there is no connection".into())))
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert!(unavailable().await.is_err());
/// # }
/// ```
pub type LogAnswer<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// What [`RevocationLog::read`] returns.
///
/// ```
/// use okta_verifier::revocation::{LogEntry, LogPosition, LogRead};
///
/// /// The answer of an empty log. A reader that had read further has to append its rules again.
/// fn empty(has_read: bool) -> LogRead {
///     LogRead { entries: Vec::new(), position: LogPosition::new("0"), is_complete: true, is_continuous: !has_read }
/// }
/// assert!(empty(false).is_continuous && !empty(true).is_continuous);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "every log constructs it")]
pub struct LogRead {
    /// The entries, at most a few thousand.
    pub entries: Vec<LogEntry>,
    /// Where the next read continues.
    pub position: LogPosition,
    /// Whether the log had no more entries than these.
    pub is_complete: bool,
    /// Whether the log still has every entry that was stored since the position of the read, and is still the same log.
    /// If not, because it was emptied, trimmed too far, or restored from an older copy, the entries are the first ones
    /// of the log, and each instance appends everything it knows again.
    pub is_continuous: bool,
}

/// An entry of a [`RevocationLog`]: one line of ASCII text without control characters, of at most 4 KiB. Instead of
/// users, sessions and tokens it contains hashes of them.
///
/// ```
/// use okta_verifier::revocation::LogEntry;
///
/// let entry = LogEntry::parse("1 t 1790000000 https://acme.okta.com").expect("it has the form of an entry");
/// assert_eq!(entry.as_str(), "1 t 1790000000 https://acme.okta.com");
/// assert!(LogEntry::parse("two\nlines").is_none());
/// assert!(!format!("{entry:?}").contains("acme"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LogEntry(Box<str>);

/// A position in a [`RevocationLog`], which only the log itself reads.
///
/// ```
/// use okta_verifier::revocation::LogPosition;
///
/// assert_eq!(LogPosition::new("1790000000-3").as_str(), "1790000000-3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition(Box<str>);

impl LogEntry {
    /// Reads an entry that the log returns. Returns `None` if no version of this crate can have written it.
    ///
    /// ```
    /// use okta_verifier::revocation::LogEntry;
    ///
    /// let entry = LogEntry::parse("1 t 1790000000 https://acme.okta.com").expect("it has the form of an entry");
    /// assert_eq!(entry.as_str(), "1 t 1790000000 https://acme.okta.com");
    /// assert!(LogEntry::parse("two\nlines").is_none());
    /// assert!(!format!("{entry:?}").contains("acme"));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let is_entry = (1..=MAX_ENTRY).contains(&text.len()) && text.bytes().all(is_allowed);
        is_entry.then(|| Self(text.into()))
    }

    /// Returns the text of the entry.
    ///
    /// ```
    /// use okta_verifier::revocation::LogEntry;
    ///
    /// let entry = LogEntry::parse("1 t 1790000000 https://acme.okta.com").expect("it has the form of an entry");
    /// assert_eq!(entry.as_str(), "1 t 1790000000 https://acme.okta.com");
    /// assert!(LogEntry::parse("two\nlines").is_none());
    /// assert!(!format!("{entry:?}").contains("acme"));
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LogPosition {
    /// Returns a position with this text.
    ///
    /// ```
    /// use okta_verifier::revocation::LogPosition;
    ///
    /// assert_eq!(LogPosition::new("1790000000-3").as_str(), "1790000000-3");
    /// ```
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// Returns the text of the position.
    ///
    /// ```
    /// use okta_verifier::revocation::LogPosition;
    ///
    /// assert_eq!(LogPosition::new("1790000000-3").as_str(), "1790000000-3");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Omits the text: a value could be guessed from its hash.
impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEntry").finish_non_exhaustive()
    }
}

const MAX_ENTRY: usize = 4 * 1024;
