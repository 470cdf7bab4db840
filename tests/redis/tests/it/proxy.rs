//! A TCP proxy that loses replies, connections or everything.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use okta_verifier_redis::RedisConfig;

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
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

    /// Returns the number of connections that were accepted and not closed by [`cut`](Self::cut).
    pub(crate) fn connections(&self) -> usize {
        self.lock().connections.len()
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
