//! An MCP server behind the layers of okta-verifier, and the MCP clients that call it.

pub mod client;
pub mod proxy;
mod rust_client;
pub mod server;
mod tools;

use std::net::TcpListener;

use axum::Router;
use tokio::runtime::Runtime;

/// Returns a listener on a free port of 127.0.0.1.
fn listener() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("tokio needs it");
    listener
}

/// Returns the URL of a listener, without a path.
fn base(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// A server in this process, which ends when this value is dropped.
struct Running(Option<Runtime>);

impl Running {
    fn start(listener: TcpListener, app: Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await.expect("the server runs");
        });
        Self(Some(runtime))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background(); // a stream to a client would never end
        }
    }
}
