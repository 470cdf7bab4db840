//! A user at the server's own pages: the authorization code flow with PKCE.

use std::collections::BTreeMap;

use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use crate::server::{AUDIENCE, AuthorizationServer, CLIENT, DEFAULT};

/// Logs in and returns the response of the token endpoint.
pub(crate) fn log_in(server: &AuthorizationServer, user: &str) -> Value {
    log_in_at(server, DEFAULT, user, AUDIENCE)
}

/// Logs in at any of the issuers, for any audience.
pub(crate) fn log_in_at(
    server: &AuthorizationServer,
    issuer: &str,
    user: &str,
    audience: &str,
) -> Value {
    log_in_with(&mut Browser::new(server), issuer, user, audience)
}

/// Logs in with a browser, which can log out later.
pub(crate) fn log_in_with(
    browser: &mut Browser<'_>,
    issuer: &str,
    user: &str,
    audience: &str,
) -> Value {
    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    let server = browser.server;
    let back = format!("{}/cb", server.base());
    let first = browser.open(
        &format!("{issuer}/v1/authorize"),
        &[
            ("client_id", CLIENT),
            ("response_type", "code"),
            ("redirect_uri", &back),
            ("scope", "openid profile read groups"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", audience),
            ("state", "s"),
        ],
    );
    let redirect = browser.authorize(first, user, &back);
    let (_, query) = redirect.split_once('?').expect("a query");
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
    let code = code.unwrap_or_else(|| panic!("the redirect has no code: {query}"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &back),
        ("code_verifier", VERIFIER),
        ("resource", audience),
    ];
    server.request_token(&format!("{issuer}/v1/token"), &[], &form)
}

/// Follows the authorization URL of a client as `user`, who consents to everything. Returns the redirect to the client.
pub(crate) fn follow(server: &AuthorizationServer, user: &str, url: &str, back: &str) -> String {
    let mut browser = Browser::new(server);
    let first = browser.open(url, &[]);
    browser.authorize(first, user, back)
}

/// A client that keeps cookies and does not follow redirects by itself.
pub(crate) struct Browser<'a> {
    server: &'a AuthorizationServer,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a AuthorizationServer) -> Self {
        Self {
            server,
            cookies: BTreeMap::new(),
        }
    }

    /// Logs out at the page of the issuer.
    pub(crate) fn log_out(&mut self, issuer: &str) {
        let mut page = self.open(&format!("{issuer}/v1/logout"), &[]);
        let page = page.body_mut().read_to_string().expect("a page");
        let value = |before: &str| {
            let (_, rest) = page.split_once(before).expect("a form");
            rest.split_once('"').expect("a value").0
        };
        let (action, xsrf) = (value("action=\""), value("name=\"xsrf\" value=\""));
        self.submit(action, &[("xsrf", xsrf), ("logout", "yes")]);
    }

    /// Follows redirects and pages from the first response until the server redirects to `back`.
    fn authorize(&mut self, first: Response<Body>, user: &str, back: &str) -> String {
        let mut next = first;
        // authorize, login page, authorize, consent page, authorize, then back with a code.
        for _ in 0..12 {
            let location = redirect_of(&next);
            if location.split_once('?').is_some_and(|(url, _)| url == back) {
                return location;
            }
            next = if location.contains("/interaction/") {
                let page = self
                    .open(&location, &[])
                    .body_mut()
                    .read_to_string()
                    .expect("a page");
                if page.contains(r#"name="prompt" value="login""#) {
                    self.submit(
                        &location,
                        &[("prompt", "login"), ("login", user), ("password", "x")],
                    )
                } else {
                    self.submit(&location, &[("prompt", "consent")])
                }
            } else {
                self.open(&location, &[])
            };
        }
        panic!("no redirect to the client after 12 steps");
    }

    fn open(&mut self, url: &str, query: &[(&str, &str)]) -> Response<Body> {
        let request = self
            .server
            .http
            .get(self.absolute(url))
            .header("cookie", self.cookie());
        let response = request
            .query_pairs(query.iter().copied())
            .call()
            .expect("a page");
        self.keep(response)
    }

    fn submit(&mut self, url: &str, form: &[(&str, &str)]) -> Response<Body> {
        let request = self
            .server
            .http
            .post(self.absolute(url))
            .header("cookie", self.cookie());
        let response = request.send_form(form.iter().copied()).expect("a page");
        self.keep(response)
    }

    fn absolute(&self, url: &str) -> String {
        if url.starts_with('/') {
            format!("{}{url}", self.server.base())
        } else {
            url.to_owned()
        }
    }

    fn cookie(&self) -> String {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    fn keep(&mut self, response: Response<Body>) -> Response<Body> {
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().expect("ASCII");
            let (name, value) = line
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        response
    }
}

fn redirect_of(response: &Response<Body>) -> String {
    let location = response.headers().get("location");
    let location =
        location.unwrap_or_else(|| panic!("the response is not a redirect: {response:?}"));
    location.to_str().expect("ASCII").to_owned()
}
