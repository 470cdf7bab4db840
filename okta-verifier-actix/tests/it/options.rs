//! Why the documentation warns of `Option<Verified>`: actix-web's `Option<T>` hides rejections.

use actix_web::{Scope, web};
use okta_verifier_actix::{MaybeVerified, Rejected, Verified};

use crate::support::{LACKS_SCOPE, ReadOrders, app, bearer, get, okta, send, strict};

fn routes() -> Scope {
    web::scope("")
        .route("/option", web::get().to(option))
        .route("/maybe", web::get().to(maybe))
        .route("/result", web::get().to(result))
}

/// The mistake: `Option` hides why there is no token.
async fn option(token: Option<Verified<ReadOrders>>) -> &'static str {
    match token {
        Some(_) => "for a reader",
        None => "for everyone",
    }
}

async fn maybe(client: MaybeVerified<ReadOrders>) -> &'static str {
    match client.token() {
        Some(_) => "for a reader",
        None => "for everyone",
    }
}

/// Correct, because the handler sees the rejection.
async fn result(token: Result<Verified<ReadOrders>, Rejected>) -> Result<&'static str, Rejected> {
    token.map(|_| "for a reader")
}

#[tokio::test]
async fn option_is_none_for_a_rejected_token() {
    let app = app(routes().wrap(strict().optional())).await;
    let other = okta().token("bob").sign();
    let response = send(&app, bearer("/option", &other)).await;
    response.assert_served("bob lacks the scope", "for everyone");
    for path in ["/maybe", "/result"] {
        let response = send(&app, bearer(path, &other)).await;
        response.assert_rejected(path, 403, Some(LACKS_SCOPE));
    }
}

#[tokio::test]
async fn option_hides_a_missing_middleware() {
    let app = app(routes()).await;
    let response = send(&app, get("/option", &[])).await;
    response.assert_served("no middleware verified the request", "for everyone");
    for path in ["/maybe", "/result"] {
        send(&app, get(path, &[]))
            .await
            .assert_rejected(path, 500, None);
    }
}
