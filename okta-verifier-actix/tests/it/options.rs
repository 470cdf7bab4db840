//! Why the documents say "never as `Option<Verified>`": actix-web's own `Option<T>` swallows refusals.

use actix_web::{Scope, web};
use okta_verifier_actix::{MaybeVerified, Rejected, Verified};

use crate::support::{LACKS_SCOPE, ReadOrders, app, bearer, get, okta, send, strict};

fn routes() -> Scope {
    web::scope("")
        .route("/option", web::get().to(option))
        .route("/maybe", web::get().to(maybe))
        .route("/result", web::get().to(result))
}

/// The mistake.
async fn option(token: Option<Verified<ReadOrders>>) -> &'static str {
    match token {
        Some(_) => "for a reader",
        None => "for everyone",
    }
}

async fn maybe(caller: MaybeVerified<ReadOrders>) -> &'static str {
    match caller.token() {
        Some(_) => "for a reader",
        None => "for everyone",
    }
}

/// Honest, because the refusal is there to be looked at.
async fn result(token: Result<Verified<ReadOrders>, Rejected>) -> Result<&'static str, Rejected> {
    token.map(|_| "for a reader")
}

#[tokio::test]
async fn an_option_takes_a_refused_token_for_none() {
    let app = app(routes().wrap(strict().optional())).await;
    let other = okta().token("bob").sign();
    let answer = send(&app, bearer("/option", &other)).await;
    answer.served("bob lacks the scope", "for everyone");
    for path in ["/maybe", "/result"] {
        let answer = send(&app, bearer(path, &other)).await;
        answer.refused(path, 403, Some(LACKS_SCOPE));
    }
}

#[tokio::test]
async fn an_option_hides_that_the_middleware_was_forgotten() {
    let app = app(routes()).await;
    let answer = send(&app, get("/option", &[])).await;
    answer.served("nobody has looked at the request", "for everyone");
    for path in ["/maybe", "/result"] {
        send(&app, get(path, &[])).await.refused(path, 500, None);
    }
}
