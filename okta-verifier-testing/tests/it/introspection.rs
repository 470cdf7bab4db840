//! `/v1/introspect` and `/v1/revoke` of `MockOkta`.

use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta, TestIssuer};
use serde_json::{Value, json};

use crate::http::{INTROSPECT, REVOKE, Reply, basic, get, post_to};
use crate::jose::{names, parts};

#[tokio::test]
async fn unknown_token_is_inactive() {
    let okta = MockOkta::start().await;
    let elsewhere = TestIssuer::new("api://default").at(okta.issuer_url());
    let unknown = [
        "opaque".to_owned(),
        "a.b.c".to_owned(),
        elsewhere.token("ada").sign(),
        elsewhere.token("ada").encrypted().sign(),
        okta.token("ada").expired().sign(),
        okta.token("ada").not_before(33_000_000_000).sign(),
        okta.token("ada").raw_payload("[]").sign(),
        okta.token("ada").revoked().sign(),
        okta.opaque_token("ada").revoked().sign(),
    ];
    for token in unknown {
        let reply = introspect(&okta, &token).await;
        assert_eq!(
            (reply.status, reply.json()),
            (200, json!({ "active": false }))
        );
        assert_eq!(reply.header("cache-control"), Some("no-cache, no-store"));
    }
    assert_eq!(okta.hits().introspection, 9);
}

#[tokio::test]
async fn jwt_is_active_with_its_claims() {
    let okta = MockOkta::start().await;
    let jwt = okta
        .token("ada")
        .scope("orders:read")
        .scope("orders:write")
        .group("Admins");
    let jwt = jwt.claim("acr", "phr").bound_to_key().sign();
    let claims = parts(&jwt).payload;
    let response = introspect(&okta, &jwt).await.json();
    assert_eq!(response["active"], true);
    assert_eq!(response["token_type"], "Bearer", "bound or not, as at Okta");
    assert_eq!(response["scope"], "orders:read orders:write");
    assert_eq!(response["client_id"], CLIENT_ID);
    assert_eq!(response["username"], "ada");
    let same = [
        "iss", "aud", "sub", "jti", "iat", "exp", "uid", "groups", "acr", "cnf",
    ];
    for name in same {
        assert_eq!(response[name], claims[name], "{name}");
    }
    for name in ["ver", "cid", "scp"] {
        assert_eq!(response.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn opaque_and_encrypted_tokens_are_active() {
    let okta = MockOkta::start().await;
    okta.set_audience("api://orders");
    let opaque = okta.opaque_token("ada").scope("orders:read").sign();
    assert_eq!((opaque.len(), opaque.contains('.')), (43, false));
    let encrypted = okta.token("ada").scope("orders:read").encrypted().sign();
    assert_eq!(encrypted.split('.').count(), 5);
    for token in [opaque, encrypted] {
        let response = introspect(&okta, &token).await.json();
        assert_eq!(response["active"], true);
        assert_eq!(response["aud"], "api://orders");
        assert_eq!(
            [&response["sub"], &response["scope"]],
            ["ada", "orders:read"]
        );
    }
    let service = okta.opaque_token("").service().claim("scp", 5).sign();
    let response = introspect(&okta, &service).await.json();
    assert_eq!(
        (&response["sub"], &response["scope"]),
        (&json!(CLIENT_ID), &json!(5))
    );
    assert_eq!(
        (response.get("uid"), response.get("username")),
        (None, None)
    );
}

#[tokio::test]
async fn other_kinds_of_tokens_are_active() {
    let okta = MockOkta::start().await;
    let refresh = okta
        .refresh_token("ada")
        .scope("openid")
        .scope("email")
        .sign();
    let response = introspect(&okta, &refresh).await.json();
    let members = [
        "active",
        "client_id",
        "device_id",
        "exp",
        "scope",
        "sub",
        "token_type",
        "username",
    ];
    assert_eq!(names(&response), members);
    let id_token = okta.token("ada").id_token().sign();
    let response = introspect(&okta, &id_token).await.json();
    assert_eq!(
        (&response["active"], &response["aud"]),
        (&json!(true), &json!(CLIENT_ID))
    );
    assert_eq!(response["client_id"], CLIENT_ID);
}

/// Like real servers, the mock finds a JWT by its `jti` and ignores its other members.
#[tokio::test]
async fn edited_jwt_has_the_signed_claims() {
    let okta = MockOkta::start().await;
    let jwt = okta.token("ada").sign();
    let mut forged = parts(&jwt).payload;
    forged["sub"] = json!("mallory");
    let forged = format!("e30.{}.AA", URL_SAFE_NO_PAD.encode(forged.to_string()));
    assert_eq!(introspect(&okta, &forged).await.json()["sub"], "ada");
    okta.revoke(&forged);
    assert_eq!(
        introspect(&okta, &jwt).await.json(),
        json!({ "active": false })
    );
}

#[tokio::test]
async fn revoked_token_is_inactive() {
    let okta = MockOkta::start().await;
    let tokens = [
        okta.token("ada").sign(),
        okta.token("ada").encrypted().sign(),
        okta.opaque_token("ada").sign(),
        okta.refresh_token("ada").sign(),
    ];
    let other = okta.token("ada").sign();
    for (number, token) in tokens.iter().enumerate() {
        assert_eq!(introspect(&okta, token).await.json()["active"], true);
        let reply = call(&okta, REVOKE, token).await;
        assert_eq!((reply.status, reply.body.len()), (200, 0));
        assert_eq!(okta.hits().revocation, number + 1);
        assert_eq!(introspect(&okta, token).await.json()["active"], false);
    }
    assert_eq!(
        call(&okta, REVOKE, "unknown").await.status,
        200,
        "RFC 7009 §2.2"
    );
    assert_eq!(introspect(&okta, &other).await.json()["active"], true);
}

#[tokio::test]
async fn wrong_requests_are_rejected() {
    let okta = MockOkta::start().await;
    let client = basic(CLIENT_ID, CLIENT_SECRET);
    for path in [INTROSPECT, REVOKE] {
        for form in [
            "",
            "token=",
            "token_type_hint=access_token",
            "token=a&token=b",
            "token=%zz",
        ] {
            let reply = post_to(&okta, path, &client, form).await;
            assert_eq!(
                (reply.status, reply.json()["error"].clone()),
                (400, json!("invalid_request"))
            );
        }
        assert_eq!(get(&okta, path).await.status, 405);
        let in_query = format!("{path}?token=a");
        assert_eq!(post_to(&okta, &in_query, &client, "").await.status, 400);
        let rejected = post_to(&okta, path, "", "token=a").await;
        assert_eq!(
            (rejected.status, rejected.json()["error"].clone()),
            (401, json!("invalid_client"))
        );
    }
}

#[tokio::test]
async fn received_requests_are_recorded() {
    let okta = MockOkta::start().await;
    let client = basic(CLIENT_ID, CLIENT_SECRET) + "Accept: application/json\r\n";
    let form = "token=a%2Bb+c&token_type_hint=access_token";
    post_to(&okta, INTROSPECT, &client, form).await;
    okta.fault(Endpoint::Introspection, Fault::Drop);
    post_to(&okta, INTROSPECT, "", "token=z").await;
    let received = okta.received(Endpoint::Introspection);
    assert_eq!(
        (received.len(), okta.received(Endpoint::Keys).len()),
        (2, 0)
    );
    let first = &received[0];
    assert_eq!(
        (first.method.as_str(), first.body.as_slice()),
        ("POST", form.as_bytes())
    );
    assert_eq!(first.header("ACCEPT"), Some("application/json"));
    assert_eq!(first.parameter("token").as_deref(), Some("a+b c"));
    assert_eq!(first.parameter("client_id"), None);
    assert_eq!(first.assertion(), None);
    assert_eq!(received[1].parameter("token").as_deref(), Some("z"));
}

#[tokio::test]
async fn faults_change_the_response() {
    let okta = MockOkta::start().await;
    let token = okta.opaque_token("ada").sign();
    let with = async |fault| {
        okta.fault_times(Endpoint::Introspection, fault, 1);
        introspect(&okta, &token).await
    };
    let text = with(Fault::Member("active", r#""true""#)).await;
    assert_eq!(text.json()["active"], "true");
    assert_eq!(
        with(Fault::Member("exp", r#""soon""#)).await.json()["exp"],
        "soon"
    );
    let elsewhere = with(Fault::Member("aud", r#""api://billing""#))
        .await
        .json();
    assert_eq!(
        (&elsewhere["aud"], &elsewhere["sub"]),
        (&json!("api://billing"), &json!("ada"))
    );
    assert_eq!(with(Fault::Without("aud")).await.json().get("aud"), None);
    let twice = with(Fault::Twice("active", "false")).await.body;
    let twice = String::from_utf8(twice).unwrap();
    assert_eq!(twice.matches(r#""active":"#).count(), 2);
    assert!(
        serde_json::from_str::<Value>(&twice).is_ok() && twice.ends_with(r#","active":false}"#)
    );
    assert!(serde_json::from_slice::<Value>(&with(Fault::Half).await.body).is_err());
    let limited = with(Fault::Status(429)).await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("2"))
    );
    assert_eq!(
        with(Fault::ContentType("text/html"))
            .await
            .header("content-type"),
        Some("text/html")
    );
    let huge = with(Fault::Huge(1)).await;
    assert!(huge.body.len() > 1 << 20 && huge.json()["active"] == true);
    assert_eq!(with(Fault::Drop).await.status, 0);
    assert_eq!(introspect(&okta, &token).await.json()["active"], true);
}

async fn introspect(okta: &MockOkta, token: &str) -> Reply {
    call(okta, INTROSPECT, token).await
}

async fn call(okta: &MockOkta, path: &str, token: &str) -> Reply {
    let client = basic(CLIENT_ID, CLIENT_SECRET);
    post_to(okta, path, &client, &format!("token={token}")).await
}

#[tokio::test]
async fn unknown_token_fault_does_not_affect_known_tokens() {
    let okta = MockOkta::start().await;
    let known = okta.opaque_token("ada").sign();
    okta.fault_for_unknown_tokens(Fault::OauthError(400, "unauthorized_client"));
    let reply = introspect(&okta, "invented").await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "unauthorized_client");
    assert_eq!(introspect(&okta, &known).await.json()["active"], true);
    okta.clear_faults();
    assert_eq!(introspect(&okta, "invented").await.json()["active"], false);
}
