//! Client authentication at the introspection endpoint of `MockOkta`.

use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, MockOkta};
use serde_json::{Value, json};

use crate::http::{INTROSPECT, Reply, basic, post_to};

#[tokio::test]
async fn client_secret_is_checked() {
    let okta = MockOkta::start().await;
    for (id, secret) in [(CLIENT_ID, "wrong"), ("0oaother", CLIENT_SECRET), ("", "")] {
        assert_rejected(&call(&okta, &basic(id, secret), "").await);
        assert_rejected(
            &call(
                &okta,
                "",
                &format!("&client_id={id}&client_secret={secret}"),
            )
            .await,
        );
    }
    assert_rejected(&call(&okta, "", "").await);
    assert_rejected(&call(&okta, "", &format!("&client_id={CLIENT_ID}")).await);
    assert_rejected(&call(&okta, "", &format!("&client_secret={CLIENT_SECRET}")).await);
    assert_rejected(&call(&okta, "Authorization: Bearer x\r\n", "").await);
    assert_eq!(
        call(&okta, &basic(CLIENT_ID, CLIENT_SECRET), "")
            .await
            .status,
        200
    );
    let posted = format!("&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    assert_eq!(call(&okta, "", &posted).await.status, 200);
    let both = call(&okta, &basic(CLIENT_ID, CLIENT_SECRET), &posted).await;
    assert_eq!(
        (both.status, both.json()["error"].clone()),
        (400, json!("invalid_request"))
    );
}

/// RFC 6749 §2.3.1: ID and secret are form-encoded before they are joined.
#[tokio::test]
async fn client_secret_may_have_any_characters() {
    let okta = MockOkta::start().await;
    okta.set_client("0oa:client", "se:cr+et 100 % ä");
    assert_rejected(&call(&okta, &basic("0oa:client", "se:cr+et 100 % ä"), "").await);
    let encoded = basic("0oa%3Aclient", "se%3Acr%2Bet+100+%25+%C3%A4");
    assert_eq!(call(&okta, &encoded, "").await.status, 200);
    assert_rejected(&call(&okta, &basic(CLIENT_ID, CLIENT_SECRET), "").await);
}

#[tokio::test]
async fn public_client_needs_no_secret() {
    let okta = MockOkta::start().await;
    okta.set_public_client(true);
    assert_rejected(&call(&okta, "", "").await);
    assert_rejected(&call(&okta, "", "&client_id=0oaother").await);
    assert_rejected(&call(&okta, &basic(CLIENT_ID, "wrong"), "").await);
    let named = format!("&client_id={CLIENT_ID}");
    assert_eq!(call(&okta, "", &named).await.status, 200);
    okta.set_public_client(false);
    assert_rejected(&call(&okta, "", &named).await);
}

#[tokio::test]
async fn client_assertion_is_checked() {
    let okta = MockOkta::start().await;
    let good = claims(&okta);
    let spoiled = [
        ("iss", json!("0oaother")),
        ("sub", json!("0oaother")),
        ("aud", json!(okta.issuer_url())),
        ("aud", json!(format!("{}/v1/token", okta.issuer_url()))),
        ("exp", json!(1_600_000_000)),
        ("exp", json!(33_000_000_000_u64)),
        ("exp", json!("soon")),
        ("exp", Value::Null),
    ];
    for (name, value) in spoiled {
        let mut claims = good.clone();
        claims[name] = value;
        assert_rejected(&call(&okta, "", &assertion("ES256", &claims)).await);
    }
    assert_rejected(&call(&okta, "", &assertion("none", &good)).await);
    assert_rejected(&call(&okta, "", &assertion("HS256", &good)).await);
    let other_client = assertion("ES256", &good) + "&client_id=0oaother";
    assert_rejected(&call(&okta, "", &other_client).await);
    let untyped = assertion("ES256", &good).replace("assertion_type", "kind");
    assert_rejected(&call(&okta, "", &untyped).await);

    assert_eq!(
        call(&okta, "", &assertion("ES256", &good)).await.status,
        200
    );
    assert_rejected(&call(&okta, "", &assertion("ES256", &good)).await);
    let received = okta.received(Endpoint::Introspection);
    let (header, claims) = received.last().unwrap().assertion().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&header).unwrap()["kid"], "k1");
    assert_eq!(serde_json::from_str::<Value>(&claims).unwrap(), good);
}

fn claims(okta: &MockOkta) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    json!({
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": format!("{}/v1/introspect", okta.issuer_url()),
        "exp": now.unwrap().as_secs() + 60,
        "jti": "once",
    })
}

fn assertion(alg: &str, claims: &Value) -> String {
    let header = json!({ "alg": alg, "kid": "k1" });
    let [header, claims] = [&header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
    format!(
        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
         &client_assertion={header}.{claims}.AA"
    )
}

fn assert_rejected(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.json()["error"].clone()),
        (401, json!("invalid_client"))
    );
}

async fn call(okta: &MockOkta, headers: &str, form: &str) -> Reply {
    post_to(okta, INTROSPECT, headers, &format!("token=t{form}")).await
}
