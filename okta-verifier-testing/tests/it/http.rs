//! A client for one request: sends bytes and returns the whole response.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::engine::{Engine, general_purpose::STANDARD};
use okta_verifier_testing::MockOkta;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const OPENID: &str = "/oauth2/default/.well-known/openid-configuration";
pub(crate) const OAUTH: &str = "/.well-known/oauth-authorization-server/oauth2/default";
pub(crate) const LEGACY: &str = "/oauth2/default/.well-known/oauth-authorization-server";
pub(crate) const KEYS: &str = "/oauth2/default/v1/keys";
pub(crate) const TOKEN: &str = "/oauth2/default/v1/token";
pub(crate) const AUTHORIZE: &str = "/oauth2/default/v1/authorize";
pub(crate) const INTROSPECT: &str = "/oauth2/default/v1/introspect";
pub(crate) const CLIENTS: &str = "/oauth2/default/v1/clients";
pub(crate) const REVOKE: &str = "/oauth2/default/v1/revoke";

/// The response: everything that arrived before the connection ended.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status, or 0 if nothing arrived.
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) async fn get(okta: &MockOkta, path: &str) -> Reply {
    send(okta, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

/// For a server whose issuer has another host than its address.
#[cfg(feature = "tls")]
pub(crate) async fn get_at(address: SocketAddr, path: &str) -> Reply {
    send_to(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

/// Posts a form to the token endpoint. `headers` are additional lines, each ending in `\r\n`.
pub(crate) async fn post(okta: &MockOkta, headers: &str, form: &str) -> Reply {
    post_to(okta, TOKEN, headers, form).await
}

pub(crate) async fn post_to(okta: &MockOkta, path: &str, headers: &str, form: &str) -> Reply {
    let length = form.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n{headers}\r\n{form}"
    );
    send(okta, &head).await
}

/// Returns an `Authorization: Basic` line.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    let credentials = STANDARD.encode(format!("{id}:{secret}"));
    format!("Authorization: Basic {credentials}\r\n")
}

/// Sends a request and waits at most five seconds for the response.
pub(crate) async fn send(okta: &MockOkta, request: &str) -> Reply {
    send_to(okta.address(), request).await
}

async fn send_to(address: SocketAddr, request: &str) -> Reply {
    let started = Instant::now();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        // A reset also ends the response.
        let _ = stream.read_to_end(&mut bytes).await;
        bytes
    };
    let bytes = tokio::time::timeout(Duration::from_secs(5), exchange)
        .await
        .unwrap();
    let took = started.elapsed();
    let end = bytes
        .windows(4)
        .position(|it| it == b"\r\n\r\n")
        .map_or(0, |at| at + 4);
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.get(9..12).map_or(0, |it| it.parse().unwrap());
    let body = bytes[end..].to_vec();
    Reply {
        status,
        head,
        body,
        took,
    }
}

pub(crate) async fn connect(okta: &MockOkta) -> std::io::Result<TcpStream> {
    TcpStream::connect(okta.address()).await
}
