//! The bodies of rejections.

use std::sync::Arc;

use http::Response;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::challenges;
use crate::{
    error::{ConfigError, VerifyError},
    http::{
        Anonymous, ApplicationRejection, Challenges, Malformed, Problem, ProblemDetails, Rejection,
        Remedy, Scheme, challenge,
    },
    stats::IssuerCounters,
};

fn json_of(rejection: &Rejection) -> Value {
    serde_json::from_str(&ProblemDetails::new().body(rejection)).expect("JSON")
}

#[test]
fn problem_details_with_a_type_that_is_not_an_absolute_uri_are_rejected() {
    for uri in [
        "",
        " ",
        "problems",
        "/problems",
        "//api.example.com/problems",
        "https://",
        "https://a b/",
        " https://api.example.com/",
        "https://api.example.com/\n",
        "https://api.example.com/é",
    ] {
        let error = ProblemDetails::with_type(uri).unwrap_err();
        assert!(
            matches!(error, ConfigError::ProblemDetails { .. }),
            "{uri:?}"
        );
    }
    for uri in [
        "https://api.example.com/problems#rejected",
        "urn:example:rejected",
        "tag:a.example,2026:b",
    ] {
        let body = ProblemDetails::with_type(uri)
            .expect(uri)
            .body(&Rejection::forbidden());
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["type"], uri);
    }
}

#[test]
fn problem_details_with_a_content_type_that_is_not_a_media_type_are_rejected() {
    for content_type in [
        "",
        "json",
        "/",
        "application/",
        "/json",
        "application/json\r\nx: y",
        "a/\0",
    ] {
        let error = ProblemDetails::custom(content_type, |_| String::new()).unwrap_err();
        assert!(
            matches!(error, ConfigError::ProblemDetails { .. }),
            "{content_type:?}"
        );
    }
    let text = ProblemDetails::custom("text/plain; charset=utf-8", |it| it.status().to_string());
    let text = text.expect("a media type");
    assert_eq!(text.content_type(), "text/plain; charset=utf-8");
    assert_eq!(text.body(&Rejection::forbidden()), "403 Forbidden");
}

fn unmet(scheme: Scheme, remedy: Option<&Remedy<'_>>, policy: &str) -> Rejection {
    let issuer = Arc::new(IssuerCounters::new("https://issuer.test"));
    Rejection::for_policy(
        &challenges(),
        scheme,
        remedy,
        policy.to_owned(),
        &issuer,
        None,
    )
}

// conformance 248
#[test]
fn problem_details_contain_neither_code_nor_reason() {
    let expired = VerifyError::Expired { seconds: 7 };
    let expired = Rejection::for_error(&challenges(), Scheme::Bearer, expired, None, None);
    let expected = json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "error": "invalid_token",
        "error_description": "The access token is invalid or has expired",
    });
    assert_eq!(json_of(&expired), expected);

    let unmet = unmet(Scheme::Bearer, None, "group \"Admins\"");
    let closed = Rejection::application(ApplicationRejection::new(403, "order_closed"));
    for rejection in [unmet, closed] {
        let expected = json!({ "type": "about:blank", "title": "Forbidden", "status": 403 });
        assert_eq!(json_of(&rejection), expected);
    }
    let unknown = Rejection::application(ApplicationRejection::new(450, "odd"));
    assert_eq!(
        json_of(&unknown),
        json!({ "type": "about:blank", "status": 450 })
    );
}

// conformance 248
#[test]
fn problem_details_of_a_request_without_credentials_have_no_error() {
    let anonymous = Anonymous::new(Arc::new(challenges().with_dpop().expect("a realm")));
    let expected = json!({ "type": "about:blank", "title": "Unauthorized", "status": 401 });
    assert_eq!(json_of(&anonymous.rejection()), expected);
}

// conformance 248
#[test]
fn problem_details_have_the_error_of_either_scheme() {
    let challenges = challenges().with_dpop().expect("a realm");
    let nonce = Rejection::for_error(
        &challenges,
        Scheme::Dpop,
        VerifyError::NonceRequired,
        None,
        None,
    );
    assert_eq!(json_of(&nonce)["error"], "use_dpop_nonce");
    for scheme in [None, Some(Scheme::Bearer), Some(Scheme::Dpop)] {
        let problem = Problem::Syntax("repeated");
        let malformed = Rejection::malformed(&challenges, Malformed { scheme, problem });
        let body = json_of(&malformed);
        assert_eq!(
            (&body["status"], &body["error"]),
            (&json!(400), &json!("invalid_request"))
        );
    }
}

// conformance 248
#[test]
fn problem_details_name_the_remedy() {
    let remedy = Remedy {
        scopes: vec!["orders:read", "a'b<c>&d"],
        acr_values: Some(vec!["phrh", "say \"yes\" \\ no"]),
        max_age: Some(300),
        lacks_scope: true,
        lacks_authentication: true,
        lacks_binding: false,
    };
    let step_up = unmet(Scheme::Dpop, Some(&remedy), "");
    let expected = json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "error": "insufficient_user_authentication",
        "error_description": "The user must authenticate again or more strongly",
        "scope": "orders:read a'b<c>&d",
        "acr_values": "phrh say \"yes\" \\ no",
        "max_age": 300,
    });
    assert_eq!(json_of(&step_up), expected);
}

// conformance 248
#[test]
fn problem_details_are_not_confused_by_a_realm_like_a_challenge() {
    let challenges = Challenges::new(r#"", error="x", scope="y\"#).expect("printable");
    let expected = json!({ "type": "about:blank", "title": "Unauthorized", "status": 401 });
    assert_eq!(
        json_of(&Rejection::unauthenticated(&challenges, "")),
        expected
    );
}

// conformance 249
#[test]
fn problem_details_are_for_bare_responses_only() {
    let is_bare = |rejection: &Rejection, response: &Response<()>| {
        let status = response.status().as_u16();
        ProblemDetails::is_bare(rejection, status, |name| {
            response.headers().contains_key(name)
        })
    };
    let rejection = Rejection::forbidden();
    let response = || rejection.clone().into_response::<()>();
    assert!(!is_bare(
        &rejection,
        &rejection.clone().into_grpc_response()
    ));
    for name in ["content-type", "content-encoding", "grpc-status"] {
        let mut written = response();
        written
            .headers_mut()
            .insert(name, "0".parse().expect("a value"));
        assert!(!is_bare(&rejection, &written), "{name}");
    }
    let mut hidden = response();
    *hidden.status_mut() = http::StatusCode::NOT_FOUND;
    assert!(!is_bare(&rejection, &hidden));
    assert!(is_bare(&rejection, &response()));
}

#[test]
fn problem_details_show_no_function_in_debug() {
    let custom = ProblemDetails::custom("text/plain", |_| String::new()).expect("a media type");
    assert_eq!(
        format!("{custom:?}"),
        r#"ProblemDetails { content_type: "text/plain", .. }"#
    );
    assert_eq!(
        format!("{:?}", ProblemDetails::default()),
        r#"ProblemDetails { type: "about:blank", .. }"#
    );
}

proptest! {
    #[test]
    fn challenge_parameters_of_any_realm_are_read_as_they_were_written(realm in "[ -~]{1,40}") {
        let challenges = Challenges::new(&realm).expect("printable");
        let read: Vec<_> = challenge::parameters(&challenges.invalid_token).collect();
        prop_assert_eq!(&read[0], &("realm", realm));
        prop_assert_eq!(&read[1], &("error", "invalid_token".to_owned()));
        prop_assert_eq!(read.len(), 3);
    }

    #[test]
    fn challenge_parameters_of_any_value_do_not_panic(value in "[ -~]{0,60}") {
        let value = http::HeaderValue::try_from(value).expect("printable");
        prop_assert!(challenge::parameters(&value).count() <= 60);
    }
}
