//! HTTP requests to the issuer, and the trusted proxies in front of the service.

mod cache_control;
pub(crate) mod client_auth;
mod fetch_span;
pub(crate) mod http_client;
mod issuer_clock;
mod plain_http;
mod trusted_peers;

#[cfg(any(test, fuzzing))]
pub(crate) use cache_control::fresh_for;
pub(crate) use fetch_span::FetchSpan;
pub(crate) use http_client::{
    Clients, Fetch, JsonResponse, Revalidated, Validator, without_secrets,
};
pub(crate) use issuer_clock::IssuerClock;
pub(crate) use plain_http::PlainHttp;
pub(crate) use trusted_peers::{Peers, proxy_header};
