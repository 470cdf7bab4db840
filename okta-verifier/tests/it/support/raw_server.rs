//! An HTTP server on loopback that sends the bytes it is given, with or without TLS.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use okta_verifier::{Issuer, Verifier};
use okta_verifier_testing::{Certificate, TestIssuer};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs, pki_types::PrivateKeyDer,
};

use crate::support::mock_issuer::AUDIENCE;

/// A server that responds to one request per connection, one connection after the other.
pub(crate) struct Server {
    url: String,
    /// The head of each request.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `respond` maps the issuer's URL and the path of a request to the whole response.
    pub(crate) fn http(respond: impl Fn(&str, &str) -> Vec<u8> + Send + 'static) -> Self {
        Self::start("http", respond, |stream| Some(Box::new(stream)))
    }

    /// `handshake` is called for each connection before its handshake.
    pub(crate) fn https(
        certificate: &Certificate,
        handshake: impl Fn() + Send + 'static,
        respond: impl Fn(&str, &str) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let key = PrivateKeyDer::try_from(certificate.key_der().to_vec()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().to_vec().into()], key)
            .unwrap();
        let config = Arc::new(config);
        Self::start("https", respond, move |stream| {
            handshake();
            let connection = ServerConnection::new(config.clone()).ok()?;
            Some(Box::new(StreamOwned::new(connection, stream)))
        })
    }

    fn start(
        scheme: &str,
        respond: impl Fn(&str, &str) -> Vec<u8> + Send + 'static,
        open: impl Fn(TcpStream) -> Option<Box<dyn Stream>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("{scheme}://{address}/oauth2/default");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (seen, own) = (requests.clone(), url.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that rejects the server's certificate is part of the tests.
                let stream = stream.ok().and_then(&open);
                let _ = stream.map(|stream| converse(stream, &seen, &own, &respond));
            }
        });
        Self { url, requests }
    }

    pub(crate) fn issuer_url(&self) -> &str {
        &self.url
    }

    /// Returns the heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns a verifier whose only issuer is this server.
    pub(crate) fn verifier(&self, client: Option<reqwest::ClientBuilder>) -> Verifier {
        let builder = Verifier::builder()
            .issuer(Issuer::okta(self.issuer_url(), AUDIENCE).any_client_id())
            .fetch_timeout(std::time::Duration::from_secs(10));
        match client {
            Some(client) => builder.http_client_builder(client),
            None => builder,
        }
        .build()
        .unwrap()
    }
}

/// Returns a client that trusts `certificate` only and ignores proxies of the environment.
pub(crate) fn client(certificate: &Certificate) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_der(certificate.der()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([root])
}

/// Returns the metadata or the keys of the issuer `url`, depending on the path of the request.
pub(crate) fn document(url: &str, path: &str) -> String {
    match path.ends_with("/keys") {
        true => TestIssuer::new(AUDIENCE).jwks(),
        false => format!(r#"{{"issuer":"{url}","jwks_uri":"{url}/v1/keys"}}"#),
    }
}

/// Returns a response with status 200 and these field lines, each of which ends with CRLF.
pub(crate) fn ok(fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{fields}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

fn converse(
    mut stream: Box<dyn Stream>,
    seen: &Mutex<Vec<String>>,
    url: &str,
    respond: &impl Fn(&str, &str) -> Vec<u8>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head);
    stream.write_all(&respond(url, &path))?;
    stream.flush()
}
