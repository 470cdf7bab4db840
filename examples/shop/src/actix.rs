//! The shop on actix-web: its middleware and its handlers.

use std::{error::Error, net::TcpListener, sync::Arc};

use actix_cors::Cors;
use actix_web::{
    App, HttpMessage, HttpResponse, HttpServer,
    http::header,
    web::{self, Data, Json, Path, ServiceConfig},
};
use futures_util::StreamExt;
use okta_verifier::VerifiedToken;
use okta_verifier_actix::{
    ProblemDetailsMiddleware, Rejected, RequireMiddleware, Verified, VerifyMiddleware,
    revocation_routes,
};

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
    // glue: audit
    let audit = shop.clone();
    let verify =
        VerifyMiddleware::new(shop.verifier.clone()).on_outcome(move |outcome, request| {
            let route = request.and_then(|request| request.match_pattern());
            let token = request.and_then(|it| it.extensions().get::<VerifiedToken>().cloned());
            audit.audit(outcome, token.as_ref(), route.as_deref());
        });
    // end of glue
    let data = Data::from(shop.clone());
    let api = HttpServer::new(move || {
        // glue: CORS
        let cors = Cors::default()
            .allowed_origin(&data.settings.page)
            .allowed_methods(["GET", "POST"])
            .allowed_headers(["authorization", "content-type", "dpop"])
            .expose_headers(["www-authenticate", "retry-after"]);
        // end of glue
        App::new()
            .app_data(data.clone())
            .configure(|api| routes(api, &data, &verify))
            .wrap(ProblemDetailsMiddleware::default()) // glue: bodies
            .wrap(cors) // glue: CORS
    });
    let metrics = HttpServer::new(move || {
        let shop = Data::from(shop.clone());
        App::new()
            .app_data(shop)
            .route("/metrics", web::get().to(metrics))
    });
    let metrics = metrics.workers(1).listen(internal)?;
    tokio::try_join!(api.listen(public)?.run(), metrics.run())?;
    Ok(())
}

fn routes(api: &mut ServiceConfig, shop: &Shop, verify: &VerifyMiddleware) {
    let may_refund = RequireMiddleware::new(shop.refund.clone()); // glue: policies
    let may_lock_out = RequireMiddleware::new(shop.lock_out.clone()); // glue: policies
    // Each resource is wrapped, and not a scope, so that unknown paths stay 404.
    let verified = |path: &str| web::resource(path.to_owned()).wrap(verify.clone()); // glue: verification
    let refunds = web::resource("/orders/{id}/refund").wrap(may_refund);
    let lock_outs = web::resource("/lock-outs").wrap(may_lock_out);
    api.service(verified("/articles").get(articles))
        .service(verified("/orders").post(place))
        .service(verified("/orders/changes").get(changes))
        .service(verified("/orders/{id}/pay").post(pay))
        .service(refunds.wrap(verify.clone()).post(refund)) // glue: verification
        .service(lock_outs.wrap(verify.clone()).post(lock_out)) // glue: verification
        .service(web::resource("/health").get(async || "ok\n"))
        .service(web::resource("/openapi.json").get(openapi))
        .service(revocation_routes(&shop.revocations)); // glue: revocation
}

async fn articles(_: Verified<Read>) -> Json<[&'static str; 3]> {
    Json(ARTICLES)
}

async fn place(
    shop: Data<Shop>,
    token: Verified<Buy>,
    article: String,
) -> Result<HttpResponse, Rejected> {
    Ok(HttpResponse::Created().json(shop.place(&token, &article)?))
}

async fn changes(shop: Data<Shop>, token: Verified<Read>) -> HttpResponse {
    let events = shop.changes(&token).map(|order| {
        let order = serde_json::to_string(&order)?;
        Ok::<_, actix_web::Error>(web::Bytes::from(format!("data: {order}\n\n")))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(events)
}

async fn pay(
    shop: Data<Shop>,
    token: Verified<Pay>,
    id: Path<u64>,
) -> Result<Json<Order>, Rejected> {
    Ok(Json(shop.pay(&token, *id)?))
}

async fn refund(shop: Data<Shop>, token: Verified, id: Path<u64>) -> Result<Json<Order>, Rejected> {
    Ok(Json(shop.refund(&token, *id)?))
}

async fn lock_out(
    shop: Data<Shop>,
    token: Verified,
    user: String,
) -> Result<HttpResponse, Rejected> {
    shop.lock_out(&token, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn metrics(shop: Data<Shop>) -> HttpResponse {
    let kind = "text/plain; version=0.0.4"; // glue: metrics
    HttpResponse::Ok().content_type(kind).body(shop.metrics()) // glue: metrics
}

async fn openapi(shop: Data<Shop>) -> HttpResponse {
    HttpResponse::Ok().json(document(&shop))
}
