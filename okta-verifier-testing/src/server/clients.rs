//! Client authentication at the endpoints that require it (RFC 6749 §2.3, RFC 7523 §2.2).

use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::CLIENT_SECRET;
use super::answer::Answer;
use super::form::{self, Form};
use super::registration::Registrations;
use super::request::Request;
use super::seen::Seen;
use super::state::Shared;
use crate::token::{CLIENT_ID, unix_now};

/// The client that the settings name, and those that registered themselves.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) id: String,
    pub(super) secret: String,
    /// Whether the client may identify itself without authenticating (`none`).
    pub(super) public: bool,
    pub(super) registered: Registrations,
    assertions: Seen,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            id: CLIENT_ID.to_owned(),
            secret: CLIENT_SECRET.to_owned(),
            public: false,
            registered: Registrations::default(),
            assertions: Seen::default(),
        }
    }
}

/// Which client has sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identified {
    pub(super) client_id: String,
    /// Whether it has authenticated. A public client has only sent its ID.
    pub(super) authenticated: bool,
}

/// Rejects a request without client authentication, with a wrong one, or with more than one (RFC 6749
/// §2.3.1). A public client needs none.
pub(super) fn authenticate(
    shared: &Shared,
    request: &Request,
    form: &Form,
) -> Result<Identified, Answer> {
    let clients = &mut shared.state().clients;
    let header = request.header("authorization");
    let secret = form.parameter("client_secret");
    let assertion = form.parameter("client_assertion");
    let id = form.parameter("client_id");
    let ways = [header, secret, assertion];
    let outcome = match ways.iter().flatten().count() {
        0 => match id {
            Some(id) if clients.is_public(id) => Ok(id.to_owned()),
            _ => Err(NONE),
        },
        1 => clients.check(shared, request, form),
        _ => return Err(Answer::oauth_error(400, "invalid_request", TWO)),
    };
    let authenticated = ways.iter().any(Option::is_some);
    let text = match outcome {
        Ok(client_id) => {
            return Ok(Identified {
                client_id,
                authenticated,
            });
        }
        Err(text) => text,
    };
    let rejection = Answer::oauth_error(401, "invalid_client", text);
    // RFC 6749 §5.2: the response has a challenge if the client used `Authorization`.
    Err(match header {
        Some(_) => rejection.with("www-authenticate", "Basic realm=\"okta\""),
        None => rejection,
    })
}

impl Clients {
    /// Returns whether the client with this ID needs no secret.
    fn is_public(&self, id: &str) -> bool {
        match self.registered.find(id) {
            Some(client) => client.secret.is_none(),
            None => self.public && id == self.id,
        }
    }

    /// Checks the credentials, and returns the ID of the client.
    fn check(
        &mut self,
        shared: &Shared,
        request: &Request,
        form: &Form,
    ) -> Result<String, &'static str> {
        let credentials = match (
            request.header("authorization"),
            form.parameter("client_secret"),
        ) {
            (Some(value), _) => form::basic(value),
            (_, Some(secret)) => form
                .parameter("client_id")
                .map(|id| (id.to_owned(), secret.to_owned())),
            (None, None) => return self.check_assertion(shared, request, form),
        };
        let (id, secret) = credentials.ok_or(WRONG)?;
        let expected = match self.registered.find(&id) {
            Some(client) => client.secret.as_ref(),
            None => Some(&self.secret).filter(|_| id == self.id),
        };
        match expected {
            Some(expected) if *expected == secret => Ok(id),
            _ => Err(WRONG),
        }
    }

    /// Checks the assertion by RFC 7523 §3, with Okta's limits. The server does not know the client's
    /// key, so it does not verify the signature. A client that registered itself has no key.
    fn check_assertion(
        &mut self,
        shared: &Shared,
        request: &Request,
        form: &Form,
    ) -> Result<String, &'static str> {
        if form.parameter("client_assertion_type") != Some(JWT_BEARER) {
            return Err("The client_assertion_type is invalid.");
        }
        let jwt = form.parameter("client_assertion").unwrap_or_default();
        let (header, claims) = read(jwt).ok_or("The client_assertion is not a JWT.")?;
        let alg = header["alg"].as_str().unwrap_or_default();
        if !ALGORITHMS.contains(&alg) {
            return Err("The client_assertion is signed with an unsupported algorithm.");
        }
        let ids = [&claims["iss"], &claims["sub"]];
        let named = form.parameter("client_id").is_none_or(|id| id == self.id);
        if ids != [self.id.as_str(); 2] || !named {
            return Err("The client_assertion must have the client ID as issuer and subject.");
        }
        if claims["aud"] != shared.url(request) {
            return Err(
                "The audience of the client_assertion must be the endpoint to which it is sent.",
            );
        }
        let now = unix_now();
        if !claims["exp"]
            .as_u64()
            .is_some_and(|exp| (now..=now + 3600).contains(&exp))
        {
            return Err("The client_assertion is expired, or expires in more than one hour.");
        }
        let used = claims["jti"]
            .as_str()
            .is_some_and(|jti| !self.assertions.insert(jti));
        if used {
            return Err("The client_assertion has already been used.");
        }
        Ok(self.id.clone())
    }
}

/// Decodes the header and the claims of a JWT. Returns `None` if the text is not a JWT or if its
/// signature is empty. The signature is not verified.
pub(super) fn read(jwt: &str) -> Option<(Value, Value)> {
    let parts: Vec<Vec<u8>> = jwt.split('.').map(decode).collect::<Option<_>>()?;
    let [header, claims, signature] = parts.as_slice() else {
        return None;
    };
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    (!signature.is_empty()).then_some((read(header)?, read(claims)?))
}

pub(super) fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
pub(super) const ALGORITHMS: [&str; 6] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
const TWO: &str = "Cannot supply multiple client credentials.";
const WRONG: &str = "The client secret supplied for a confidential client is invalid.";
const NONE: &str = "No client credentials found.";
