//! `RedisRevocationLog`: the rules about revoked tokens in Redis.

mod position;
mod script;
mod unread;

use std::{fmt, time::Duration};

use okta_verifier::revocation::{LogAnswer, LogEntry, LogPosition, LogRead, RevocationLog};
use redis::Value;

use self::{
    position::{Position, Tag},
    script::{Keys, Page},
    unread::Unread,
};
use crate::{
    config::{RedisConfig, checked_prefix},
    connection::Connection,
    error::RedisConfigError,
};

/// Stores the rules about revoked tokens in Redis or Valkey, so that a rule that one instance of a service learns
/// reaches all of them. Requires Redis 6.2 or newer.
///
/// ```
/// use okta_verifier_redis::{RedisConfig, RedisConfigError, RedisRevocationLog};
///
/// let redis = RedisConfig::server("redis.internal").login("api", "password");
/// let log = RedisRevocationLog::new(redis)?; // no I/O to the server
///
/// let wrong = RedisRevocationLog::new(RedisConfig::server("https://redis.internal"));
/// assert!(matches!(wrong, Err(RedisConfigError::Address)));
/// # Ok::<(), RedisConfigError>(())
/// ```
///
/// # What is stored
///
/// A stream, `okta-verifier:revocation:{rules}:entries`, has an entry for each rule, and a hash beside it,
/// `okta-verifier:revocation:{rules}:log`, has the random name of the log. Both keys have one hash tag, so they are in
/// one slot of a cluster. Each append and each read is one `EVAL` of a short script: one command with one reply, which
/// is executed completely or, after an error, appended again.
///
/// Each append forgets the entries that are older than the longest time for which any instance has asked to keep them,
/// by the clock of the server, but never the newest entry. The clocks of the instances are not used.
///
/// # How a lost entry is noticed
///
/// A position in the log is the name of the log, the ID of the last entry that was read, and a random tag that the
/// append of this entry gave to it. The log is continuous if it has the same name and still has exactly this entry.
/// Servers replicate and store entries in their order, so a server that has the entry has everything that the former
/// server stored before it. A log that was emptied, trimmed past the position, restored from an older copy, or taken
/// over by a replica that lacks the last entries does not have it, even if it has other entries with later IDs.
///
/// An entry may also be lost before any instance has read it. This instance therefore remembers what it appended until
/// it reads it back. If a complete read does not have it, the log is not continuous either.
///
/// # Reads
///
/// A read never waits at the server: `XREAD BLOCK` would need a connection of its own for each instance, and the client
/// could not tell a server that has nothing to say from one that is gone. Each read has the
/// [timeout](RedisConfig::timeout) of all commands.
///
/// The script of a read includes a command that Redis treats as a write, although it changes nothing. A server that was
/// degraded to a replica therefore rejects the read, and so does a primary that is cut off from its replicas, if
/// `min-replicas-to-write` is set. Without that setting, an instance that still reaches such a primary does not learn
/// the rules that are stored at the new one.
///
/// # When Redis fails
///
/// An append that fails, or has no reply in time, is an error, although the entries may have been stored. Appending
/// them again does no harm. [The crate's documentation](crate#when-redis-fails) says when a command is sent again and
/// how long the log waits before it reconnects.
///
/// A reply that does not have the expected form is an error, and so is a reply with an entry that this crate cannot have
/// written: while such an entry is in the stream, nothing is read. Delete both keys to begin a new log; the instances
/// notice it and append their rules again.
pub struct RedisRevocationLog {
    connection: Connection,
    keys: Keys,
    unread: Unread,
}

impl RedisRevocationLog {
    /// Returns a log with the given settings. Connects to no server.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is invalid or the system has no CA certificates. The error text
    /// says what is wrong or what to set instead.
    pub fn new(config: RedisConfig) -> Result<Self, RedisConfigError> {
        Ok(Self {
            connection: config.connection()?,
            keys: Keys::new("okta-verifier:revocation:"),
            unread: Unread::default(),
        })
    }

    /// Sets the prefix of the keys: 1 to 64 visible ASCII characters other than braces. The default is
    /// `okta-verifier:revocation:`.
    ///
    /// Instances with the same prefix share their rules. Another service on the same server needs a different prefix.
    ///
    /// ```
    /// # use okta_verifier_redis::{RedisConfig, RedisRevocationLog};
    /// let log = || RedisRevocationLog::new(RedisConfig::server("redis.internal"));
    /// assert!(log()?.key_prefix("orders:revocation:").is_ok());
    /// assert!(log()?.key_prefix("orders revocation").is_err());
    /// # Ok::<(), okta_verifier_redis::RedisConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the prefix is empty, is too long, or contains a character that is not
    /// allowed.
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, RedisConfigError> {
        self.keys = Keys::new(checked_prefix(prefix)?);
        Ok(self)
    }

    async fn append_all(&self, entries: &[LogEntry], keep: Duration) -> Result<(), Failure> {
        for entries in script::batches(entries) {
            let sent = self.unread.send(Tag::random()).ok_or(TOO_MANY_UNREAD)?;
            let command = script::append(&self.keys, sent.tag(), entries, keep);
            let reply = self.connection.send(self.keys.entries.clone(), command);
            match reply.await? {
                Value::Int(count) if usize::try_from(count) == Ok(entries.len()) => sent.stored(),
                _ => return Err(UNEXPECTED.into()),
            }
        }
        Ok(())
    }

    async fn read_after(&self, after: Option<&LogPosition>) -> Result<LogRead, Failure> {
        // A position that cannot be read is one of another log.
        let position = after.and_then(|after| Position::parse(after.as_str()));
        let stored = self.unread.begin(position.as_ref());
        let mut page = self.page(position.as_ref()).await?;
        let mut is_continuous = after.is_none() || page.is_continuous;
        if is_continuous && page.is_complete && self.unread.is_missing(stored) {
            page = self.page(None).await?;
            is_continuous = false;
        }
        if !is_continuous {
            // The caller appends everything again.
            self.unread.forget(stored);
        }
        Ok(LogRead {
            position: LogPosition::new(page.position.to_string()),
            entries: page.entries.into_iter().map(|entry| entry.rule).collect(),
            is_complete: page.is_complete,
            is_continuous,
        })
    }

    async fn page(&self, position: Option<&Position>) -> Result<Page, Failure> {
        let command = script::read(&self.keys, position);
        let reply = self.connection.send(self.keys.entries.clone(), command);
        let page = Page::parse(&reply.await?, position).ok_or(UNEXPECTED)?;
        let entries = page.entries.iter();
        self.unread.read(entries.map(|entry| (entry.id, entry.tag)));
        Ok(page)
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl RevocationLog for RedisRevocationLog {
    fn append<'a>(&'a self, entries: &'a [LogEntry], keep: Duration) -> LogAnswer<'a, ()> {
        Box::pin(self.append_all(entries, keep))
    }

    fn read<'a>(&'a self, after: Option<&'a LogPosition>) -> LogAnswer<'a, LogRead> {
        Box::pin(self.read_after(after))
    }
}

/// Omits the login.
impl fmt::Debug for RedisRevocationLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRevocationLog")
            .field("entries", &self.keys.entries)
            .finish_non_exhaustive()
    }
}

const UNEXPECTED: &str = "Redis sent an unexpected reply";
const TOO_MANY_UNREAD: &str = "too many appended rules have not been read back from Redis";
