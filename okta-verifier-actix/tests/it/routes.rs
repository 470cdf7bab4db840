//! What a wrapped scope covers, what stays open, and what stays 404.

use actix_web::{App, test, web};

use crate::support::{PLAIN, app, bearer, get, okta, send, strict, who};

async fn health() -> &'static str {
    "ok"
}

#[tokio::test]
async fn around_a_wrapped_scope_health_is_open_and_unknown_paths_are_404() {
    let api = web::scope("/api")
        .wrap(strict())
        .route("/me", web::get().to(who));
    let app = App::new()
        .service(api)
        .route("/health", web::get().to(health));
    let app = test::init_service(app).await;
    let jwt = okta().token("ada").sign();

    send(&app, get("/health", &[])).await.served("open", "ok");
    let bad = send(&app, bearer("/health", "a.b.c")).await;
    bad.served("open to bad tokens too", "ok");
    send(&app, bearer("/api/me", &jwt))
        .await
        .served("good", "ada");
    let without = send(&app, get("/api/me", &[])).await;
    without.refused("covered", 401, Some(PLAIN));
    assert_eq!(send(&app, get("/nowhere", &[])).await.status, 404);
    assert_eq!(send(&app, bearer("/nowhere", &jwt)).await.status, 404);
}

/// The scope's prefix is covered as a whole, so nobody learns there which paths exist.
#[tokio::test]
async fn inside_a_wrapped_scope_unknown_paths_need_a_token() {
    let api = web::scope("/api")
        .wrap(strict())
        .route("/me", web::get().to(who));
    let app = app(api).await;
    let without = send(&app, get("/api/nowhere", &[])).await;
    without.refused("no token", 401, Some(PLAIN));
    let jwt = okta().token("ada").sign();
    assert_eq!(send(&app, bearer("/api/nowhere", &jwt)).await.status, 404);
}

/// For routes without a prefix of their own: wrap each resource.
#[tokio::test]
async fn around_wrapped_resources_unknown_paths_are_404() {
    let verify = strict();
    let app = App::new()
        .service(web::resource("/me").wrap(verify.clone()).get(who))
        .service(web::resource("/orders").wrap(verify).get(who))
        .route("/health", web::get().to(health));
    let app = test::init_service(app).await;
    send(&app, get("/health", &[])).await.served("open", "ok");
    for path in ["/me", "/orders"] {
        let without = send(&app, get(path, &[])).await;
        without.refused(path, 401, Some(PLAIN));
    }
    assert_eq!(send(&app, get("/nowhere", &[])).await.status, 404);
}

/// Why the documents say to wrap a scope or a resource.
#[tokio::test]
async fn around_a_wrapped_app_unknown_paths_are_refused() {
    let app = App::new().wrap(strict()).route("/me", web::get().to(who));
    let app = test::init_service(app).await;
    let answer = send(&app, get("/nowhere", &[])).await;
    answer.refused("unknown", 401, Some(PLAIN));
}
