//! The API, as a real service would contain it.

use std::{convert::Infallible, future::ready};

use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use okta_verifier::{Policy, Rejection, SubjectKind, VerifiedToken, Verifier};
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use serde::Serialize;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Returns the routes behind `verifier`, and `/health`, which is open.
pub(crate) fn api<B: Send + 'static>(
    verifier: Verifier,
) -> impl Service<Request<B>, Response = Response<String>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let verify = VerifyLayer::new(verifier);
    let require = |policy| {
        ServiceBuilder::new()
            .layer(verify.clone())
            .layer(RequireLayer::new(policy))
    };
    let me = verify.layer(handler(me));
    let orders = require(Policy::scope("orders:read")).service(handler(orders));
    let admin = require(Policy::group("Admins")).service(handler(admin));

    service_fn(move |request: Request<B>| {
        let (me, orders, admin) = (me.clone(), orders.clone(), admin.clone());
        async move {
            match (request.method(), request.uri().path()) {
                (&Method::GET, "/health") => Ok(text("ok\n".to_owned())),
                (&Method::GET, "/me") => me.oneshot(request).await,
                (&Method::GET, "/orders") => orders.oneshot(request).await,
                (&Method::GET, "/admin") => admin.oneshot(request).await,
                _ => Ok(not_found()),
            }
        }
    })
}

/// Returns a service that passes the token to `respond` and sends the result.
fn handler<B: Send + 'static>(
    respond: fn(&VerifiedToken) -> Response<String>,
) -> impl Service<Request<B>, Response = Response<String>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    service_fn(move |request: Request<B>| {
        let token = request.extensions().get::<VerifiedToken>();
        let reject = || Rejection::missing_layer().into_response();
        ready(Ok(token.map_or_else(reject, respond)))
    })
}

#[derive(Serialize)]
struct Me<'a> {
    subject: &'a str,
    client_id: Option<&'a str>,
    scopes: Vec<&'a str>,
    groups: Vec<&'a str>,
    is_user: bool,
}

fn me(token: &VerifiedToken) -> Response<String> {
    let me = Me {
        subject: token.subject(),
        client_id: token.client_id(),
        scopes: token.scopes().collect(),
        groups: token.groups().collect(),
        is_user: token.subject_kind() == SubjectKind::User,
    };
    let json = serde_json::to_string(&me).expect("strings and a boolean");
    content("application/json", json)
}

fn orders(token: &VerifiedToken) -> Response<String> {
    text(format!("the orders of {}\n", token.subject()))
}

fn admin(token: &VerifiedToken) -> Response<String> {
    text(format!("hello, administrator {}\n", token.subject()))
}

fn not_found() -> Response<String> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn text(body: String) -> Response<String> {
    content("text/plain; charset=utf-8", body)
}

fn content(media_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    let media_type = http::HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

#[cfg(test)]
mod tests;
