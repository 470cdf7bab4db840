//! Handlers that decide for themselves, and refusals that an outer middleware reads.

use actix_web::{
    HttpResponse, Responder, ResponseError,
    dev::Service,
    http::header::ContentType,
    middleware::{self, from_fn},
    web,
};
use okta_verifier::{Policy, Rejection};
use okta_verifier_actix::{Rejected, Verified};

use crate::support::{LACKS_SCOPE, PLAIN, app, bearer, get, okta, send, strict, who};

async fn order(token: Verified, owner: web::Path<String>) -> Result<String, Rejected> {
    if *owner != token.subject() {
        token.require(Policy::scope("orders:read"))?;
    }
    Ok(format!("an order of {owner}"))
}

#[tokio::test]
async fn a_handler_returns_a_rejection_with_the_question_mark() {
    let orders = web::resource("/orders/{owner}").wrap(strict()).get(order);
    let app = app(orders).await;
    let own = okta().token("ada").sign();
    let answer = send(&app, bearer("/orders/ada", &own)).await;
    answer.served("own", "an order of ada");
    let answer = send(&app, bearer("/orders/bob", &own)).await;
    answer.refused("another's", 403, Some(LACKS_SCOPE));
    let reader = okta().token("ada").scope("orders:read").sign();
    let answer = send(&app, bearer("/orders/bob", &reader)).await;
    answer.served("as a reader", "an order of bob");
}

/// The default body is empty; who wants problem+json writes it in one place.
#[tokio::test]
async fn an_outer_middleware_may_write_the_body() {
    let explain = from_fn(async |request, next: middleware::Next<_>| {
        let answer = next.call(request).await?;
        let reason = answer.response().extensions().get::<Rejection>().cloned();
        Ok::<_, actix_web::Error>(match reason {
            Some(reason) => answer
                .map_body(|_, _| reason.to_string())
                .map_into_left_body(),
            None => answer.map_into_right_body(),
        })
    });
    let route = web::resource("/").wrap(strict()).wrap(explain).get(who);
    let app = app(route).await;

    let refused = send(&app, get("/", &[])).await;
    assert_eq!((refused.status, refused.reason), (401, Some(401)));
    assert_eq!(refused.body, "rejected with 401 Unauthorized");
    assert!(
        refused
            .headers
            .contains(&format!("www-authenticate: {PLAIN}"))
    );
    let jwt = okta().token("ada").sign();
    send(&app, bearer("/", &jwt)).await.served("good", "ada");
}

/// For middleware that log what went wrong: a refusal here and in an extractor look the same.
#[tokio::test]
async fn the_error_of_the_response_is_the_refusal() {
    async fn never(_: Verified) -> impl Responder {
        HttpResponse::Ok()
            .content_type(ContentType::plaintext())
            .finish()
    }
    for (name, verify) in [("middleware", strict()), ("extractor", strict().optional())] {
        let app = app(web::resource("/").wrap(verify).get(never)).await;
        let answer = app.call(get("/", &[]).to_request()).await;
        let answer = answer.expect("a response");
        let error = answer.response().error().expect("an error beside it");
        let rejected = error.as_error::<Rejected>().expect("ours");
        assert_eq!(rejected.rejection().status(), 401, "{name}");
    }
}

#[tokio::test]
async fn rejected_is_an_error_that_shows_its_reason() {
    let rejected = Rejected::from(Rejection::insufficient_scope("orders:read").expect("a scope"));
    assert_eq!(rejected.rejection().status(), 403);
    assert_eq!(rejected.status_code().as_u16(), 403);
    assert_eq!(rejected.error_response().status().as_u16(), 403);
    assert_eq!(
        rejected.to_string(),
        rejected.clone().into_rejection().to_string()
    );
}
