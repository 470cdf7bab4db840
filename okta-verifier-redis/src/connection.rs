//! Connections to Redis: to one server, to the primary that sentinels name, or to a cluster. Knows
//! nothing of what is stored.

mod address;
mod back_off;
mod cluster;
mod failure;
mod limited;
mod sentinel;
mod server;
mod session;
mod slots;
mod tls;

use std::{sync::Arc, time::Duration};

use redis::{Cmd, Value};
use secrecy::SecretString;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

pub(crate) use self::{address::Address, failure::Failure, tls::Tls};
use self::{
    cluster::Cluster,
    failure::Reply,
    sentinel::Sentinels,
    server::{Server, Target},
};

/// Checked settings of connections.
pub(crate) struct Settings {
    pub(crate) tls: Option<Tls>,
    pub(crate) login: Option<Login>,
    pub(crate) sentinel_login: Option<Login>,
    pub(crate) database: u16,
    /// For a command, with the wait for a connection.
    pub(crate) timeout: Duration,
    /// For a connection: name, TCP, TLS, login, and the question to sentinels.
    pub(crate) connect_timeout: Duration,
}

pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// Where the commands go.
pub(crate) enum Servers {
    One(Address),
    Sentinel(String, Vec<Address>),
    Cluster(Vec<Address>),
}

/// A command and the replies that it has. Another reply may be that of another command, so it ends the
/// connection.
pub(crate) struct Command {
    pub(crate) command: Cmd,
    pub(crate) is_reply: fn(&Value) -> bool,
}

/// The connections of one store, to be shared.
pub(crate) struct Connection {
    route: Route,
    timeout: Duration,
}

#[derive(Clone)]
enum Route {
    Server(Arc<Server>),
    Cluster(Arc<Cluster>),
}

impl Connection {
    /// Performs no I/O: the first command connects.
    pub(crate) fn new(servers: Servers, settings: Settings) -> Self {
        let timeout = settings.timeout;
        let settings = Arc::new(settings);
        let server = |target| Route::Server(Arc::new(Server::new(target, settings.clone())));
        let route = match servers {
            Servers::One(address) => server(Target::Single(address)),
            Servers::Sentinel(name, addresses) => server(Target::Primary(Sentinels {
                name: name.into(),
                addresses,
            })),
            Servers::Cluster(seeds) => Route::Cluster(Arc::new(Cluster::new(seeds, settings))),
        };
        Self { route, timeout }
    }

    /// Sends a command about `key` and returns one of its replies.
    ///
    /// The command runs in a task of its own: a caller that is dropped must not hide that a server is
    /// silent, nor cancel a connection that others wait for.
    pub(crate) async fn send(&self, key: String, command: Command) -> Result<Value, Failure> {
        let runtime = Handle::try_current().map_err(|_| Failure::NoRuntime)?;
        let deadline = Instant::now() + self.timeout;
        let route = self.route.clone();
        let reply = runtime.spawn(async move { route.send(&key, &command, deadline).await });
        match timeout_at(deadline, reply).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(Failure::Abandoned),
            Err(_) => Err(Failure::Timeout),
        }
    }
}

impl Route {
    async fn send(
        &self,
        key: &str,
        command: &Command,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        match self {
            Self::Cluster(cluster) => cluster.send(key.as_bytes(), command, deadline).await,
            Self::Server(server) => match server.send(command, false, deadline).await? {
                Reply::Value(value) => Ok(value),
                Reply::Unready(failure) => Err(failure),
                // Read as refusals outside of a cluster.
                Reply::Moved(_) | Reply::Ask(_) => Err(Failure::TooManyRedirections),
            },
        }
    }
}

/// By how much a task may exceed its time before its runtime is taken to stand still.
const OVERDUE: Duration = Duration::from_millis(500);
