//! The shop on axum: its layers and its handlers.

use std::{convert::Infallible, error::Error, net::TcpListener, sync::Arc};

use axum::{
    Json, Router,
    extract::{MatchedPath, Path, State},
    http::{
        HeaderName, Method, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{Stream, StreamExt};
use okta_verifier::VerifiedToken;
use okta_verifier_axum::{
    ProblemDetailsLayer, Rejected, RequireLayer, Verified, VerifyLayer, revocation_routes,
};
use tower_http::cors::CorsLayer;
use utoipa::openapi::OpenApi;

use crate::{
    Shop,
    document::document,
    orders::{ARTICLES, Order},
    policies::{Buy, Pay, Read},
};

/// Serves the API at `public`, and the metrics at `internal`.
///
/// # Errors
///
/// Returns an error if a listener cannot be used.
pub async fn serve(
    shop: Arc<Shop>,
    public: TcpListener,
    internal: TcpListener,
) -> Result<(), Box<dyn Error>> {
    let public = tokio::net::TcpListener::from_std(public)?;
    let internal = tokio::net::TcpListener::from_std(internal)?;
    let api = axum::serve(public, router(&shop)?);
    let metrics = Router::new().route("/metrics", get(metrics));
    let metrics = axum::serve(internal, metrics.with_state(shop));
    tokio::try_join!(api.into_future(), metrics.into_future())?;
    Ok(())
}

fn router(shop: &Arc<Shop>) -> Result<Router, Box<dyn Error>> {
    // glue: audit
    let audit = shop.clone();
    let verify = VerifyLayer::new(shop.verifier.clone()).on_outcome(move |outcome, extensions| {
        let route = extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        audit.audit(outcome, extensions.get::<VerifiedToken>(), route);
    });
    // end of glue
    // glue: CORS
    let cors = CorsLayer::new()
        .allow_origin([shop.settings.page.parse()?])
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("dpop")])
        .expose_headers([WWW_AUTHENTICATE, RETRY_AFTER]);
    // end of glue
    let may_refund = RequireLayer::new(shop.refund.clone()); // glue: policies
    let may_lock_out = RequireLayer::new(shop.lock_out.clone()); // glue: policies
    Ok(Router::new()
        .route("/articles", get(articles))
        .route("/orders", post(place))
        .route("/orders/changes", get(changes))
        .route("/orders/{id}/pay", post(pay))
        .route("/orders/{id}/refund", post(refund).route_layer(may_refund))
        .route("/lock-outs", post(lock_out).route_layer(may_lock_out))
        .route_layer(verify) // glue: verification
        .route("/health", get(async || "ok\n"))
        .route("/openapi.json", get(openapi))
        .merge(revocation_routes(&shop.revocations)) // glue: revocation
        .layer(ProblemDetailsLayer::default()) // glue: bodies
        .layer(cors) // glue: CORS
        .with_state(shop.clone()))
}

async fn articles(_: Verified<Read>) -> Json<[&'static str; 3]> {
    Json(ARTICLES)
}

async fn place(
    State(shop): State<Arc<Shop>>,
    token: Verified<Buy>,
    article: String,
) -> Result<(StatusCode, Json<Order>), Rejected> {
    Ok((StatusCode::CREATED, Json(shop.place(&token, &article)?)))
}

async fn changes(
    State(shop): State<Arc<Shop>>,
    token: Verified<Read>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = shop.changes(&token);
    let events = changes.map(|order| Ok(Event::default().json_data(order).unwrap_or_default()));
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn pay(
    State(shop): State<Arc<Shop>>,
    token: Verified<Pay>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Rejected> {
    Ok(Json(shop.pay(&token, id)?))
}

async fn refund(
    State(shop): State<Arc<Shop>>,
    token: Verified,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Rejected> {
    Ok(Json(shop.refund(&token, id)?))
}

async fn lock_out(
    State(shop): State<Arc<Shop>>,
    token: Verified,
    user: String,
) -> Result<impl IntoResponse, Rejected> {
    shop.lock_out(&token, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn metrics(State(shop): State<Arc<Shop>>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        shop.metrics(),
    ) // glue: metrics
}

async fn openapi(State(shop): State<Arc<Shop>>) -> Json<OpenApi> {
    Json(document(&shop))
}
