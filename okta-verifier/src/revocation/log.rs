//! [`RevocationLog`]: what the instances of a service share, so that a rule that one of them learns reaches all of
//! them.

mod currency;
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
pub trait RevocationLog: Send + Sync + 'static {
    /// Appends the entries, and returns after the log has stored all of them. An entry may be forgotten after `keep`.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not certain that all entries are stored. They are then appended again later.
    fn append<'a>(&'a self, entries: &'a [LogEntry], keep: Duration) -> LogAnswer<'a, ()>;

    /// Returns the entries after `after`, or the first ones if it is `None`. If there are none, the log may wait for up to
    /// half a second for one. The answer shows that this instance knows everything that was stored before it asked.
    ///
    /// # Errors
    ///
    /// Returns an error if the log cannot be read now.
    fn read<'a>(&'a self, after: Option<&'a LogPosition>) -> LogAnswer<'a, LogRead>;
}

/// The future that the methods of a [`RevocationLog`] return. The text of the error is logged.
pub type LogAnswer<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// What [`RevocationLog::read`] returns.
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
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry(Box<str>);

/// A position in a [`RevocationLog`], which only the log itself reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition(Box<str>);

impl LogEntry {
    /// Reads an entry that the log returns. Returns `None` if no version of this crate can have written it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let is_entry = (1..=MAX_ENTRY).contains(&text.len()) && text.bytes().all(is_allowed);
        is_entry.then(|| Self(text.into()))
    }

    /// Returns the text of the entry.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LogPosition {
    /// Returns a position with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// Returns the text of the position.
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
