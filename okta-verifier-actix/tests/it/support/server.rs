//! A real server on its own socket, and a minimal HTTP client that shows every byte.

use std::{io, net::SocketAddr, time::Duration};

use actix_web::{App, HttpServer, dev::ServerHandle, web::ServiceConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A running server. Dropping it stops it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle,
}

impl Server {
    pub(crate) fn start<F>(workers: usize, routes: F) -> Self
    where
        F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
    {
        let server = HttpServer::new(move || App::new().configure(routes.clone()))
            .workers(workers)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .expect("a port is free");
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, handle }
    }

    /// Sends `GET path` on a new connection, with these header lines.
    pub(crate) async fn get(&self, path: &str, headers: &[&[u8]]) -> Wire {
        self.call("GET", path, headers, b"").await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[&[u8]],
        body: &[u8],
    ) -> Wire {
        let mut headers = headers.to_vec();
        headers.push(b"connection: close");
        let mut stream = self.connect().await;
        let request = request(method, path, &headers, body);
        stream
            .write_all(&request)
            .await
            .expect("the connection is open");
        Wire::read(stream).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a listener")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The stop command is sent at once, and no test waits for the server to end.
        drop(self.handle.stop(false));
    }
}

pub(crate) fn request(method: &str, path: &str, headers: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    request
}

/// A response as it was sent.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) status: u16,
    /// `name: value`, sorted, without `date` and `connection`.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Wire {
    /// Reads everything until the server closes the connection.
    pub(crate) async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
        match read.expect("a response within the time limit") {
            // The server closed the connection before it read the whole request.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            read => drop(read.expect("a response")),
        }
        Self::parse(&bytes)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("the head is complete");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let mut headers: Vec<String> = lines
            .filter(|line| !line.starts_with("date: ") && !line.starts_with("connection: "))
            .map(str::to_owned)
            .collect();
        headers.sort();
        Self {
            status: status.and_then(|code| code.parse().ok()).expect("a status"),
            headers,
            body: body.to_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn assert_served(&self, name: &str, body: &str) {
        assert_eq!((self.status, self.body.as_str()), (200, body), "{name}");
    }
}
