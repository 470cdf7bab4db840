//! `ProblemDetailsLayer` around the other layers: what gets a body, and what stays as it is.

use std::convert::Infallible;

use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use okta_verifier::{
    ApplicationRejection, Policy, ProblemDetails, Rejection, VerifiedToken, Verifier,
    dpop::{DpopNonces, DpopSettings},
};
use okta_verifier_tower::{ProblemDetailsLayer, RequireLayer, VerifyLayer};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn, util::MapResponseLayer};

use crate::support::{INVALID, PLAIN, bearer, get, mock_issuer, okta, verifier, whoami};

/// Calls the service, and returns the response with the bytes of its body.
async fn send<S, R>(service: S, request: Request<()>) -> Response<Bytes>
where
    S: Service<Request<()>, Response = Response<R>, Error = Infallible>,
    R: BodyExt<Data = Bytes, Error = Infallible>,
{
    let Ok(response) = service.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    Response::from_parts(parts, body.to_bytes())
}

/// Returns a service that responds with the subject, behind `verify`, without problem details.
fn api(
    verify: VerifyLayer,
    policy: Policy,
) -> impl Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send> + Clone
{
    let handler = service_fn(|request: Request<()>| async {
        whoami(request)
            .await
            .map(|response| response.map(Full::from))
    });
    verify.layer(RequireLayer::new(policy).grpc().layer(handler))
}

/// Returns the fields that a rejection has without a body. The values that differ from one response to the
/// next are left out.
fn fields<B>(response: &Response<B>) -> Vec<String> {
    let mut headers = response.headers().clone();
    headers.remove("content-type");
    headers.remove("content-length");
    let fields = headers.iter().map(|(name, value)| match name.as_str() {
        "dpop-nonce" | "retry-after" => name.to_string(),
        _ => format!("{name}: {}", value.to_str().expect("ASCII")),
    });
    let mut fields: Vec<_> = fields.collect();
    fields.sort();
    fields
}

// conformance 249
#[tokio::test]
async fn problem_details_leave_other_responses_as_they_are() {
    for status in [200, 401, 403, 404, 500] {
        let own = service_fn(move |_: Request<()>| async move {
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            Ok::<_, Infallible>(response)
        });
        let response = send(ProblemDetailsLayer::default().layer(own), get("/", &[])).await;
        assert_eq!(response.status(), status);
        assert!(
            response.headers().is_empty() && response.body().is_empty(),
            "{status}"
        );
    }
    let served = ProblemDetailsLayer::default()
        .layer(api(VerifyLayer::new(verifier(okta())), Policy::any_token()));
    let response = send(served, bearer(&okta().token("ada").sign())).await;
    assert_eq!(
        (response.status().as_u16(), &response.body()[..]),
        (200, &b"ada"[..])
    );
    assert!(response.headers().is_empty());
}

// conformance 249
#[tokio::test]
async fn problem_details_leave_grpc_responses_as_they_are() {
    let call = |jwt: &str| {
        let mut request = bearer(jwt);
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        let headers = request.headers_mut();
        headers.insert("content-type", "application/grpc".parse().expect("a value"));
        headers.insert("te", "trailers".parse().expect("a value"));
        request
    };
    let verify = VerifyLayer::new(verifier(okta())).grpc();
    let bare = api(verify, Policy::scope("orders:read"));
    let layered = ProblemDetailsLayer::default().layer(bare.clone());
    for (jwt, code) in [
        ("a.b.c".to_owned(), "16"),
        (okta().token("ada").sign(), "7"),
    ] {
        let expected = send(bare.clone(), call(&jwt)).await;
        let response = send(layered.clone(), call(&jwt)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], code);
        assert_eq!(response.headers(), expected.headers());
        assert!(response.body().is_empty());
    }
}

// conformance 249
#[tokio::test]
async fn problem_details_leave_a_body_of_an_inner_layer_and_a_changed_status_as_they_are() {
    let bare = api(VerifyLayer::new(verifier(okta())), Policy::any_token());
    let house = ProblemDetails::custom("text/plain", |_| "rejected".to_owned());
    let inner = ProblemDetailsLayer::new(house.expect("a media type"));
    let response = send(
        ProblemDetailsLayer::default().layer(inner.layer(bare.clone())),
        bearer("a.b.c"),
    )
    .await;
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(
        (response.status().as_u16(), &response.body()[..]),
        (401, &b"rejected"[..])
    );

    let hide = MapResponseLayer::new(|mut response: Response<_>| {
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    });
    let hidden = ProblemDetailsLayer::default().layer(hide.layer(bare));
    let response = send(hidden, bearer("a.b.c")).await;
    assert_eq!(
        (response.status().as_u16(), &response.body()[..]),
        (404, &b""[..])
    );
    assert!(!response.headers().contains_key("content-type"));
}

// conformance 249
#[tokio::test]
async fn problem_details_keep_every_header() {
    let mock = mock_issuer::mock().await;
    mock.fault(
        okta_verifier_testing::Endpoint::Keys,
        okta_verifier_testing::Fault::Status(500),
    );
    let dpop = DpopSettings::base_url("https://api.example.com").nonces(DpopNonces::random());
    let bound = Verifier::builder()
        .issuer(okta().issuer().any_client_id())
        .dpop(dpop);
    let bound = bound.build().expect("valid settings");
    let without_scope = okta().token("ada").sign();
    for (verifier, request, status, count) in [
        (verifier(okta()), get("/", &[]), 401, 2),
        (verifier(okta()), bearer("a b"), 400, 2),
        (verifier(okta()), bearer(&without_scope), 403, 2),
        // Two challenges and a nonce.
        (bound, bearer("a.b.c"), 401, 4),
        // Retry-After.
        (
            mock_issuer::verifier(&mock),
            bearer(&mock_issuer::token(&mock)),
            503,
            2,
        ),
    ] {
        let bare = api(VerifyLayer::new(verifier), Policy::scope("orders:read"));
        let layered = ProblemDetailsLayer::default().layer(bare.clone());
        let expected = send(bare, request.clone()).await;
        let response = send(layered, request).await;
        assert_eq!(
            (expected.status(), response.status().as_u16()),
            (response.status(), status)
        );
        assert_eq!(fields(&response), fields(&expected));
        assert_eq!(fields(&response).len(), count, "{status}");
        let body: Value = serde_json::from_slice(response.body()).expect("JSON");
        assert_eq!(body["status"], status);
        let length = response.body().len().to_string();
        assert_eq!(response.headers()["content-length"], length);
    }
}

// conformance 249
#[tokio::test]
async fn problem_details_of_a_head_request_have_the_headers_of_get_and_no_body() {
    let api = api(VerifyLayer::new(verifier(okta())), Policy::any_token());
    let api = ProblemDetailsLayer::default().layer(api);
    let by_get = send(api.clone(), bearer("a.b.c")).await;
    assert_eq!(by_get.headers()["www-authenticate"], INVALID);
    let mut head = bearer("a.b.c");
    *head.method_mut() = Method::HEAD;
    let by_head = send(api, head).await;
    assert_eq!(by_head.headers(), by_get.headers());
    assert_eq!(
        by_head.headers()["content-length"],
        by_get.body().len().to_string()
    );
    assert!(by_head.body().is_empty() && !by_get.body().is_empty());
}

#[tokio::test]
async fn problem_details_correct_the_length_of_the_empty_body() {
    let sized = MapResponseLayer::new(|mut response: Response<_>| {
        let zero = "0".parse().expect("a length");
        response.headers_mut().insert("content-length", zero);
        response
    });
    let api = api(VerifyLayer::new(verifier(okta())), Policy::any_token());
    let response = send(
        ProblemDetailsLayer::default().layer(sized.layer(api)),
        get("/", &[]),
    )
    .await;
    assert_eq!(response.headers()["www-authenticate"], PLAIN);
    assert_eq!(
        response.headers()["content-length"],
        response.body().len().to_string()
    );
    let expected = json!({ "type": "about:blank", "title": "Unauthorized", "status": 401 });
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).expect("JSON"),
        expected
    );
}

#[tokio::test]
async fn problem_details_are_for_rejections_by_the_application_too() {
    const CLOSED: ApplicationRejection = ApplicationRejection::new(409, "order_closed");
    let handler = service_fn(async |request: Request<()>| {
        let token = request.extensions().get::<VerifiedToken>();
        let rejection = token.expect("a verified token").reject(CLOSED);
        Ok::<_, Infallible>(rejection.into_response::<Full<Bytes>>())
    });
    let service = ServiceBuilder::new()
        .layer(ProblemDetailsLayer::new(
            ProblemDetails::with_type("urn:example:rejected").expect("a URI"),
        ))
        .layer(VerifyLayer::new(verifier(okta())))
        .service(handler);
    let response = send(service, bearer(&okta().token("ada").sign())).await;
    assert_eq!(response.status(), 409);
    let rejection = response
        .extensions()
        .get::<Rejection>()
        .expect("a rejection");
    assert_eq!(
        (rejection.code(), rejection.issuer()),
        ("order_closed", Some(okta().issuer_url()))
    );
    let expected = json!({ "type": "urn:example:rejected", "title": "Conflict", "status": 409 });
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).expect("JSON"),
        expected
    );
}
