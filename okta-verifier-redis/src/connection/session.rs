//! `Session`: an open connection to one server, after TLS and login, over which many commands go at
//! once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Cmd, ProtocolVersion, RedisConnectionInfo, RedisError, Value,
    aio::MultiplexedConnection,
};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    task::JoinHandle,
    time::timeout,
};

use super::{Login, Settings, address::Address, failure::Failure};

pub(super) struct Session {
    pub(super) address: Address,
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    has_answered: AtomicBool,
}

impl Session {
    /// Connects to a server that executes commands.
    pub(super) async fn open(address: &Address, settings: &Settings) -> Result<Self, Failure> {
        let login = login(settings.login.as_ref()).set_db(settings.database.into());
        Self::connect(address, settings, &login).await
    }

    /// Connects to a sentinel, which has its own login.
    pub(super) async fn open_sentinel(
        address: &Address,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        Self::connect(address, settings, &login(settings.sentinel_login.as_ref())).await
    }

    async fn connect(
        address: &Address,
        settings: &Settings,
        login: &RedisConnectionInfo,
    ) -> Result<Self, Failure> {
        let unreachable = |error| Failure::Unreachable(address.clone(), Arc::new(error));
        let tcp = connect_tcp(address, settings.connect_timeout / 3).await?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        match &settings.tls {
            None => Self::over(address, tcp, login).await,
            Some(tls) => {
                let stream = tls.connect(&address.host, tcp).await.map_err(unreachable)?;
                Self::over(address, stream, login).await
            }
        }
    }

    pub(super) async fn over<S>(
        address: &Address,
        stream: S,
        login: &RedisConnectionInfo,
    ) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // `Server` limits the time.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, driver) = MultiplexedConnection::new_with_config(login, stream, config)
            .await
            .map_err(|error| Failure::of(&error, address))?;
        Ok(Self {
            address: address.clone(),
            connection,
            driver: tokio::spawn(driver),
            has_answered: AtomicBool::new(false),
        })
    }

    /// Sends one command and waits for its reply. With `asking` the server executes it also for a slot
    /// that is being moved to it.
    pub(super) async fn call(&self, command: &Cmd, asking: bool) -> Result<Value, RedisError> {
        let mut connection = self.connection.clone();
        if !asking {
            return connection.send_packed_command(command).await;
        }
        // ASKING is for the next command of the connection, so both must be sent as one piece.
        let mut pipeline = redis::pipe();
        pipeline.cmd("ASKING").add_command(command.clone());
        let mut replies = connection.send_packed_commands(&pipeline, 1, 1).await?;
        // None of two replies is a defect that the caller reports as an unexpected reply.
        Ok(replies.pop().unwrap_or(Value::Array(Vec::new())))
    }

    /// Returns `false` after the server closed the connection, or its runtime ended.
    pub(super) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }

    /// Fails every command that waits for a reply.
    pub(super) fn close(&self) {
        self.driver.abort();
    }

    /// Returns true on the first call only.
    pub(super) fn first_answer(&self) -> bool {
        !self.has_answered.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

fn login(login: Option<&Login>) -> RedisConnectionInfo {
    let info = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP2)
        .set_skip_set_lib_name();
    match login {
        None => info,
        Some(Login { user, password }) => info
            .set_username(user)
            .set_password(password.expose_secret()),
    }
}

/// Connects to the first IP address of the host that accepts: one that is silent must not use up the
/// time for the next one.
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
