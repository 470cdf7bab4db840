//! A TCP proxy that loses replies, connections or everything, and what the store makes of that.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::RedisConfig;

use crate::{first_use, server::Server, store, until};

#[derive(Clone)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    mode: Mode,
    connections: Vec<[TcpStream; 2]>,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Mode {
    #[default]
    Pass,
    /// Close the connection when the next reply comes, instead of passing it on.
    CutReply,
    /// Close the connection when the next reply that is a number comes.
    CutNumber,
    /// Keep connections, accept new ones, and pass on nothing: as if the network dropped every packet.
    Swallow,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Self {
            port: listener.local_addr().expect("an address").port(),
            state: Arc::default(),
        };
        let accepting = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let clone = |it: &TcpStream| it.try_clone().expect("a clone");
                let kept = [clone(&client), clone(&server)];
                accepting.lock().connections.push(kept);
                let (to_server, to_client) = (accepting.clone(), accepting.clone());
                let (from_client, from_server) = (clone(&client), clone(&server));
                thread::spawn(move || to_server.pass(from_client, server, false));
                thread::spawn(move || to_client.pass(from_server, client, true));
            }
        });
        proxy
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig::server(format!("127.0.0.1:{}", self.port)).plaintext()
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.lock().mode = mode;
    }

    /// Closes every connection.
    pub(crate) fn cut(&self) {
        for end in self.lock().connections.drain(..).flatten() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, has_replies: bool) {
        let mut bytes = [0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let bytes = &bytes[..length];
            let mode = self.lock().mode;
            let cuts = match mode {
                Mode::Pass => false,
                Mode::Swallow => continue,
                Mode::CutReply => has_replies,
                Mode::CutNumber => has_replies && bytes[0] == b':',
            };
            if cuts || to.write_all(bytes).is_err() {
                break;
            }
        }
        for end in [from, to] {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// conformance 170
#[tokio::test]
async fn redis_command_whose_reply_is_lost_is_an_error_and_not_sent_again() {
    let server = Server::start();
    let proxy = Proxy::to(server.port);
    let store = store(proxy.config());
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::First));
    proxy.set(Mode::CutReply);
    let error = first_use(&store, 2).await.expect_err("no reply");
    assert!(error.contains("was lost"), "{error}");
    // It was executed, once.
    assert_eq!((server.sets(), server.number("DBSIZE")), (2, 2));
    proxy.set(Mode::Pass);
    until(async || first_use(&store, 3).await.is_ok()).await;
    assert_eq!(server.sets(), 3);
    assert_eq!(first_use(&store, 2).await, Ok(ProofUse::Replayed));
    assert_eq!(proxy.lock().connections.len(), 2);
}
