//! Why the server gave no answer that counts. Its own words are never repeated: they may be our
//! password.

use std::{io, sync::Arc};

use redis::{ErrorKind, RedisError, Value};

#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("Redis cannot be reached: {0}")]
    Unreachable(Arc<io::Error>),
    #[error("Redis did not answer in time")]
    Timeout,
    #[error("the connection to Redis broke")]
    Broken,
    #[error("Redis refuses our user or password")]
    LoginRefused,
    #[error("Redis answered with {0}")]
    Refused(&'static str),
    #[error("Redis answered with something else than OK and nil")]
    Answer,
    #[error("there is no tokio runtime to ask Redis on")]
    NoRuntime,
    #[error("the question to Redis was abandoned")]
    Abandoned,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(Arc::new(error))
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::LoginRefused,
            ErrorKind::Io => Self::Broken,
            ErrorKind::Server(_) | ErrorKind::Extension => Self::refused(error.code()),
            _ => Self::Answer,
        }
    }
}

impl Failure {
    /// `Ok`: whether the key was not there.
    pub(super) fn judge(answer: Result<Value, RedisError>) -> Result<bool, Self> {
        match answer? {
            Value::Okay => Ok(true),
            Value::Nil => Ok(false),
            Value::ServerError(error) => Err(Self::refused(Some(error.code()))),
            _ => Err(Self::Answer),
        }
    }

    fn refused(code: Option<&str>) -> Self {
        let known = |known: &&&'static str| code == Some(**known);
        match CODES.iter().find(known) {
            Some(&("NOAUTH" | "WRONGPASS")) => Self::LoginRefused,
            Some(code) => Self::Refused(code),
            None => Self::Refused("an error"),
        }
    }
}

const CODES: [&str; 13] = [
    "ERR",
    "WRONGPASS",
    "NOAUTH",
    "NOPERM",
    "OOM",
    "READONLY",
    "LOADING",
    "BUSY",
    "MISCONF",
    "MASTERDOWN",
    "NOREPLICAS",
    "CLUSTERDOWN",
    "MOVED",
];
