//! `Session`: an open connection to one server, after TLS and login. Many commands can be in flight at
//! the same time.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, ProtocolVersion, RedisConnectionInfo, RedisError, Value,
    aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    task::JoinHandle,
    time::timeout,
};

use super::{
    Login, Settings,
    address::Address,
    failure::Failure,
    limited::{Limited, Traffic},
};

pub(super) struct Session {
    pub(super) address: Address,
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    traffic: Arc<Traffic>,
    has_answered: AtomicBool,
}

impl Session {
    /// Connects to a data server (not a sentinel), logs in and selects the database.
    pub(super) async fn open(address: &Address, settings: &Settings) -> Result<Self, Failure> {
        let session = Self::connect(address, settings).await?;
        session.log_in(settings.login.as_ref()).await?;
        if settings.database != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(settings.database);
            session.expect(&select, &Value::Okay).await?;
        }
        // Checks that the server replies, and that the reply belongs to this command. Otherwise a reply
        // that arrived before any command would be mistaken for the reply to the first command.
        let text = format!("{:016x}", RandomState::new().hash_one(&*address.host));
        let mut ping = redis::cmd("PING");
        ping.arg(&text);
        let echo = Value::BulkString(text.into());
        session.expect(&ping, &echo).await?;
        Ok(session)
    }

    /// Connects to a sentinel and logs in with the login for sentinels.
    pub(super) async fn open_sentinel(
        address: &Address,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let session = Self::connect(address, settings).await?;
        session.log_in(settings.sentinel_login.as_ref()).await?;
        Ok(session)
    }

    async fn connect(address: &Address, settings: &Settings) -> Result<Self, Failure> {
        let unreachable = |error| Failure::Unreachable(address.clone(), Arc::new(error));
        let tcp = connect_tcp(address, settings.connect_timeout / 3).await?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        match &settings.tls {
            None => Self::over(address, tcp).await,
            Some(tls) => {
                let stream = tls.connect(&address.host, tcp).await.map_err(unreachable)?;
                Self::over(address, stream).await
            }
        }
    }

    /// Creates a session over `stream`. Sends nothing.
    pub(super) async fn over<S>(address: &Address, stream: S) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // `log_in` performs the login, not the crate redis. To a server without users, the crate would
        // send only the password. The server would then log in the user `default`, whatever user is
        // configured.
        let info = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP2)
            .set_skip_set_lib_name();
        // `Server` applies the timeout.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let traffic = Arc::new(Traffic::default());
        let stream = Limited::new(stream, traffic.clone());
        let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
            .await
            .map_err(|error| Failure::of(&error, address))?;
        Ok(Self {
            address: address.clone(),
            connection,
            driver: tokio::spawn(driver),
            traffic,
            has_answered: AtomicBool::new(false),
        })
    }

    async fn log_in(&self, login: Option<&Login>) -> Result<(), Failure> {
        let Some(Login { user, password }) = login else {
            return Ok(());
        };
        let password = password.expose_secret();
        let mut auth = redis::cmd("AUTH");
        auth.arg(user).arg(password);
        let mut result = self.expect(&auth, &Value::Okay).await;
        // Redis before version 6 has no users and rejects `AUTH` with a user name. `AUTH` with only a
        // password logs in as `default`, so it is tried for that user only.
        if user == "default" && matches!(result, Err(Failure::Refused(_, "ERR"))) {
            let mut auth = redis::cmd("AUTH");
            auth.arg(password);
            result = self.expect(&auth, &Value::Okay).await;
        }
        result.map_err(|failure| match failure {
            Failure::Refused(server, "ERR") => Failure::LoginRejected(server),
            failure => failure,
        })
    }

    async fn expect(&self, command: &Cmd, expected: &Value) -> Result<(), Failure> {
        let reply = self.call(command, false).await;
        match reply.and_then(Value::extract_error) {
            Ok(reply) if reply == *expected => Ok(()),
            Ok(_) => Err(Failure::UnexpectedReply(self.address.clone())),
            Err(error) => Err(Failure::of(&error, &self.address)),
        }
    }

    /// Sends one command and waits for its reply. If `asking` is set, the server also executes the
    /// command for a slot that is being moved to it.
    pub(super) async fn call(&self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        self.traffic.sends();
        let reply = match asking {
            false => self.connection.clone().send_packed_command(command).await,
            true => {
                // `ASKING` applies to the next command of the connection, so the two must be sent
                // together.
                let mut pipeline = redis::pipe();
                pipeline.cmd("ASKING").add_command(command.clone());
                self.second_reply(&pipeline).await
            }
        };
        self.traffic.answered();
        reply
    }

    async fn second_reply(&self, pipeline: &Pipeline) -> Result<Value, RedisError> {
        let mut connection = self.connection.clone();
        let mut replies = connection.send_packed_commands(pipeline, 1, 1).await?;
        // If the second reply is missing, return an empty array. No command that is sent after `ASKING`
        // accepts one, so an unexpected reply is reported.
        Ok(replies.pop().unwrap_or(Value::Array(Vec::new())))
    }

    /// Returns whether the connection is open. It is closed if either side has closed it, or if its
    /// runtime has ended.
    pub(super) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }

    /// Returns why this closed session counts as a failure of the server, or `None` if a new connection
    /// may be made at once. A session has failed if the server sent more than [`Limited`] allows, or
    /// closed the connection before its first reply. An idle connection that is closed later is not a
    /// failure.
    pub(super) fn failure(&self) -> Option<Failure> {
        let address = || self.address.clone();
        if self.traffic.is_exceeded() {
            return Some(Failure::UnexpectedReply(address()));
        }
        let has_answered = self.has_answered.load(Ordering::Relaxed);
        (!has_answered).then(|| Failure::ConnectionLost(address()))
    }

    /// Closes the connection. Every command that waits for a reply fails.
    pub(super) fn close(&self) {
        self.driver.abort();
    }

    /// Records a reply and returns whether it is the first one.
    pub(super) fn first_answer(&self) -> bool {
        !self.has_answered.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

/// Connects to the first IP address of the host that accepts. Each attempt has a timeout, so that an
/// address that does not respond leaves time for the next one.
async fn connect_tcp(address: &Address, per_address: Duration) -> Result<TcpStream, Failure> {
    let unreachable = |error| Failure::Unreachable(address.clone(), Arc::new(error));
    let mut failure = Failure::Silent(address.clone());
    let addresses = lookup_host((&*address.host, address.port)).await;
    for ip in addresses.map_err(unreachable)? {
        match timeout(per_address, TcpStream::connect(ip)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => failure = unreachable(error),
            Err(_) => failure = Failure::Silent(address.clone()),
        }
    }
    Err(failure)
}
