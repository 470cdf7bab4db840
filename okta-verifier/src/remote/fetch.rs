//! GET with every bound set: https (or loopback http), no redirect, time-outs, a cap on the body.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, Response,
    header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER},
    redirect::Policy,
};

use super::freshness;
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
            // Fetches are minutes apart, and an idle connection dies with the runtime it was
            // opened on, which need not be the next fetch's.
            .pool_max_idle_per_host(0)
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
        match self {
            Self::Http(client) => {
                let response = client
                    .get(url)
                    .header(ACCEPT, "application/json")
                    .send()
                    .await
                    .map_err(transport)?;
                read(response, limit).await
            }
            #[cfg(test)]
            Self::Scripted(script) => script.get(url).await,
        }
    }
}

async fn read(mut response: Response, limit: usize) -> Result<Answer, FetchError> {
    let status = response.status().as_u16();
    if status != 200 {
        return Err(FetchError::Status {
            status,
            retry_after: retry_after(status, response.headers()),
        });
    }
    if !is_json(response.headers()) {
        return Err(FetchError::ContentType);
    }
    let fresh_for = freshness::fresh_for(
        texts(response.headers(), &CACHE_CONTROL),
        texts(response.headers(), &AGE),
    );
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if chunk.len() > limit - body.len() {
            return Err(FetchError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { body, fresh_for })
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
        FetchError::Timeout
    } else {
        FetchError::Transport {
            source: Arc::new(error.without_url()),
        }
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
pub(crate) mod scripted {
    use std::{fmt, future::Future, pin::Pin, sync::Arc};

    use super::{Answer, FetchError};

    type Reply = Pin<Box<dyn Future<Output = Result<Answer, FetchError>> + Send>>;

    /// Answers by a closure, so that a paused clock rules every wait.
    #[derive(Clone)]
    pub(crate) struct Script(Arc<dyn Fn(&str) -> Reply + Send + Sync>);

    impl Script {
        pub(crate) fn new<F>(answer: impl Fn(&str) -> F + Send + Sync + 'static) -> Self
        where
            F: Future<Output = Result<Answer, FetchError>> + Send + 'static,
        {
            Self(Arc::new(move |url| Box::pin(answer(url))))
        }

        pub(super) fn get(&self, url: &str) -> Reply {
            (self.0)(url)
        }
    }

    impl fmt::Debug for Script {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Script")
        }
    }
}
