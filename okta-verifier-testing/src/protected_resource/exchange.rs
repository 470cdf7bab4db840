//! A request to the server under test, the response to it, and how a check describes both.

use std::{fmt, fmt::Write, sync::Arc};

use serde_json::Value;

use super::challenge::{self, Challenge};
use crate::{ProofBuilder, conformance::Answer, listener};

/// The result of a check.
pub(super) type Check<T = ()> = Result<T, Stop>;

/// Why a check ended early.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(Failure),
    Skipped(String),
}

/// What was sent, expected and received. Tokens are left out.
#[derive(Debug)]
pub(super) struct Failure {
    request: String,
    expected: String,
    received: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            request,
            expected,
            received,
        } = self;
        write!(
            f,
            "    request:  {request}\n    expected: {expected}\n    received: {received}"
        )
    }
}

/// Skips the row for this reason, unless `is_possible`.
pub(super) fn need(is_possible: bool, reason: &str) -> Check {
    match is_possible {
        true => Ok(()),
        false => Err(Stop::Skipped(reason.to_owned())),
    }
}

/// A text that messages must not contain, and what they contain instead.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    pub(super) label: String,
    pub(super) text: String,
}

impl Secret {
    pub(super) fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        listener::secret(&text);
        Self {
            label: label.into(),
            text,
        }
    }
}

/// A DPoP proof, which is signed when the request is sent.
#[derive(Clone)]
pub(super) struct Proof {
    pub(super) token: String,
    pub(super) edit: Arc<dyn Fn(ProofBuilder) -> ProofBuilder + Send + Sync>,
}

/// A request.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) target: String,
    host: Option<String>,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    is_chunked: bool,
    secrets: Vec<Secret>,
    pub(super) proof: Option<Proof>,
}

impl Call {
    pub(super) fn new(method: &str, target: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.into(),
            host: None,
            fields: Vec::new(),
            body: Vec::new(),
            is_chunked: false,
            secrets: Vec::new(),
            proof: None,
        }
    }

    /// Sets a field. Another line with the name is replaced.
    pub(super) fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// Removes a field.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        self
    }

    /// Sets a field whose value ends with a secret.
    pub(super) fn secret(mut self, name: &str, prefix: &str, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self.field(name, format!("{prefix}{}", secret.text))
    }

    /// Leaves a secret out of messages about this request.
    pub(super) fn hiding(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    pub(super) fn method(mut self, method: &str) -> Self {
        self.method = method.to_owned();
        self
    }

    pub(super) fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body in chunks of one byte, without a length.
    pub(super) fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    /// Returns the HTTP/1.1 message, with this `Host` unless the request has another one.
    pub(super) fn message(&self, host: &str, proof: Option<&str>) -> Vec<u8> {
        let host = self.host.as_deref().unwrap_or(host);
        let (method, target) = (&self.method, &self.target);
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(proof) = proof {
            head.push_str(&format!("DPoP: {proof}\r\n"));
        }
        let mut message = head.into_bytes();
        match self.is_chunked {
            true => {
                message.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                for byte in &self.body {
                    message.extend([b"1\r\n", &[*byte][..], b"\r\n"].concat());
                }
                message.extend(b"0\r\n\r\n");
            }
            false => {
                if !self.body.is_empty() || matches!(&*self.method, "POST" | "PUT") {
                    let length = format!("Content-Length: {}\r\n", self.body.len());
                    message.extend(length.into_bytes());
                }
                message.extend(b"\r\n");
                message.extend(&self.body);
            }
        }
        message
    }

    /// Describes the request without its secrets.
    fn shown(&self) -> String {
        let mut text = format!("{} {}", self.method, self.target);
        if let Some(host) = &self.host {
            let _ = write!(text, ", Host: {host}"); // a String accepts every text
        }
        // `Accept` is the same in every request.
        for (name, value) in self.fields.iter().filter(|(name, _)| name != "Accept") {
            let _ = write!(text, ", {name}: {value}");
        }
        if self.proof.is_some() {
            text.push_str(", DPoP: (a proof)");
        }
        if self.is_chunked {
            text.push_str(", Transfer-Encoding: chunked");
        }
        let text = self.hide(&text);
        match self.body.is_empty() {
            true => text,
            false => format!(
                "{text}, body {}",
                self.hide(&String::from_utf8_lossy(&self.body))
            ),
        }
    }

    /// Replaces the secrets in a text, and cuts it.
    fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for Secret {
            label,
            text: secret,
        } in &self.secrets
        {
            text = text.replace(secret.as_str(), &format!("({label})"));
        }
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    pub(super) fn failure(&self, expected: impl Into<String>, received: &str) -> Stop {
        Stop::Failed(Failure {
            request: self.shown(),
            expected: expected.into(),
            received: self.hide(received),
        })
    }

    pub(super) fn answered(self, answer: Answer) -> Exchange {
        Exchange { call: self, answer }
    }
}

/// A request and the response to it.
pub(super) struct Exchange {
    call: Call,
    answer: Answer,
}

impl Exchange {
    pub(super) fn status(&self) -> u16 {
        self.answer.status()
    }

    /// Returns the lines of a field.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.answer.field(name);
        lines
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect()
    }

    /// Returns the first line of a field, or an empty text if there is none.
    pub(super) fn field(&self, name: &str) -> String {
        self.lines(name).into_iter().next().unwrap_or_default()
    }

    /// Returns the elements of a field that is a list.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let lines = self.lines(name).join(",");
        let elements = lines.split(',').map(str::trim);
        let elements = elements.filter(|element| !element.is_empty());
        elements.map(str::to_ascii_lowercase).collect()
    }

    /// Returns the body. The coding `chunked` is removed.
    pub(super) fn body(&self) -> Vec<u8> {
        let body = self.answer.body();
        match self
            .list("transfer-encoding")
            .contains(&"chunked".to_owned())
        {
            true => unchunked(body).unwrap_or_default(),
            false => body.to_vec(),
        }
    }

    pub(super) fn json(&self) -> Check<Value> {
        let body = self.body();
        serde_json::from_slice(&body)
            .map_err(|_| self.failed("a body in JSON", &String::from_utf8_lossy(&body)))
    }

    /// Returns the challenges of every line of `WWW-Authenticate`.
    pub(super) fn challenges(&self) -> Check<Vec<Challenge>> {
        let lines = self.lines("www-authenticate");
        let challenges: Option<Vec<Vec<Challenge>>> =
            lines.iter().map(|line| challenge::parse(line)).collect();
        let challenges = challenges.ok_or_else(|| {
            let expected = "challenges with the syntax of RFC 9110 §11.6.1";
            self.failed(expected, &self.received())
        })?;
        Ok(challenges.concat())
    }

    /// Returns the challenge that carries what clients read: that of Bearer, or the first.
    pub(super) fn challenge(&self) -> Check<Challenge> {
        let challenges = self.challenges()?;
        let bearer = challenges.iter().find(|it| it.is("Bearer"));
        let challenge = bearer.or(challenges.first()).cloned();
        challenge.ok_or_else(|| self.unexpected("a challenge in WWW-Authenticate"))
    }

    /// Returns the challenge with an error, or that which clients read if there is none.
    pub(super) fn challenge_of_the_error(&self) -> Check<Challenge> {
        let challenges = self.challenges()?;
        let with_error = challenges
            .into_iter()
            .find(|it| it.value("error").is_some());
        with_error.map_or_else(|| self.challenge(), Ok)
    }

    pub(super) fn expect(&self, is_right: bool, expected: impl Into<String>) -> Check {
        match is_right {
            true => Ok(()),
            false => Err(self.unexpected(expected)),
        }
    }

    pub(super) fn expect_status(&self, status: u16) -> Check {
        self.expect(self.status() == status, status.to_string())
    }

    /// Expects that the server has served the request.
    pub(super) fn expect_served(&self) -> Check {
        self.expect((200..300).contains(&self.status()), "2xx")
    }

    /// Expects that the server has rejected the request, and not failed.
    pub(super) fn expect_rejected(&self) -> Check {
        self.expect((400..500).contains(&self.status()), "4xx")
    }

    pub(super) fn expect_field(&self, name: &str, is_right: bool, expected: &str) -> Check {
        match is_right {
            true => Ok(()),
            false => {
                let received = match self.lines(name) {
                    lines if lines.is_empty() => format!("{}, no {name}", self.status()),
                    lines => format!("{}, {name}: {}", self.status(), lines.join(" and ")),
                };
                Err(self.failed(&format!("{name}: {expected}"), &received))
            }
        }
    }

    pub(super) fn unexpected(&self, expected: impl Into<String>) -> Stop {
        self.call.failure(expected, &self.received())
    }

    pub(super) fn failed(&self, expected: &str, received: &str) -> Stop {
        self.call.failure(expected, received)
    }

    /// Describes the status and the challenges.
    pub(super) fn received(&self) -> String {
        let mut text = self.status().to_string();
        for line in self.lines("www-authenticate") {
            let _ = write!(text, ", WWW-Authenticate: {line}"); // a String accepts every text
        }
        text
    }
}

/// Removes the coding `chunked` (RFC 9112 §7.1). Returns `None` if the bytes are malformed.
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|it| it == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?;
        let size = size.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend(bytes.get(..size)?);
        bytes = bytes.get(size.checked_add(2)?..)?;
    }
}

/// How many characters of a request or a response a message shows.
const SHOWN: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_malformed_ones_have_no_body() {
        let joined = unchunked(b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n");
        assert_eq!(joined.as_deref(), Some(&b"abcd"[..]));
        for malformed in [
            &b""[..],
            b"3\r\nab",
            b"x\r\n\r\n",
            b"-1\r\n\r\n",
            b"ffffffffffffffff\r\na\r\n",
            b"3\r\nabc\r\n",
        ] {
            assert_eq!(unchunked(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn failure_shows_neither_the_token_nor_what_repeats_it() {
        let token = Secret::new("a token", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln");
        let call = Call::new("GET", "/mcp").secret("Authorization", "Bearer ", &token);
        let failure = call.failure("401", &format!("200, {}", token.text));
        let Stop::Failed(failure) = failure else {
            panic!("it is a failure");
        };
        assert_eq!(
            failure.to_string(),
            "    request:  GET /mcp, Authorization: Bearer (a token)\n    expected: 401\n    received: 200, (a token)"
        );
    }
}
