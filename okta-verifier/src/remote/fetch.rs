//! GET and POST with every bound set: https (or loopback http), no redirect, no cookie, time-outs,
//! a cap on the body.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, Response,
    header::{
        ACCEPT, AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
        HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
    },
    redirect::Policy,
};

use super::{client_auth::Form, freshness};
use crate::{
    error::{ConfigError, FetchError},
    time::Now,
};

/// A way to the issuer.
#[derive(Clone, Debug)]
pub(crate) enum Fetch {
    Http(Client),
    #[cfg(test)]
    Scripted(scripted::Script),
}

/// A whole answer with status 200 and a JSON content type.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    /// By its `Cache-Control` and `Age`.
    pub(crate) fresh_for: Duration,
}

/// What the issuer named its answer, to ask whether it still holds (RFC 9111 §4.3.1).
///
/// Its `ETag` only. A `Last-Modified` counts whole seconds: keys withdrawn within the second they
/// were fetched in would be confirmed for ever (RFC 9110 §8.8.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator(HeaderValue);

/// An answer to a question with a [`Validator`].
#[derive(Debug)]
pub(crate) enum Revalidated {
    Modified(Answer, Option<Validator>),
    /// `None`: the 304 says nothing new about freshness (RFC 9111 §4.3.4).
    NotModified {
        fresh_for: Option<Duration>,
    },
}

impl Fetch {
    /// For https issuers: the caller's proxy, roots and identity, finished by us. Redirects are
    /// off, because a 307 would carry a request's secrets elsewhere.
    pub(crate) fn https(builder: ClientBuilder, deadline: Duration) -> Result<Self, ConfigError> {
        Self::finish(builder.https_only(true), deadline)
    }

    /// For http on loopback: without proxy, which would carry the request off the machine, and
    /// without roots, which an image for development may lack.
    pub(crate) fn loopback(deadline: Duration) -> Result<Self, ConfigError> {
        Self::finish(Client::builder().no_proxy().tls_certs_only([]), deadline)
    }

    fn finish(builder: ClientBuilder, deadline: Duration) -> Result<Self, ConfigError> {
        builder
            .redirect(Policy::none())
            // It would write every byte to the log, secrets of ours among them.
            .connection_verbose(false)
            // Questions about tokens follow one another, and a new TLS session for each would
            // double their wait and the issuer's load. An idle connection dies with the runtime
            // it was opened on, which need not be the next request's: then that opens its own.
            // One whose runtime stands still costs a request its deadline, and is gone with it;
            // so none is kept for long, and keys, fetched minutes apart, never meet one.
            .pool_max_idle_per_host(MAX_IDLE)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT.min(deadline))
            .timeout(deadline)
            .build()
            .map(Self::Http)
            .map_err(|error| ConfigError::HttpClient {
                source: Arc::new(error),
            })
    }

    /// Reads at most `limit` bytes.
    pub(crate) async fn get(&self, url: &str, limit: usize) -> Result<Answer, FetchError> {
        match self.revalidate(url, limit, None).await? {
            Revalidated::Modified(answer, _) => Ok(answer),
            Revalidated::NotModified { .. } => Err(NOT_ASKED_FOR),
        }
    }

    /// The same, unless the answer that `known` names still holds.
    pub(crate) async fn revalidate(
        &self,
        url: &str,
        limit: usize,
        known: Option<&Validator>,
    ) -> Result<Revalidated, FetchError> {
        match self {
            Self::Http(client) => {
                // How long keys are trusted is decided here: a cache on the way has to ask the
                // issuer, and not answer with what it kept (RFC 9111 §5.2.1.4).
                let mut request = client
                    .get(url)
                    .header(ACCEPT, "application/json")
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
                    read(response, limit).await?,
                    validator,
                ))
            }
            #[cfg(test)]
            Self::Scripted(script) => script.get(url, known).await,
        }
    }

    /// Sends a form with our credentials, and reads at most `limit` bytes.
    ///
    /// Whether the other side refuses the credentials is told apart from every other trouble:
    /// RFC 6749 §5.2 has it say so with 401, or with 400 and an error code.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: &Form,
        limit: usize,
    ) -> Result<Vec<u8>, FetchError> {
        match self {
            Self::Http(client) => {
                let mut request = client
                    .post(url)
                    .header(ACCEPT, "application/json")
                    .header(CACHE_CONTROL, "no-cache")
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                if let Some(credentials) = form.authorization() {
                    let mut value = HeaderValue::from_str(credentials)
                        .map_err(|_| FetchError::CredentialsRefused)?;
                    value.set_sensitive(true);
                    request = request.header(AUTHORIZATION, value);
                }
                let request = request.body(form.body().to_owned());
                let response = request.send().await.map_err(transport)?;
                match response.status().as_u16() {
                    401 => Err(FetchError::CredentialsRefused),
                    400 => Err(bad_request(response).await),
                    _ => Ok(read(response, limit).await?.body),
                }
            }
            #[cfg(test)]
            Self::Scripted(script) => script.post(url, form).await,
        }
    }
}

/// What a 400 means: our client, or this one question.
async fn bad_request(response: Response) -> FetchError {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: String,
    }
    let status = status_error(&response);
    let body = match is_json(response.headers()) {
        true => body(response, MAX_ERROR).await.unwrap_or_default(),
        false => return status,
    };
    match serde_json::from_slice::<Refusal>(&body) {
        Ok(Refusal { error }) if matches!(&*error, "invalid_client" | "unauthorized_client") => {
            FetchError::CredentialsRefused
        }
        _ => status,
    }
}

async fn read(response: Response, limit: usize) -> Result<Answer, FetchError> {
    if response.status().as_u16() != 200 {
        return Err(status_error(&response));
    }
    if !is_json(response.headers()) {
        return Err(FetchError::ContentType);
    }
    let fresh_for = fresh_for(response.headers());
    let body = body(response, limit).await?;
    Ok(Answer { body, fresh_for })
}

fn status_error(response: &Response) -> FetchError {
    let status = response.status().as_u16();
    FetchError::Status {
        status,
        retry_after: retry_after(status, response.headers()),
    }
}

async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if chunk.len() > limit - body.len() {
            return Err(FetchError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn fresh_for(headers: &HeaderMap) -> Duration {
    freshness::fresh_for(texts(headers, &CACHE_CONTROL), texts(headers, &AGE))
}

fn validator(headers: &HeaderMap) -> Option<Validator> {
    let etag = headers
        .get(ETAG)
        .filter(|value| value.len() <= MAX_VALIDATOR)?;
    Some(Validator(etag.clone()))
}

/// `application/json`, or a type that says `+json`, such as `application/jwk-set+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = texts(headers, &CONTENT_TYPE).next() else {
        return false;
    };
    let media_type = value
        .split(';')
        .next()
        .unwrap_or(value)
        .trim()
        .to_ascii_lowercase();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// Seconds in `Retry-After`. Or Okta's `X-Rate-Limit-Reset`, an instant in seconds since 1970,
/// but of a 429 only: Okta sends it with other answers too, and it asks for nothing there.
fn retry_after(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &HeaderName| texts(headers, name).next()?.trim().parse::<u64>().ok();
    let reset = HeaderName::from_static("x-rate-limit-reset");
    number(&RETRY_AFTER)
        .or_else(|| {
            let reset = number(&reset).filter(|_| status == 429)?;
            Some(reset.saturating_sub(Now::read().unix))
        })
        .map(Duration::from_secs)
}

fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

fn transport(error: reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout;
    }
    let connect = error.is_connect();
    let source = Arc::new(error.without_url());
    match connect {
        true => FetchError::Connect { source },
        false => FetchError::Transport { source },
    }
}

/// A 304 to a question without a validator.
const NOT_ASKED_FOR: FetchError = FetchError::Status {
    status: 304,
    retry_after: None,
};
/// Bytes that we are willing to send back.
const MAX_VALIDATOR: usize = 256;
/// Enough of an error's body to read its code.
const MAX_ERROR: usize = 8 * 1024;
const MAX_IDLE: usize = 32;
/// Below the 5 s that the shortest-tempered servers keep a connection: one that the other side is
/// closing would fail a question.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
pub(crate) mod scripted;
