//! GET and POST to the issuer, with every limit set: https (or loopback http), no redirects, no cookies,
//! no content encoding, a timeout and a maximum body size.

use super::{cache_control, client_auth::Form};
use crate::{
    error::{ConfigError, MAX_EXCERPT, UnavailableReason, excerpt},
    sync::clock::Now,
};
use reqwest::{
    Client, ClientBuilder, Response,
    header::{
        ACCEPT, ACCEPT_ENCODING, AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE,
        ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
    },
    redirect::Policy,
};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

/// The HTTP client for one kind of issuer.
#[derive(Clone, Debug)]
pub(crate) enum Fetch {
    Http(Client),
    #[cfg(test)]
    Scripted(tests::scripted::Script),
}

/// A complete response with status 200 and a JSON content type.
#[derive(Clone, Debug)]
pub(crate) struct JsonResponse {
    pub(crate) body: Vec<u8>,
    /// The freshness lifetime from its `Cache-Control` and `Age`.
    pub(crate) fresh_for: Duration,
}

/// The validator of a response, for a conditional request (RFC 9111 §4.3.1).
///
/// It is the `ETag` only. `Last-Modified` has a resolution of one second: keys that were withdrawn in
/// the second in which they were fetched would be confirmed forever (RFC 9110 §8.8.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator(HeaderValue);

/// The response to a conditional request.
#[derive(Debug)]
pub(crate) enum Revalidated {
    Modified(JsonResponse, Option<Validator>),
    /// `None` if the 304 has no new freshness information (RFC 9111 §4.3.4).
    NotModified {
        fresh_for: Option<Duration>,
    },
}

impl Fetch {
    /// Returns the client for https issuers, with the caller's proxy, roots and identity. Redirects are
    /// off, because a 307 would send the request's secrets elsewhere.
    pub(crate) fn https(builder: ClientBuilder, deadline: Duration) -> Result<Self, ConfigError> {
        Self::finish(builder.https_only(true), deadline)
    }

    /// Returns the client for http on loopback. It has no proxy, which would send the request off the
    /// machine, and no roots, which a development image may lack.
    pub(crate) fn loopback(deadline: Duration) -> Result<Self, ConfigError> {
        let builder = Client::builder().user_agent(USER_AGENT);
        Self::finish(builder.no_proxy().tls_certs_only([]), deadline)
    }

    fn finish(builder: ClientBuilder, deadline: Duration) -> Result<Self, ConfigError> {
        builder
            .redirect(Policy::none())
            // It would log every byte, and with it the secrets.
            .connection_verbose(false)
            // Introspection requests follow one another, and a new TLS session for each would double their
            // latency and the issuer's load. An idle connection ends with the runtime that it was opened on,
            // and a later request opens its own. A connection whose runtime is suspended costs a request its
            // deadline and is closed then. So no connection is kept for long, and key fetches, which are
            // minutes apart, never use one.
            .pool_max_idle_per_host(MAX_IDLE)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // Decoding is a feature of reqwest that any crate of the process can enable.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            // One timeout from name resolution to the last byte: a slow TLS handshake or a CONNECT proxy may
            // use all of it. A connect timeout of the caller's builder stays.
            .timeout(deadline)
            .build()
            .map(Self::Http)
            .map_err(|error| ConfigError::HttpClient {
                source: Arc::new(error),
            })
    }

    /// Fetches a JSON document of at most `limit` bytes.
    pub(crate) async fn get(
        &self,
        url: &str,
        limit: usize,
    ) -> Result<JsonResponse, UnavailableReason> {
        match self.request(url, JSON, limit, None).await? {
            Revalidated::Modified(response, _) => Ok(response),
            Revalidated::NotModified { .. } => Err(UNCONDITIONAL_304),
        }
    }

    /// Fetches a key set of at most `limit` bytes, unless the response that `known` identifies is still
    /// current.
    pub(crate) async fn revalidate(
        &self,
        url: &str,
        limit: usize,
        known: Option<&Validator>,
    ) -> Result<Revalidated, UnavailableReason> {
        self.request(url, KEY_SET, limit, known).await
    }

    async fn request(
        &self,
        url: &str,
        accept: &'static str,
        limit: usize,
        known: Option<&Validator>,
    ) -> Result<Revalidated, UnavailableReason> {
        match self {
            Self::Http(client) => {
                // How long keys are trusted is decided here: a cache on the way must revalidate its
                // copy at the issuer (RFC 9111 §5.2.1.4).
                let mut request = client
                    .get(url)
                    .header(ACCEPT, accept)
                    .header(ACCEPT_ENCODING, IDENTITY)
                    .header(CACHE_CONTROL, "no-cache");
                if let Some(Validator(etag)) = known {
                    request = request.header(IF_NONE_MATCH, etag);
                }
                let response = request.send().await.map_err(transport)?;
                if response.status().as_u16() == 304 && known.is_some() {
                    let headers = response.headers();
                    let fresh_for = headers
                        .contains_key(CACHE_CONTROL)
                        .then(|| fresh_for(headers));
                    return Ok(Revalidated::NotModified { fresh_for });
                }
                let validator = validator(response.headers());
                Ok(Revalidated::Modified(
                    read(response, limit, excerpt).await?,
                    validator,
                ))
            }
            #[cfg(test)]
            Self::Scripted(script) => script.get(url, known).await,
        }
    }

    /// Sends a form with the credentials, and reads at most `limit` bytes.
    ///
    /// Rejected credentials are a separate error: RFC 6749 §5.2 defines 401, or 400 with an error code,
    /// for them.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: &Form,
        limit: usize,
    ) -> Result<Vec<u8>, UnavailableReason> {
        match self {
            Self::Http(client) => {
                let mut request = client
                    .post(url)
                    .header(ACCEPT, JSON)
                    .header(ACCEPT_ENCODING, IDENTITY)
                    .header(CACHE_CONTROL, "no-cache")
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                if let Some(credentials) = form.authorization() {
                    let mut value = HeaderValue::from_str(credentials)
                        .map_err(|_| UnavailableReason::CredentialsRefused)?;
                    value.set_sensitive(true);
                    request = request.header(AUTHORIZATION, value);
                }
                let request = request.body(form.body().to_owned());
                let response = request.send().await.map_err(transport)?;
                // The endpoint may repeat the token or the credentials in its headers. Only the part that an
                // excerpt would show is searched, so that a long header costs no more.
                let show = |bytes: &[u8]| {
                    let shown = &bytes[..bytes.len().min(MAX_EXCERPT)];
                    match form.is_repeated_in(shown) {
                        true => "(not shown: a part of the request)".into(),
                        false => excerpt(bytes),
                    }
                };
                match response.status().as_u16() {
                    401 => Err(UnavailableReason::CredentialsRefused),
                    400 => Err(bad_request(response).await),
                    _ => Ok(read(response, limit, show).await?.body),
                }
            }
            #[cfg(test)]
            Self::Scripted(script) => script.post(url, form).await,
        }
    }
}

/// Returns whether a 400 concerns the client credentials or only this request.
async fn bad_request(response: Response) -> UnavailableReason {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: String,
    }
    let status = status_error(&response);
    if check_form(response.headers(), excerpt).is_err() {
        return status;
    }
    let body = body(response, MAX_ERROR).await.unwrap_or_default();
    match serde_json::from_slice::<Refusal>(&body) {
        Ok(Refusal { error }) if matches!(&*error, "invalid_client" | "unauthorized_client") => {
            UnavailableReason::CredentialsRefused
        }
        _ => status,
    }
}

/// Reads the response. `show` turns bytes of a header into text for an error.
async fn read(
    response: Response,
    limit: usize,
    show: impl Fn(&[u8]) -> Box<str>,
) -> Result<JsonResponse, UnavailableReason> {
    let status = response.status().as_u16();
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        let location = response.headers().get(LOCATION);
        let location = location.map(|url| show(&without_secrets(url.as_bytes())));
        return Err(UnavailableReason::Redirect { status, location });
    }
    if status != 200 {
        return Err(status_error(&response));
    }
    check_form(response.headers(), show)?;
    let fresh_for = fresh_for(response.headers());
    let body = body(response, limit).await?;
    Ok(JsonResponse { body, fresh_for })
}

fn status_error(response: &Response) -> UnavailableReason {
    let status = response.status().as_u16();
    UnavailableReason::Status {
        status,
        retry_after: retry_after(status, response.headers(), Now::read()),
    }
}

/// Reads the body without the byte order mark, which RFC 8259 §8.1 lets a reader ignore.
async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, UnavailableReason> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if chunk.len() > limit - body.len() {
            return Err(UnavailableReason::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    if body.starts_with(BYTE_ORDER_MARK) {
        body.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(body)
}

fn fresh_for(headers: &HeaderMap) -> Duration {
    cache_control::fresh_for(texts(headers, &CACHE_CONTROL), texts(headers, &AGE))
}

fn validator(headers: &HeaderMap) -> Option<Validator> {
    let etag = headers
        .get(ETAG)
        .filter(|value| value.len() <= MAX_VALIDATOR)?;
    Some(Validator(etag.clone()))
}

/// Checks that the body is JSON and not encoded.
fn check_form(
    headers: &HeaderMap,
    show: impl Fn(&[u8]) -> Box<str>,
) -> Result<(), UnavailableReason> {
    let encoding = combined(headers, &CONTENT_ENCODING);
    let is_identity = |coding: &[u8]| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(IDENTITY.as_bytes())
    };
    if !encoding.split(|byte| *byte == b',').all(is_identity) {
        return Err(UnavailableReason::ContentEncoding {
            encoding: show(&encoding),
        });
    }
    let fields = headers.get_all(CONTENT_TYPE).iter().count();
    let value = combined(headers, &CONTENT_TYPE);
    if fields != 1 || !is_json(&value) {
        let value = show(&value);
        return Err(UnavailableReason::ContentType { fields, value });
    }
    Ok(())
}

/// Joins the field lines of a header with commas (RFC 9110 §5.2).
fn combined(headers: &HeaderMap, name: &HeaderName) -> Vec<u8> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    lines.join(&b", "[..])
}

/// Returns whether the media type is `application/json` or ends with `+json` (RFC 6839 §3.1), such as
/// `application/jwk-set+json`.
fn is_json(content_type: &[u8]) -> bool {
    let media_type = content_type.split(|byte| *byte == b';').next();
    let media_type = media_type
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    media_type == JSON.as_bytes()
        || (media_type.starts_with(b"application/") && media_type.ends_with(b"+json"))
}

/// Returns a URL or a relative reference without user name, password, query and fragment. The text is
/// cut, not parsed, so that an invalid URL can be shown too.
pub(crate) fn without_secrets(url: &[u8]) -> Vec<u8> {
    let end = url.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let (url, cut) = url.split_at(end.unwrap_or(url.len()));
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let scheme = url.iter().position(|byte| *byte == b':');
    let scheme = scheme.filter(|colon| url[..*colon].iter().all(u8::is_ascii_alphanumeric));
    let start = scheme.map_or(0, |colon| colon + 1);
    let slashes = url[start..].iter().copied();
    let slashes = slashes.take_while(|byte| is_slash(byte)).count();
    let (head, rest) = url.split_at(start + slashes);
    let segment = rest.iter().position(is_slash);
    match rest[..segment.unwrap_or(rest.len())]
        .iter()
        .rposition(|byte| *byte == b'@')
    {
        // Without slashes, what looks like a scheme may be a user name.
        Some(at) if slashes == 0 => rest[at + 1..].to_vec(),
        Some(at) => [head, &rest[at + 1..]].concat(),
        // A password with `?` or `#` in it, which a parser would take for a host.
        None if segment.is_none() && cut.contains(&b'@') => match slashes {
            0 => Vec::new(),
            _ => head.to_vec(),
        },
        None => url.to_vec(),
    }
}

/// Returns how long the server wants clients to wait: `Retry-After`, in seconds or until a date, which is
/// zero if it has passed (RFC 9110 §10.2.3), or Okta's `X-Rate-Limit-Reset`, in seconds since 1970. The
/// latter counts with a 429 only, because Okta sends it with other responses too.
fn retry_after(status: u16, headers: &HeaderMap, now: Now) -> Option<Duration> {
    let text = |name: &HeaderName| Some(texts(headers, name).next()?.trim());
    let until = |instant: u64| instant.saturating_sub(now.unix);
    let date = |text: &str| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(until(date.duration_since(UNIX_EPOCH).ok()?.as_secs()))
    };
    let asked_for = text(&RETRY_AFTER).and_then(|text| text.parse().ok().or_else(|| date(text)));
    let reset = || {
        let reset = text(&HeaderName::from_static("x-rate-limit-reset"))?;
        Some(until(reset.parse().ok().filter(|_| status == 429)?))
    };
    asked_for.or_else(reset).map(Duration::from_secs)
}

fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

fn transport(error: reqwest::Error) -> UnavailableReason {
    if error.is_timeout() {
        return UnavailableReason::Timeout;
    }
    let connect = error.is_connect();
    let source = Arc::new(error.without_url());
    match connect {
        true => UnavailableReason::Connect { source },
        false => UnavailableReason::Transport { source },
    }
}

/// The HTTP clients. Each is built when the first issuer needs it, because pinned keys need no CA
/// certificates.
pub(crate) struct Clients {
    https: Option<Fetch>,
    loopback: Option<Fetch>,
    builder: Option<ClientBuilder>,
    /// The caller's builder is consumed and cannot be built again. No request may be sent without its
    /// proxy, roots and identity.
    failed: Option<ConfigError>,
    deadline: Duration,
}

impl Clients {
    /// `builder` has the caller's proxy, roots and identity.
    pub(crate) fn new(builder: Option<ClientBuilder>, deadline: Duration) -> Self {
        Self {
            https: None,
            loopback: None,
            builder,
            failed: None,
            deadline,
        }
    }

    /// Returns the timeout of one fetch.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) fn https(&mut self) -> Result<Fetch, ConfigError> {
        if let Some(fetch) = &self.https {
            return Ok(fetch.clone());
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        // reqwest does not tell whether a builder has a User-Agent, and setting one would replace the
        // caller's, so a builder of the caller's stays as it is.
        let builder = self
            .builder
            .take()
            .unwrap_or_else(|| Client::builder().user_agent(USER_AGENT));
        let fetch = Fetch::https(builder, self.deadline)
            .inspect_err(|error| self.failed = Some(error.clone()))?;
        Ok(self.https.insert(fetch).clone())
    }

    pub(crate) fn loopback(&mut self) -> Result<Fetch, ConfigError> {
        if let Some(fetch) = &self.loopback {
            return Ok(fetch.clone());
        }
        Ok(self
            .loopback
            .insert(Fetch::loopback(self.deadline)?)
            .clone())
    }
}

/// Shows nothing, because a proxy's password may be in it.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

/// The error for a 304 to an unconditional request.
const UNCONDITIONAL_304: UnavailableReason = UnavailableReason::Status {
    status: 304,
    retry_after: None,
};
/// The longest validator that is sent back, in bytes.
const MAX_VALIDATOR: usize = 256;
/// Enough of an error response to read its code.
const MAX_ERROR: usize = 8 * 1024;
const MAX_IDLE: usize = 32;
/// Below the 5 s keep-alive timeout of common servers: a request on a connection that the server is
/// closing would fail.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Some firewalls reject requests without a User-Agent.
pub(super) const USER_AGENT: &str = concat!("okta-verifier/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
/// RFC 7517 §8.5.2.
const KEY_SET: &str = "application/json, application/jwk-set+json";
/// Without `Accept-Encoding` any encoding would be acceptable (RFC 9110 §12.5.3).
const IDENTITY: &str = "identity";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
pub(crate) mod tests;
