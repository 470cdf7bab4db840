//! `ProblemDetailsLayer` around a router, in this process and over a socket.

use axum::{Router, routing::get};
use okta_verifier::ApplicationRejection;
use okta_verifier_axum::{ProblemDetailsLayer, Rejected, Verified};
use okta_verifier_testing::conformance::exchange;

use crate::{
    conformance::serve,
    support::{okta, strict},
};

const CLOSED: ApplicationRejection = ApplicationRejection::new(409, "order_closed");

async fn close(token: Verified) -> Result<(), Rejected> {
    Err(token.reject(CLOSED).into())
}

fn app() -> Router {
    Router::new()
        .route(
            "/me",
            get(async |token: Verified| token.subject().to_owned()),
        )
        .route("/close", get(close))
        .route_layer(strict())
        .layer(ProblemDetailsLayer::default())
}

// conformance 249
#[tokio::test]
async fn problem_details_over_a_socket_have_the_right_length_and_none_for_head() {
    let address = serve(app()).await;
    let jwt = okta().token("ada").sign();
    let plain = r#"{"type":"about:blank","title":"Unauthorized","status":401}"#;
    let conflict = r#"{"type":"about:blank","title":"Conflict","status":409}"#;
    for (path, token, status, body) in [
        ("/me", None, 401, plain),
        ("/close", Some(&jwt), 409, conflict),
    ] {
        for method in ["GET", "HEAD"] {
            let authorization = token.map_or(String::new(), |jwt| {
                format!("authorization: Bearer {jwt}\r\n")
            });
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n{authorization}\r\n"
            );
            let answer = exchange(address, request.as_bytes())
                .await
                .expect("a response");
            assert_eq!(answer.status(), status, "{method} {path}");
            let field = |name| answer.field(name).collect::<Vec<_>>();
            assert_eq!(field("content-type"), [b"application/problem+json"]);
            assert_eq!(field("content-length"), [body.len().to_string().as_bytes()]);
            let expected = if method == "HEAD" { "" } else { body };
            assert_eq!(answer.body(), expected.as_bytes(), "{method} {path}");
        }
    }
}

// conformance 249
#[tokio::test]
async fn problem_details_leave_the_responses_of_the_application_as_they_are() {
    let address = serve(app()).await;
    let request = "GET /nowhere HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n";
    let answer = exchange(address, request.as_bytes())
        .await
        .expect("a response");
    assert_eq!((answer.status(), answer.body()), (404, &b""[..]));
    assert_eq!(answer.field("content-type").count(), 0);
}
