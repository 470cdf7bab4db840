//! The shop as a server in this process, with either framework, and a client.

use std::{
    net::{SocketAddr, TcpListener},
    ops::Deref,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use okta_verifier_testing::TokenBuilder;
use reqwest::{Client, Method, Response};
use shop::{Shop, demo::Demo};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

/// A running shop with its mock issuers.
pub(crate) struct Api {
    demo: Demo,
    address: SocketAddr,
    internal: SocketAddr,
    lines: Mutex<Receiver<String>>,
    client: Client,
}

impl Deref for Api {
    type Target = Demo;

    fn deref(&self) -> &Demo {
        &self.demo
    }
}

/// Runs a test against the shop on axum and then against the shop on actix-web.
pub(crate) async fn each(test: impl AsyncFn(Api)) {
    for framework in [Framework::Axum, Framework::Actix] {
        eprintln!("{framework:?}");
        test(Api::start(framework).await).await;
    }
}

impl Api {
    async fn start(framework: Framework) -> Self {
        let (public, address) = listen();
        let (internal, internal_address) = listen();
        let demo = Demo::start(address).await.expect("the demo starts");
        let (audit, lines) = sync_channel(1_000);
        let shop = Shop::read(&demo.settings(), audit).expect("valid settings");
        let shop = Arc::new(shop);
        // A thread with a runtime of its own, which ends with the process.
        thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            let served = runtime.block_on(async {
                match framework {
                    Framework::Axum => shop::axum::serve(shop, public, internal).await,
                    Framework::Actix => shop::actix::serve(shop, public, internal).await,
                }
            });
            served.expect("the server runs");
        });
        let client = Client::builder().no_proxy().build().expect("a client");
        Self {
            demo,
            address,
            internal: internal_address,
            lines: Mutex::new(lines),
            client,
        }
    }

    /// Sends a request. `token` is the field value of `Authorization`.
    pub(crate) async fn send(
        &self,
        request: &str,
        authorization: Option<&str>,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let mut request = self.client.request(method, self.url(path));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await;
        response.expect("a response")
    }

    /// Sends a request with this token, and returns the status.
    pub(crate) async fn call(&self, request: &str, token: TokenBuilder, body: &str) -> u16 {
        let bearer = format!("Bearer {}", token.sign());
        let response = self.send(request, Some(&bearer), &[], body).await;
        response.status().as_u16()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.internal);
        let response = self.client.get(url).send().await.expect("a response");
        response.text().await.expect("UTF-8")
    }

    /// Returns the next line of the audit log.
    pub(crate) fn audit_line(&self) -> serde_json::Value {
        let lines = self.lines.lock().expect("no test has panicked");
        let line = lines.recv_timeout(std::time::Duration::from_secs(20));
        serde_json::from_str(&line.expect("a line")).expect("JSON")
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("a listener");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}
