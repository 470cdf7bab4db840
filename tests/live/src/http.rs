//! HTTP requests to the servers. They use no proxy and follow no redirects.

use reqwest::blocking::{Client, ClientBuilder, RequestBuilder};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Identity};
use serde_json::Value;

use crate::certificates;
use crate::process::LIMIT;

/// A response whose body was read.
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
}

impl Answer {
    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Panics if the status is another one.
    pub fn expect(self, status: u16, what: &str) -> Self {
        assert_eq!(self.status, status, "{what}: {}", self.body);
        self
    }
}

/// Returns a client for plain HTTP.
pub fn client() -> Client {
    build(Client::builder())
}

/// Returns a client that trusts the authority of the tests only, with one of its certificates.
pub fn tls_client(certificate: Option<&str>) -> Client {
    let root = Certificate::from_pem(&certificates::pem("ca.crt")).expect("a certificate");
    let mut builder = Client::builder().tls_certs_only([root]);
    if let Some(name) = certificate {
        let parts = ["crt", "key"].map(|end| certificates::pem(&format!("{name}.{end}")));
        let identity = Identity::from_pem(&parts.concat());
        builder = builder.identity(identity.expect("a certificate and its key"));
    }
    build(builder)
}

/// Returns the settings of a verifier's client that trusts the authority of the tests only.
pub fn builder_with_ca() -> reqwest::ClientBuilder {
    let root = Certificate::from_pem(&certificates::pem("ca.crt")).expect("a certificate");
    reqwest::Client::builder().tls_certs_only([root])
}

fn build(builder: ClientBuilder) -> Client {
    let builder = builder.no_proxy().redirect(Policy::none()).timeout(LIMIT);
    builder.build().expect("a client")
}

/// Sends a request. Panics if there is no response.
pub fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().expect("the server responds");
    let location = answer.headers().get("location");
    Answer {
        status: answer.status().as_u16(),
        location: location.map(|url| url.to_str().expect("ASCII").to_owned()),
        body: answer.text().expect("text"),
    }
}
