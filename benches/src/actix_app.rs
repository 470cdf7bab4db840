//! The API of [`apps`](crate::apps) on actix-web.

use actix_http::Request;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::header::{AUTHORIZATION, HeaderValue},
    test::{TestRequest, init_service},
    web,
};
use okta_verifier::Verifier;
use okta_verifier_actix::{Verified, VerifyMiddleware};

use crate::{apps::ReadOrders, verifiers::ready};

/// Returns an actix-web app without authentication.
pub fn actix_plain()
-> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let orders = web::resource("/orders").route(web::get().to(async || "orders"));
    ready(init_service(App::new().service(orders)))
}

/// Returns an actix-web app with middleware and extractor.
pub fn actix_verified(
    verifier: Verifier,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let orders = web::resource("/orders")
        .wrap(VerifyMiddleware::new(verifier))
        .route(web::get().to(async |_: Verified<ReadOrders>| "orders"));
    ready(init_service(App::new().service(orders)))
}

/// Sends one request to an actix-web app.
///
/// # Panics
///
/// Panics if the response is not 200.
pub fn call_actix<S, B>(app: &S, authorization: &HeaderValue)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::get()
        .uri("/orders")
        .insert_header((AUTHORIZATION, authorization.clone()))
        .to_request();
    let response = ready(app.call(request)).expect("an response");
    assert_eq!(response.status(), 200);
}
