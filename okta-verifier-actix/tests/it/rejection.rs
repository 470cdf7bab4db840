//! Handlers that reject requests themselves, and what an outer middleware sees.

use actix_web::{
    HttpResponse, Responder, ResponseError, dev::Service, http::header::ContentType, web,
};
use okta_verifier::{Policy, Rejection};
use okta_verifier_actix::{Rejected, Verified};

use crate::support::{LACKS_SCOPE, app, bearer, get, okta, send, strict};

async fn order(token: Verified, owner: web::Path<String>) -> Result<String, Rejected> {
    if *owner != token.subject() {
        token.require(Policy::scope("orders:read"))?;
    }
    Ok(format!("an order of {owner}"))
}

#[tokio::test]
async fn handler_returns_a_rejection_with_the_question_mark() {
    let orders = web::resource("/orders/{owner}").wrap(strict()).get(order);
    let app = app(orders).await;
    let own = okta().token("ada").sign();
    let response = send(&app, bearer("/orders/ada", &own)).await;
    response.assert_served("own", "an order of ada");
    let response = send(&app, bearer("/orders/bob", &own)).await;
    response.assert_rejected("another's", 403, Some(LACKS_SCOPE));
    let reader = okta().token("ada").scope("orders:read").sign();
    let response = send(&app, bearer("/orders/bob", &reader)).await;
    response.assert_served("as a reader", "an order of bob");
}

/// Middleware that logs errors sees the same error from this middleware and from an extractor.
#[tokio::test]
async fn response_error_is_the_rejection() {
    async fn never(_: Verified) -> impl Responder {
        HttpResponse::Ok()
            .content_type(ContentType::plaintext())
            .finish()
    }
    for (name, verify) in [("middleware", strict()), ("extractor", strict().optional())] {
        let app = app(web::resource("/").wrap(verify).get(never)).await;
        let response = app.call(get("/", &[]).to_request()).await;
        let response = response.expect("a response");
        let error = response
            .response()
            .error()
            .expect("the response has an error");
        let rejected = error.as_error::<Rejected>().expect("ours");
        assert_eq!(rejected.rejection().status(), 401, "{name}");
    }
}

#[tokio::test]
async fn rejected_is_an_error_with_its_reason() {
    let rejected = Rejected::from(Rejection::insufficient_scope("orders:read").expect("a scope"));
    assert_eq!(rejected.rejection().status(), 403);
    assert_eq!(rejected.status_code().as_u16(), 403);
    assert_eq!(rejected.error_response().status().as_u16(), 403);
    assert_eq!(
        rejected.to_string(),
        rejected.clone().into_rejection().to_string()
    );
}
