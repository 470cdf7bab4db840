//! Token requests.

use okta_verifier_testing::Client;
use reqwest::blocking::Client as HttpClient;
use serde_json::Value;

use super::{CLIENT_SECRET, PASSWORD, Realm};
use crate::http::{self, Answer};

/// A token request of one client, which authenticates with its secret.
#[must_use]
pub struct Grant<'k> {
    realm: Realm<'k>,
    client_id: &'k str,
    form: Vec<(String, String)>,
    proof: Option<Client>,
    http: HttpClient,
    issuer: String,
}

/// The tokens of a response.
pub struct Tokens {
    pub access: String,
    /// The response as it came.
    pub response: Value,
}

impl Tokens {
    /// Returns another token of the response, such as `id_token`.
    pub fn token(&self, name: &str) -> &str {
        let token = self.response[name].as_str();
        token.unwrap_or_else(|| panic!("the response has no {name}"))
    }
}

impl<'k> Grant<'k> {
    pub(super) fn new(realm: Realm<'k>, client_id: &'k str) -> Self {
        Self {
            realm,
            client_id,
            form: Vec::new(),
            proof: None,
            http: realm.server.client.clone(),
            issuer: realm.issuer(),
        }
    }

    /// Adds a parameter.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.form.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends a DPoP proof of `client`, so that the token is bound to its key.
    pub fn dpop(mut self, client: &Client) -> Self {
        self.proof = Some(client.clone());
        self
    }

    /// Sends the request with TLS, and with a client certificate if there is one.
    pub fn tls(mut self, certificate: Option<&str>) -> Self {
        self.http = http::tls_client(certificate);
        self.issuer = self.realm.https_issuer();
        self
    }

    /// Requests a token of a user with the user's password, and an ID token.
    pub fn user(self, name: &str) -> Tokens {
        self.with("grant_type", "password")
            .with("username", name)
            .with("password", PASSWORD)
            .with_default("scope", "openid")
            .tokens()
    }

    /// Requests a token of the client itself.
    pub fn machine(self) -> Tokens {
        self.with("grant_type", "client_credentials").tokens()
    }

    /// Requests a new token with a refresh token.
    pub fn refresh(self, token: &str) -> Tokens {
        self.with("grant_type", "refresh_token")
            .with("refresh_token", token)
            .tokens()
    }

    /// Exchanges an access token for one with another audience (RFC 8693).
    pub fn exchange(self, token: &str, audience: &str) -> Tokens {
        self.with(
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        )
        .with("subject_token", token)
        .with("subject_token_type", ACCESS_TOKEN)
        .with("requested_token_type", ACCESS_TOKEN)
        .with("audience", audience)
        .tokens()
    }

    /// Sends the request.
    pub fn send(self) -> Answer {
        let url = format!("{}/protocol/openid-connect/token", self.issuer);
        let mut request = self
            .http
            .post(&url)
            .basic_auth(self.client_id, Some(CLIENT_SECRET));
        if let Some(client) = &self.proof {
            request = request.header("DPoP", client.proof("POST", &url).sign());
        }
        http::send(request.form(&self.form))
    }

    fn with_default(self, name: &str, value: &str) -> Self {
        if self.form.iter().any(|(other, _)| other == name) {
            self
        } else {
            self.with(name, value)
        }
    }

    fn tokens(self) -> Tokens {
        let client_id = self.client_id;
        let response = self.send().expect(200, client_id).json();
        let access = response["access_token"]
            .as_str()
            .expect("an access token")
            .to_owned();
        Tokens { access, response }
    }
}

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
