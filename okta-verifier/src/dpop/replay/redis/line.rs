//! One connection, over which many questions go at once.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    task::JoinHandle,
    time::timeout,
};

use super::{address::Address, failure::Failure};

pub(super) struct Line {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    has_answered: AtomicBool,
}

impl Line {
    pub(super) async fn open(address: &Address) -> Result<Self, Failure> {
        let tcp = connect(&address.host, address.port).await?;
        tcp.set_nodelay(true)?;
        match &address.tls {
            None => Self::over(address, tcp).await,
            Some(tls) => Self::over(address, tls.connect(&address.host, tcp).await?).await,
        }
    }

    pub(super) async fn over<S>(address: &Address, stream: S) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // Time is limited by who asks.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&address.login, stream, config).await?;
        Ok(Self {
            connection,
            driver: tokio::spawn(driver),
            has_answered: AtomicBool::new(false),
        })
    }

    /// Whether the key was not there. It is now, for `keep`.
    pub(super) async fn set(&self, key: &str, keep: Duration) -> Result<bool, Failure> {
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = redis::cmd("SET");
        command.arg(key).arg("1").arg("NX").arg("PX").arg(keep);
        let mut connection = self.connection.clone();
        Failure::judge(connection.send_packed_command(&command).await)
    }

    /// The server may have closed it while nobody asked.
    pub(super) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }

    /// Whether this is the first time that it is said.
    pub(super) fn answered(&self) -> bool {
        !self.has_answered.swap(true, Ordering::Relaxed)
    }
}

/// To the first address that answers: one that is silent does not keep us from the next.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let mut failure = Failure::Timeout;
    for address in lookup_host((host, port)).await? {
        match timeout(PER_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => failure = error.into(),
            Err(_) => failure = Failure::Timeout,
        }
    }
    Err(failure)
}

const PER_ADDRESS: Duration = Duration::from_millis(300);

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
