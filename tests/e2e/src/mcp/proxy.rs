//! Proxies in front of the MCP server.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use reqwest::Client;

use super::Running;

/// What a proxy changes.
#[derive(Clone)]
pub enum Change {
    /// Removes `resource_metadata` from the challenges.
    WithoutMetadataUrl,
    /// Removes `DPoP-Nonce` from responses to requests without a proof.
    WithoutFirstNonce,
    /// Adds a token to each request that has none.
    AddToken(String),
}

/// A proxy on a free port of 127.0.0.1, which ends when this value is dropped.
pub struct Proxy {
    url: String,
    _running: Running,
}

impl Proxy {
    /// Starts a proxy for the server at `upstream`.
    ///
    /// The `Host` of a request is passed on, so that the server sees what the client sent.
    #[must_use]
    pub fn start(upstream: &str, change: Change) -> Self {
        let listener = super::listener();
        let url = super::base(&listener);
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let forward = Forward {
            upstream: upstream.to_owned(),
            client: client.build().expect("a client"),
            change,
        };
        let app = Router::new().fallback(forwarded).with_state(forward);
        Self {
            url,
            _running: Running::start(listener, app),
        }
    }

    /// Returns the URL of the proxy, without a path.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.url
    }
}

#[derive(Clone)]
struct Forward {
    upstream: String,
    client: Client,
    change: Change,
}

async fn forwarded(State(forward): State<Forward>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Change::AddToken(token) = &forward.change
        && !parts.headers.contains_key(header::AUTHORIZATION)
    {
        let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a token");
        parts.headers.insert(header::AUTHORIZATION, value);
    }
    let has_proof = parts.headers.contains_key("dpop");
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = axum::body::to_bytes(body, 1 << 24)
        .await
        .unwrap_or_default();
    let sent = forward
        .client
        .request(parts.method, format!("{}{path}", forward.upstream))
        .headers(parts.headers)
        .body(body)
        .send()
        .await;
    let Ok(received) = sent else {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        return response;
    };
    let (status, mut headers) = (received.status(), received.headers().clone());
    for hop in [header::CONNECTION, header::TRANSFER_ENCODING] {
        headers.remove(hop);
    }
    match forward.change {
        Change::WithoutMetadataUrl => remove_metadata_url(&mut headers),
        Change::WithoutFirstNonce if !has_proof => {
            headers.remove("dpop-nonce");
        }
        Change::WithoutFirstNonce | Change::AddToken(_) => {}
    }
    let mut response = Response::new(Body::from_stream(received.bytes_stream()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn remove_metadata_url(headers: &mut HeaderMap) {
    let lines: Vec<_> = headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .cloned()
        .collect();
    headers.remove(header::WWW_AUTHENTICATE);
    for line in lines {
        let line = line.to_str().expect("ASCII");
        let kept: Vec<_> = line
            .split(", ")
            .filter(|one| !one.starts_with("resource_metadata="))
            .collect();
        let value = HeaderValue::try_from(kept.join(", ")).expect("ASCII");
        headers.append(header::WWW_AUTHENTICATE, value);
    }
}
