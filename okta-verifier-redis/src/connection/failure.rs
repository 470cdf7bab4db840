//! `Failure`: why a command has no result. Apart from addresses, no variant contains text from the
//! server, because a server may repeat a command and the secrets in it.

use std::{io, sync::Arc};

use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

use super::{Command, address::Address};

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Redis server {0} cannot be reached")]
    Unreachable(Address, #[source] Arc<io::Error>),
    #[error("Redis did not answer in time")]
    Timeout,
    #[error("Redis server {0} did not answer in time")]
    Silent(Address),
    #[error("the connection to Redis server {0} was lost")]
    ConnectionLost(Address),
    #[error("Redis server {0} rejects the user or password")]
    LoginRejected(Address),
    #[error("Redis server {0} answered with {1}")]
    Refused(Address, &'static str),
    #[error("Redis server {0} sent an unexpected reply")]
    UnexpectedReply(Address),
    #[error("no sentinel names a primary {0:?} that can be used")]
    NoPrimary(Arc<str>, #[source] Arc<Self>),
    #[error("sentinel {0} does not monitor a primary of this name")]
    NotMonitored(Address),
    #[error("Redis server {0} is named as the primary but is not one")]
    NotPrimary(Address),
    #[error("no server of the Redis cluster returned the assignment of the slots")]
    NoTopology(#[source] Option<Arc<Self>>),
    #[error("no server of the Redis cluster serves the slot of the key")]
    UnassignedSlot,
    #[error("the Redis cluster redirected a command too often")]
    TooManyRedirections,
    #[error("the Redis cluster redirected commands to too many servers")]
    TooManyServers,
    #[error("the command to Redis needs a tokio runtime")]
    NoRuntime,
    #[error("the command to Redis was abandoned because its runtime ended")]
    Abandoned,
}

/// The reply of a server to a command.
#[derive(Debug)]
pub(super) enum Reply {
    Value(Value),
    /// The slot is served by another server: `MOVED`. The command was not executed.
    Moved(Address),
    /// The key is being moved to another server: `ASK`. The command was not executed.
    Ask(Address),
    /// The server is healthy but cannot execute the command now: `CLUSTERDOWN` or `TRYAGAIN`, which
    /// only servers of a cluster send.
    Unready(Failure),
}

impl Reply {
    /// Interprets the result of one command at `server`. Outside a cluster, redirections are failures.
    pub(super) fn new(
        result: Result<Value, RedisError>,
        server: &Address,
        in_cluster: bool,
    ) -> Result<Self, Failure> {
        let error = match result {
            Ok(Value::ServerError(error)) => RedisError::from(error),
            Ok(value) => return Ok(Self::Value(value)),
            Err(error) => error,
        };
        let ErrorKind::Server(kind) = error.kind() else {
            return Err(Failure::of(&error, server));
        };
        let to = || {
            let (address, _) = error.redirect_node()?;
            Address::redirected(address, server)
        };
        match kind {
            ServerErrorKind::Moved if in_cluster => to().map(Self::Moved),
            ServerErrorKind::Ask if in_cluster => to().map(Self::Ask),
            ServerErrorKind::ClusterDown | ServerErrorKind::TryAgain if in_cluster => {
                Some(Self::Unready(Failure::of(&error, server)))
            }
            // After `READONLY`, `LOADING` and `MASTERDOWN` the command is not sent again, although it was not
            // executed: these states last longer than a request may wait.
            _ => return Err(Failure::of(&error, server)),
        }
        .ok_or_else(|| Failure::UnexpectedReply(server.clone()))
    }
}

impl Reply {
    pub(super) fn checked(self, command: &Command, server: &Address) -> Result<Self, Failure> {
        match &self {
            Self::Value(value) if !(command.is_reply)(value) => {
                Err(Failure::UnexpectedReply(server.clone()))
            }
            _ => Ok(self),
        }
    }
}

impl Failure {
    /// Converts an error that the crate redis returned for `server`.
    pub(super) fn of(error: &RedisError, server: &Address) -> Self {
        let server = server.clone();
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::LoginRejected(server),
            ErrorKind::Io => Self::ConnectionLost(server),
            ErrorKind::Server(_) | ErrorKind::Extension => Self::refused(error.code(), server),
            _ => Self::UnexpectedReply(server),
        }
    }

    fn refused(code: Option<&str>, server: Address) -> Self {
        let known = |known: &&&'static str| code == Some(**known);
        match CODES.iter().find(known) {
            Some(&("NOAUTH" | "WRONGPASS")) => Self::LoginRejected(server),
            Some(code) => Self::Refused(server, code),
            None => Self::Refused(server, "an error"),
        }
    }
}

/// The error codes that an error text may contain. Any other code may be a part of a command that the
/// server repeats.
const CODES: [&str; 15] = [
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "ERR",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "WRONGPASS",
];
