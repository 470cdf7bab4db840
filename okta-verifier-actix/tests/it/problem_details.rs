//! `ProblemDetailsMiddleware` around the other middleware, in this process and over a socket.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    },
    middleware::{Next, from_fn},
    web,
};
use okta_verifier::{ApplicationRejection, Policy, ProblemDetails};
use okta_verifier_actix::{ProblemDetailsMiddleware, Rejected, RequireMiddleware, Verified};

use crate::support::{INVALID, LACKS_SCOPE, app, bearer, get, okta, send, server::Server, strict};

const PLAIN_BODY: &str = r#"{"type":"about:blank","title":"Unauthorized","status":401}"#;
const INVALID_BODY: &str = r#"{"type":"about:blank","title":"Unauthorized","status":401,"error":"invalid_token","error_description":"The access token is invalid or has expired"}"#;
const SCOPE_BODY: &str = r#"{"type":"about:blank","title":"Forbidden","status":403,"error":"insufficient_scope","error_description":"The access token lacks a required scope","scope":"orders:read"}"#;
const CLOSED: ApplicationRejection = ApplicationRejection::new(409, "order_closed");

async fn close(token: Verified) -> Result<&'static str, Rejected> {
    match token.subject() {
        "eve" => Err(token.reject(CLOSED).into()),
        _ => Ok("closed"),
    }
}

// conformance 249
#[tokio::test]
async fn problem_details_leave_other_responses_as_they_are() {
    for status in [200, 401, 403, 404, 500] {
        let status = StatusCode::from_u16(status).expect("a status");
        let own = web::resource("/")
            .wrap(ProblemDetailsMiddleware::default())
            .get(move || async move { HttpResponse::new(status) });
        let response = send(&app(own).await, get("/", &[])).await;
        assert_eq!((response.status, &*response.body), (status.as_u16(), ""));
        assert!(response.headers.is_empty(), "{status}");
    }
}

// conformance 249
#[tokio::test]
async fn problem_details_leave_a_body_of_an_inner_middleware_and_a_changed_status_as_they_are() {
    let house = ProblemDetails::custom("text/plain", |_| "rejected".to_owned());
    let route = web::resource("/")
        .wrap(strict())
        .wrap(ProblemDetailsMiddleware::new(house.expect("a media type")))
        .wrap(ProblemDetailsMiddleware::default())
        .get(close);
    let response = send(&app(route).await, get("/", &[])).await;
    assert_eq!((response.status, &*response.body), (401, "rejected"));
    assert!(
        response
            .headers
            .contains(&"content-type: text/plain".to_owned())
    );

    let hide = from_fn(async |request, next: Next<_>| {
        let mut response = next.call(request).await?;
        *response.response_mut().status_mut() = StatusCode::NOT_FOUND;
        Ok::<_, actix_web::Error>(response)
    });
    let route = web::resource("/")
        .wrap(strict())
        .wrap(hide)
        .wrap(ProblemDetailsMiddleware::default())
        .get(close);
    let response = send(&app(route).await, get("/", &[])).await;
    assert_eq!((response.status, &*response.body), (404, ""));
}

#[tokio::test]
async fn problem_details_are_for_rejections_of_middleware_extractor_and_application() {
    let route = web::resource("/")
        .wrap(RequireMiddleware::new(Policy::scope("orders:read")))
        .wrap(strict())
        .wrap(ProblemDetailsMiddleware::default())
        .get(close);
    let app = app(route).await;
    let token = |subject| okta().token(subject).scope("orders:read").sign();
    for (jwt, status, challenge, body) in [
        ("a.b.c".to_owned(), 401, Some(INVALID), INVALID_BODY),
        (
            okta().token("ada").sign(),
            403,
            Some(LACKS_SCOPE),
            SCOPE_BODY,
        ),
        (
            token("eve"),
            409,
            None,
            r#"{"type":"about:blank","title":"Conflict","status":409}"#,
        ),
    ] {
        let response = send(&app, bearer("/", &jwt)).await;
        assert_eq!((response.status, &*response.body), (status, body));
        assert_eq!(
            response.reason,
            Some(status),
            "the rejection stays in the extensions"
        );
        let challenge = challenge.map(|it| format!("www-authenticate: {it}"));
        let fixed = [
            "cache-control: no-store",
            "content-type: application/problem+json",
        ];
        let expected: Vec<_> = fixed
            .map(str::to_owned)
            .into_iter()
            .chain(challenge)
            .collect();
        assert_eq!(response.headers, expected);
    }
    send(&app, bearer("/", &token("ada")))
        .await
        .assert_served("ada", "closed");
}

// conformance 249
#[tokio::test]
async fn problem_details_over_a_socket_have_the_right_length_and_none_for_head() {
    let sized = |app: &mut web::ServiceConfig| {
        // An inner middleware has already written the length of the empty body.
        let sized = from_fn(async |request, next: Next<_>| {
            let mut response = next.call(request).await?;
            let headers = response.headers_mut();
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            assert!(!headers.contains_key(CONTENT_TYPE));
            Ok::<_, actix_web::Error>(response)
        });
        let route = web::resource("/")
            .wrap(strict())
            .wrap(sized)
            .wrap(ProblemDetailsMiddleware::default());
        app.service(route.to(close));
    };
    let server = Server::start(1, sized);
    for (method, body) in [("GET", PLAIN_BODY), ("HEAD", "")] {
        let response = server.call(method, "/", &[], b"").await;
        assert_eq!((response.status, &*response.body), (401, body), "{method}");
        let expected = [
            "cache-control: no-store",
            &format!("content-length: {}", PLAIN_BODY.len()),
            "content-type: application/problem+json",
            r#"www-authenticate: Bearer realm="api""#,
        ];
        assert_eq!(response.headers, expected, "{method}");
    }
}
