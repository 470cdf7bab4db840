//! A TCP proxy that loses replies, and what the store makes of that.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::RedisConfig;

use crate::{first_use, server::Server, store, until};

struct Proxy {
    port: u16,
    /// Close the connection when the next reply comes, instead of passing it on.
    cuts: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Self {
            port: listener.local_addr().expect("an address").port(),
            cuts: Arc::default(),
            connections: Arc::default(),
        };
        let (cuts, connections) = (proxy.cuts.clone(), proxy.connections.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                connections.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(("127.0.0.1", server)).expect("the server");
                let [from_client, from_server] =
                    [&client, &server].map(|it| it.try_clone().expect("a clone"));
                thread::spawn(move || pass(from_client, server, || false));
                let cuts = cuts.clone();
                thread::spawn(move || pass(from_server, client, || cuts.load(Ordering::SeqCst)));
            }
        });
        proxy
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, cuts: impl Fn() -> bool) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if cuts() || to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

// conformance 170
#[tokio::test]
async fn redis_command_whose_reply_is_lost_is_an_error_and_not_sent_again() {
    let server = Server::start();
    let proxy = Proxy::to(server.port);
    let address = format!("127.0.0.1:{}", proxy.port);
    let store = store(RedisConfig::server(address).plaintext());
    assert_eq!(first_use(&store, 1).await, Ok(ProofUse::First));
    proxy.cuts.store(true, Ordering::SeqCst);
    let error = first_use(&store, 2).await.expect_err("no reply");
    assert!(error.contains("was lost"), "{error}");
    // It was executed, once.
    assert_eq!((server.sets(), server.number("DBSIZE")), (2, 2));
    proxy.cuts.store(false, Ordering::SeqCst);
    until(async || first_use(&store, 3).await.is_ok()).await;
    assert_eq!(server.sets(), 3);
    assert_eq!(first_use(&store, 2).await, Ok(ProofUse::Replayed));
    assert_eq!(proxy.connections.load(Ordering::SeqCst), 2);
}
