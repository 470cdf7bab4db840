//! Connections to Redis: to one server, to the primary that sentinels name, or to a cluster. This
//! module does not know what is stored.

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

/// Validated settings of connections.
pub(crate) struct Settings {
    pub(crate) tls: Option<Tls>,
    pub(crate) login: Option<Login>,
    pub(crate) sentinel_login: Option<Login>,
    pub(crate) database: u16,
    /// The timeout of a command, including the wait for a connection.
    pub(crate) timeout: Duration,
    /// The timeout of a connection attempt: the DNS look-up, TCP, TLS, the login and the query to the
    /// sentinels.
    pub(crate) connect_timeout: Duration,
}

pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// How the servers are found: by one address, by the sentinels of a named primary, or by some servers
/// of a cluster.
pub(crate) enum Servers {
    One(Address),
    Sentinel(String, Vec<Address>),
    Cluster(Vec<Address>),
}

/// A command, and a function that recognizes its replies. Any other reply may belong to another
/// command, so the connection is then closed.
pub(crate) struct Command {
    pub(crate) command: Cmd,
    pub(crate) is_reply: fn(&Value) -> bool,
}

/// The connections of a store, whose clones share them, or of a log.
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
    /// Creates the connections without I/O. The first command connects.
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

    /// Sends a command about `key` and returns its reply.
    ///
    /// The command runs in a separate task. If this future is dropped, the task continues, so a server
    /// that does not reply is still detected.
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
                // Unreachable: `Reply::new` treats redirections as rejections outside a cluster.
                Reply::Moved(_) | Reply::Ask(_) => Err(Failure::TooManyRedirections),
            },
        }
    }
}

/// A task that exceeds its timeout by more than this is treated as stuck: its runtime is probably
/// blocked.
const OVERDUE: Duration = Duration::from_millis(500);
