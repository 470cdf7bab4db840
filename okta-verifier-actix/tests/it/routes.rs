//! The paths that a wrapped scope covers, those that stay open, and those that stay 404.

use actix_web::{App, test, web};

use crate::support::{PLAIN, app, bearer, get, okta, send, strict, whoami};

async fn health() -> &'static str {
    "ok"
}

#[tokio::test]
async fn wrapped_scope_leaves_health_open_and_unknown_paths_404() {
    let api = web::scope("/api")
        .wrap(strict())
        .route("/me", web::get().to(whoami));
    let app = App::new()
        .service(api)
        .route("/health", web::get().to(health));
    let app = test::init_service(app).await;
    let jwt = okta().token("ada").sign();

    send(&app, get("/health", &[]))
        .await
        .assert_served("open", "ok");
    let invalid = send(&app, bearer("/health", "a.b.c")).await;
    invalid.assert_served("open, also with an invalid token", "ok");
    send(&app, bearer("/api/me", &jwt))
        .await
        .assert_served("valid", "ada");
    let without = send(&app, get("/api/me", &[])).await;
    without.assert_rejected("covered", 401, Some(PLAIN));
    assert_eq!(send(&app, get("/nowhere", &[])).await.status, 404);
    assert_eq!(send(&app, bearer("/nowhere", &jwt)).await.status, 404);
}

/// The whole prefix of the scope is covered, so a response does not reveal which paths exist.
#[tokio::test]
async fn wrapped_scope_requires_a_token_for_unknown_paths() {
    let api = web::scope("/api")
        .wrap(strict())
        .route("/me", web::get().to(whoami));
    let app = app(api).await;
    let without = send(&app, get("/api/nowhere", &[])).await;
    without.assert_rejected("no token", 401, Some(PLAIN));
    let jwt = okta().token("ada").sign();
    assert_eq!(send(&app, bearer("/api/nowhere", &jwt)).await.status, 404);
}

/// For routes without a common prefix, each resource can be wrapped.
#[tokio::test]
async fn wrapped_resources_leave_unknown_paths_404() {
    let verify = strict();
    let app = App::new()
        .service(web::resource("/me").wrap(verify.clone()).get(whoami))
        .service(web::resource("/orders").wrap(verify).get(whoami))
        .route("/health", web::get().to(health));
    let app = test::init_service(app).await;
    send(&app, get("/health", &[]))
        .await
        .assert_served("open", "ok");
    for path in ["/me", "/orders"] {
        let without = send(&app, get(path, &[])).await;
        without.assert_rejected(path, 401, Some(PLAIN));
    }
    assert_eq!(send(&app, get("/nowhere", &[])).await.status, 404);
}

/// Why the documentation says to wrap a scope or a resource.
#[tokio::test]
async fn wrapped_app_rejects_unknown_paths() {
    let app = App::new()
        .wrap(strict())
        .route("/me", web::get().to(whoami));
    let app = test::init_service(app).await;
    let response = send(&app, get("/nowhere", &[])).await;
    response.assert_rejected("unknown", 401, Some(PLAIN));
}
