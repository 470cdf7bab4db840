//! The layers in front of the MCP server, as a real service would contain them.

use std::{error::Error, sync::Arc, time::Duration};

use axum::Router;
use http::{
    HeaderName, HeaderValue, Method, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use okta_verifier::Verifier;
use okta_verifier_axum::{VerifyLayer, metadata};
use okta_verifier_tower::mcp::McpLayer;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

use crate::{
    files::Files,
    policies::{READ, tools},
    server::FileServer,
    settings::Settings,
};

/// Returns the server at the path of its URL, and its metadata, which is public. `ended` ends its streams.
pub(crate) fn router(
    verifier: &Verifier,
    settings: &Settings,
    ended: CancellationToken,
) -> Result<Router, Box<dyn Error>> {
    let url: Uri = settings.url.parse()?;
    let host = url.host().ok_or("MCP_URL has no host")?;
    let config = StreamableHttpServerConfig::default()
        // By default rmcp serves loopback only, and checks no `Origin`. Both checks are against DNS rebinding: a page
        // whose name suddenly resolves to the address of this server.
        .with_allowed_hosts([host])
        .with_allowed_origins(settings.origins.iter().map(|it| with_port(it)))
        .enforce_origin_validation()
        .with_legacy_session_mode(settings.sessions)
        .with_json_response(true)
        .with_cancellation_token(ended);
    let files = Arc::new(Files::demo());
    let server = StreamableHttpService::new(
        move || Ok(FileServer::new(files.clone())),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    Ok(Router::new()
        // Exactly this path: with `nest_service`, the paths below it would be the server too.
        .route_service(url.path(), server)
        // The last layer is the outermost. Each rejects what must not reach the ones before it.
        .route_layer(McpLayer::new(tools()).end_streams(verifier))
        .route_layer(
            VerifyLayer::new(verifier.clone())
                .require(READ)
                .strip_credentials(),
        )
        .layer(cors(&settings.origins)?)
        .merge(metadata(verifier)))
}

/// Returns the origin with its port. A browser leaves out the default port, and rmcp would accept every port instead.
fn with_port(origin: &str) -> String {
    let port = if origin.starts_with("https://") {
        443
    } else {
        80
    };
    match origin.parse::<Uri>().ok().and_then(|uri| uri.port_u16()) {
        Some(_) => origin.to_owned(),
        None => format!("{origin}:{port}"),
    }
}

/// Lets the pages of these origins call the server, and read the challenges.
fn cors(origins: &[String]) -> Result<CorsLayer, Box<dyn Error>> {
    let origins: Result<Vec<HeaderValue>, _> = origins.iter().map(|it| it.parse()).collect();
    let name = HeaderName::from_static;
    Ok(CorsLayer::new()
        .allow_origin(origins?)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            name("dpop"),
            name("last-event-id"),
            name("mcp-method"),
            name("mcp-name"),
            name("mcp-protocol-version"),
            name("mcp-session-id"),
        ])
        .expose_headers([
            WWW_AUTHENTICATE,
            RETRY_AFTER,
            name("mcp-session-id"),
            name("dpop-nonce"),
        ])
        .max_age(Duration::from_secs(600)))
}

#[cfg(test)]
mod tests;
