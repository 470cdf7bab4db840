//! The Redis server of the example.

use std::{
    env,
    error::Error,
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    process::Stdio,
    time::Duration,
};

use okta_verifier_redis::{RedisConfig, RedisConfigError};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep},
};

/// A Redis server.
pub(crate) enum Redis {
    /// The server of the environment variable `REDIS_URL`.
    Configured(String),
    /// A server of this process, which ends with it.
    Started {
        port: u16,
        _server: Child,
        _data: TempDir,
    },
}

impl Redis {
    /// Starts a server on a free port of loopback, unless `REDIS_URL` names one.
    ///
    /// # Errors
    ///
    /// Returns an error if the server cannot be started.
    pub(crate) async fn from_env_or_start() -> Result<Self, Box<dyn Error>> {
        match env::var("REDIS_URL") {
            Ok(url) => Ok(Self::Configured(url)),
            Err(env::VarError::NotPresent) => Self::start().await,
            Err(error) => Err(format!("REDIS_URL: {error}").into()),
        }
    }

    async fn start() -> Result<Self, Box<dyn Error>> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let data = TempDir::new()?;
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            // The rules survive a restart of the server.
            .args(["--appendonly", "yes", "--save", ""])
            .arg("--dir")
            .arg(data.path())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let server = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                "redis-server is missing; install it, or set REDIS_URL to the URL of a server"
                    .into()
            }
            _ => Box::<dyn Error>::from(error),
        })?;
        let deadline = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            if Instant::now() > deadline {
                return Err("redis-server does not listen".into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self::Started {
            port,
            _server: server,
            _data: data,
        })
    }

    /// Returns the settings of a connection to the server.
    ///
    /// # Errors
    ///
    /// Returns an error if `REDIS_URL` is not the URL of a Redis server.
    pub(crate) fn config(&self) -> Result<RedisConfig, RedisConfigError> {
        match self {
            Self::Configured(url) => RedisConfig::from_url(url),
            Self::Started { port, .. } => {
                Ok(RedisConfig::server(format!("127.0.0.1:{port}")).plaintext())
            }
        }
    }
}

const START: Duration = Duration::from_secs(20);
