//! GET and POST requests to the issuer. They use https, or http where [`PlainHttp`](super::PlainHttp) allows
//! it, and have a timeout and a maximum body size. Redirects, cookies and content encodings are not supported.

use super::{
    cache_control,
    client_auth::Form,
    issuer_clock::{IssuerClock, Observation},
};
use crate::{
    error::{ConfigError, ConnectFailure, MAX_EXCERPT, MAX_SOURCES, UnavailableReason, excerpt},
    sync::clock::{Now, wall_clock},
};
use reqwest::{
    Certificate, Client, ClientBuilder, RequestBuilder, Response,
    header::{
        ACCEPT, ACCEPT_ENCODING, AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE,
        DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
    },
    redirect::Policy,
};
use std::{
    error::Error,
    fmt, io, mem,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};
use url::Url;

/// Sends the requests to one issuer.
#[derive(Clone, Debug)]
pub(crate) enum Fetch {
    Http {
        clients: SchemeClients,
        /// Each response says what time it is for the issuer.
        clock: Arc<IssuerClock>,
    },
    // Tests of the schedule pause the time, and the timeout of a real socket would then fire at once.
    #[cfg(test)]
    Scripted(tests::scripted::Script),
}

/// The HTTP clients for the URLs of one issuer.
#[derive(Clone, Debug)]
pub(crate) enum SchemeClients {
    /// All URLs have the same scheme.
    One(Client),
    /// Some URLs have https and others http, such as those of an issuer whose keys are fetched inside a
    /// cluster.
    Both { https: Client, plain: Client },
}

/// A complete response with status 200 and a JSON content type.
#[derive(Clone, Debug)]
pub(crate) struct JsonResponse {
    pub(crate) body: Vec<u8>,
    /// The freshness lifetime from the response's `Cache-Control` and `Age`.
    pub(crate) fresh_for: Duration,
}

/// The validator of a response, for a conditional request (RFC 9111 §4.3.1).
///
/// Only the `ETag` is used. `Last-Modified` has a resolution of one second: if a key were withdrawn in the
/// second in which the keys were fetched, the issuer would confirm the old keys forever
/// (RFC 9110 §8.8.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator(HeaderValue);

/// The response to a conditional request.
#[derive(Debug)]
pub(crate) enum Revalidated {
    Modified(JsonResponse, Option<Validator>),
    /// `fresh_for` is `None` if the 304 has no new freshness information (RFC 9111 §4.3.4).
    NotModified {
        fresh_for: Option<Duration>,
    },
}

impl SchemeClients {
    /// Returns the client for the scheme of the URL. Whether the URL may be requested was checked before, and
    /// a client never sends a request of the other scheme: the one for https rejects http, and the one for
    /// http trusts no certificate.
    fn client(&self, url: &str) -> &Client {
        match self {
            Self::Both { https, .. } if Url::parse(url).is_ok_and(|it| it.scheme() == "https") => {
                https
            }
            Self::One(client) | Self::Both { plain: client, .. } => client,
        }
    }
}

impl Fetch {
    /// Returns the clock of the issuer, or `None` without a network.
    pub(crate) fn clock(&self) -> Option<&Arc<IssuerClock>> {
        match self {
            Self::Http { clock, .. } => Some(clock),
            #[cfg(test)]
            Self::Scripted(_) => None,
        }
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
            Self::Http { clients, clock } => {
                // The key schedule decides how long keys are trusted, so a cache between this service and
                // the issuer must revalidate its copy (RFC 9111 §5.2.1.4).
                let mut request = clients
                    .client(url)
                    .get(url)
                    .header(ACCEPT, accept)
                    .header(ACCEPT_ENCODING, IDENTITY)
                    .header(CACHE_CONTROL, "no-cache");
                if let Some(Validator(etag)) = known {
                    request = request.header(IF_NONE_MATCH, etag);
                }
                let response = send(request, clock).await?;
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
    /// Rejected credentials are reported as a separate error. RFC 6749 §5.2 defines 401, or 400 with an
    /// error code, for them.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: &Form,
        limit: usize,
    ) -> Result<Vec<u8>, UnavailableReason> {
        match self {
            Self::Http { clients, clock } => {
                let response = send(post(clients, url, form)?, clock).await?;
                match response.status().as_u16() {
                    401 => Err(UnavailableReason::CredentialsRefused),
                    400 => Err(bad_request(response).await),
                    _ => Ok(read(response, limit, shown_after(form)).await?.body),
                }
            }
            #[cfg(test)]
            Self::Scripted(script) => script.post(url, form).await,
        }
    }

    /// Sends a command with the credentials. Each status of success is accepted, and the body of the response is not
    /// read.
    pub(crate) async fn command(&self, url: &str, form: &Form) -> Result<(), UnavailableReason> {
        match self {
            Self::Http { clients, clock } => {
                let response = send(post(clients, url, form)?, clock).await?;
                match response.status().is_success() {
                    true => Ok(()),
                    false => Err(refusal(&response, shown_after(form))),
                }
            }
            #[cfg(test)]
            Self::Scripted(script) => script.post(url, form).await.map(drop),
        }
    }
}

fn post(
    clients: &SchemeClients,
    url: &str,
    form: &Form,
) -> Result<RequestBuilder, UnavailableReason> {
    let mut request = clients
        .client(url)
        .post(url)
        .header(ACCEPT, JSON)
        .header(ACCEPT_ENCODING, IDENTITY)
        .header(CACHE_CONTROL, "no-cache")
        .header(CONTENT_TYPE, form.media_type());
    if let Some(credentials) = form.authorization() {
        let mut value = HeaderValue::from_str(credentials)
            .map_err(|_| UnavailableReason::CredentialsRefused)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    Ok(request.body(form.body().to_owned()))
}

/// Returns what turns a header value of the response to a form into text for an error. The endpoint may repeat the
/// token or the credentials in its headers. Only the part that an excerpt would show is searched, so that a long
/// header does not take more time.
fn shown_after(form: &Form) -> impl Fn(&[u8]) -> Box<str> {
    |bytes| {
        let shown = &bytes[..bytes.len().min(MAX_EXCERPT)];
        match form.is_repeated_in(shown) {
            true => "(not shown: it repeats a part of the request)".into(),
            false => excerpt(bytes),
        }
    }
}

/// Sends a request, and reads the clock of the issuer from the head of the response, whatever its status is.
async fn send(request: RequestBuilder, clock: &IssuerClock) -> Result<Response, UnavailableReason> {
    let sent = wall_clock();
    let response = request.send().await.map_err(transport)?;
    let headers = response.headers();
    let (dates, ages) = (texts(headers, &DATE), texts(headers, &AGE));
    if let Some(observation) = Observation::new(dates, ages, sent, wall_clock()) {
        clock.observe(observation, Now::read());
    }
    Ok(response)
}

/// Returns the error for a 400: rejected client credentials, or a failure of this request only.
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

/// Checks the status and the headers, and reads the body. `show` turns a header value into text for an
/// error.
async fn read(
    response: Response,
    limit: usize,
    show: impl Fn(&[u8]) -> Box<str>,
) -> Result<JsonResponse, UnavailableReason> {
    if response.status().as_u16() != 200 {
        return Err(refusal(&response, show));
    }
    check_form(response.headers(), show)?;
    let fresh_for = fresh_for(response.headers());
    let body = body(response, limit).await?;
    Ok(JsonResponse { body, fresh_for })
}

/// Returns the error for a status that is not a success.
fn refusal(response: &Response, show: impl Fn(&[u8]) -> Box<str>) -> UnavailableReason {
    let status = response.status().as_u16();
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        let location = response.headers().get(LOCATION);
        let location = location.map(|url| show(&without_secrets(url.as_bytes())));
        return UnavailableReason::Redirect { status, location };
    }
    status_error(response)
}

fn status_error(response: &Response) -> UnavailableReason {
    let status = response.status().as_u16();
    UnavailableReason::Status {
        status,
        retry_after: retry_after(status, response.headers(), Now::read()),
    }
}

/// Reads a body of at most `limit` bytes. A byte order mark is removed, as RFC 8259 §8.1 allows.
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

/// Checks that the headers announce JSON without a content encoding.
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
        // Without slashes, the text before the colon may be a user name, as in `user:password@host`.
        Some(at) if slashes == 0 => rest[at + 1..].to_vec(),
        Some(at) => [head, &rest[at + 1..]].concat(),
        // The `?` or `#` may belong to a password. The text before it would then be the user name and the
        // password, not the host.
        None if segment.is_none() && cut.contains(&b'@') => match slashes {
            0 => Vec::new(),
            _ => head.to_vec(),
        },
        None => url.to_vec(),
    }
}

/// Returns how long the server wants clients to wait. This is the value of `Retry-After`, in seconds or until
/// a date (RFC 9110 §10.2.3); a date in the past gives zero. Otherwise it is Okta's `X-Rate-Limit-Reset`, in
/// seconds since 1970, but only for a 429, because Okta sends this header with other responses too. Returns
/// `None` if neither can be used.
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
    let failure = error.is_connect().then(|| connect_failure(&error));
    let source = Arc::new(error.without_url());
    match failure {
        Some(failure) => UnavailableReason::Connect { failure, source },
        None => UnavailableReason::Transport { source },
    }
}

fn connect_failure(error: &reqwest::Error) -> ConnectFailure {
    if error.is_dns() {
        return ConnectFailure::Dns;
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    for _ in 0..MAX_SOURCES {
        let Some(error) = next else { break };
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_)) => return ConnectFailure::Certificate,
            Some(_) => return ConnectFailure::Tls,
            None => {}
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
            return ConnectFailure::Refused;
        }
        // The source of an `io::Error` is that of the error inside, not the error inside itself.
        let inner = io.and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as _).or_else(|| error.source());
    }
    ConnectFailure::Other
}

/// The HTTP clients. Each client is built when the first issuer needs it, because a service with pinned keys
/// needs no CA certificates.
pub(crate) struct Clients {
    https: Option<Client>,
    plain: Option<Client>,
    // The builder is kept, because `set_issuers` may configure the first https issuer long after `build`.
    builder: Option<ClientBuilder>,
    /// Root certificates in addition to those of the builder.
    ca_certificates: Vec<Certificate>,
    /// The error of the attempt to build the https client. It is final: the attempt consumed the caller's builder, and no
    /// request may be sent without the proxy, the root certificates and the client certificate of that builder.
    failed: Option<ConfigError>,
    deadline: Duration,
}

impl Clients {
    /// Builds no client yet. `builder` is the caller's builder for the https client, with its proxy, root
    /// certificates and client certificate. If it is `None`, the https client is built with the defaults of
    /// reqwest and this crate's `User-Agent`.
    pub(crate) fn new(
        builder: Option<ClientBuilder>,
        ca_certificates: Vec<Certificate>,
        deadline: Duration,
    ) -> Self {
        Self {
            https: None,
            plain: None,
            builder,
            ca_certificates,
            failed: None,
            deadline,
        }
    }

    /// Returns the timeout of one fetch.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Returns what sends the requests to URLs of these schemes. A client of the other scheme is not built, because a
    /// development image may lack CA certificates.
    pub(crate) fn fetch<'s>(
        &mut self,
        schemes: impl IntoIterator<Item = &'s str>,
        clock: &Arc<IssuerClock>,
    ) -> Result<Fetch, ConfigError> {
        let (mut https, mut plain) = (false, false);
        for scheme in schemes {
            match scheme.eq_ignore_ascii_case("http") {
                true => plain = true,
                false => https = true,
            }
        }
        let clients = match (https, plain) {
            (true, true) => SchemeClients::Both {
                https: self.https()?,
                plain: self.plain()?,
            },
            (false, true) => SchemeClients::One(self.plain()?),
            (_, false) => SchemeClients::One(self.https()?),
        };
        Ok(Fetch::Http {
            clients,
            clock: clock.clone(),
        })
    }

    /// Returns the client for https, with the proxy, root certificates and client certificate of the
    /// caller's builder.
    fn https(&mut self) -> Result<Client, ConfigError> {
        if let Some(client) = &self.https {
            return Ok(client.clone());
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        // The caller's builder is used as it is. Setting a User-Agent would replace the caller's, and
        // reqwest does not tell whether the builder has one.
        let builder = self
            .builder
            .take()
            .unwrap_or_else(|| Client::builder().user_agent(USER_AGENT));
        let builder = builder.tls_certs_merge(mem::take(&mut self.ca_certificates));
        let client = finish(builder.https_only(true), self.deadline)
            .inspect_err(|error| self.failed = Some(error.clone()))?;
        Ok(self.https.insert(client).clone())
    }

    /// Returns the client for http, on loopback or to a named origin. It uses no proxy: a proxy would
    /// receive the tokens in clear text, and it does not know the names of a private network. It has no root
    /// certificates, which a development image may lack, so it cannot connect to an https URL.
    fn plain(&mut self) -> Result<Client, ConfigError> {
        if let Some(client) = &self.plain {
            return Ok(client.clone());
        }
        let builder = Client::builder().user_agent(USER_AGENT);
        let client = finish(builder.no_proxy().tls_certs_only([]), self.deadline)?;
        Ok(self.plain.insert(client).clone())
    }
}

/// Builds a client with the settings that every request needs.
fn finish(builder: ClientBuilder, deadline: Duration) -> Result<Client, ConfigError> {
    builder
        // Metadata and keys must come from the configured issuer itself, and after a 307 the secrets of a
        // POST would be sent to another server (RFC 9110 §15.4.8).
        .redirect(Policy::none())
        // Verbose mode would log every byte, including the secrets.
        .connection_verbose(false)
        // Idle connections are kept for a few seconds, because introspection requests follow one another and
        // a new TLS session for each would double their latency and the issuer's load. A connection ends
        // with the runtime that opened it, and a later request opens a new one. If that runtime is only
        // suspended, the next request on the connection fails with a timeout, so no connection is kept for
        // long. Key fetches are minutes apart and never use an idle connection.
        .pool_max_idle_per_host(MAX_IDLE)
        .pool_idle_timeout(IDLE_TIMEOUT)
        // Decoding is turned off here, because any crate of the process can enable reqwest's features for it.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        // One timeout covers everything from name resolution to the last byte, and a slow TLS handshake or a
        // CONNECT proxy may use all of it. A connect timeout of the caller's builder still applies.
        .timeout(deadline)
        .build()
        .map_err(|error| ConfigError::HttpClient {
            source: Arc::new(error),
        })
}

/// Shows no fields, because they may contain the password of a proxy.
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
/// The maximum size in bytes of an error response, of which only the error code is read.
const MAX_ERROR: usize = 8 * 1024;
const MAX_IDLE: usize = 32;
/// This timeout is below the keep-alive timeout of common servers, which is 5 s. A request on a connection
/// that the server is closing would fail.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Some firewalls reject requests without a User-Agent.
pub(super) const USER_AGENT: &str = concat!("okta-verifier/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
/// The media types of a key set (RFC 7517 §8.5.2).
const KEY_SET: &str = "application/json, application/jwk-set+json";
/// Without `Accept-Encoding` any encoding would be acceptable (RFC 9110 §12.5.3).
const IDENTITY: &str = "identity";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
pub(crate) mod tests;
