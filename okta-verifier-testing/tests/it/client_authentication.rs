//! Who `MockOkta` answers: client authentication at the introspection endpoint.

use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, MockOkta};
use serde_json::{Value, json};

use crate::http::{INTROSPECT, Reply, basic, post_to};

#[tokio::test]
async fn a_secret() {
    let okta = MockOkta::start().await;
    for (id, secret) in [(CLIENT_ID, "wrong"), ("0oaother", CLIENT_SECRET), ("", "")] {
        refused(&ask(&okta, &basic(id, secret), "").await);
        refused(
            &ask(
                &okta,
                "",
                &format!("&client_id={id}&client_secret={secret}"),
            )
            .await,
        );
    }
    refused(&ask(&okta, "", "").await);
    refused(&ask(&okta, "", &format!("&client_id={CLIENT_ID}")).await);
    refused(&ask(&okta, "", &format!("&client_secret={CLIENT_SECRET}")).await);
    refused(&ask(&okta, "Authorization: Bearer x\r\n", "").await);
    assert_eq!(
        ask(&okta, &basic(CLIENT_ID, CLIENT_SECRET), "")
            .await
            .status,
        200
    );
    let posted = format!("&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    assert_eq!(ask(&okta, "", &posted).await.status, 200);
    let both = ask(&okta, &basic(CLIENT_ID, CLIENT_SECRET), &posted).await;
    assert_eq!(
        (both.status, both.json()["error"].clone()),
        (400, json!("invalid_request"))
    );
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
#[tokio::test]
async fn a_secret_of_all_characters() {
    let okta = MockOkta::start().await;
    okta.set_client("0oa:client", "se:cr+et 100 % ä");
    refused(&ask(&okta, &basic("0oa:client", "se:cr+et 100 % ä"), "").await);
    let encoded = basic("0oa%3Aclient", "se%3Acr%2Bet+100+%25+%C3%A4");
    assert_eq!(ask(&okta, &encoded, "").await.status, 200);
    refused(&ask(&okta, &basic(CLIENT_ID, CLIENT_SECRET), "").await);
}

#[tokio::test]
async fn no_secret_where_the_server_is_told_so() {
    let okta = MockOkta::start().await;
    okta.set_public_client(true);
    refused(&ask(&okta, "", "").await);
    refused(&ask(&okta, "", "&client_id=0oaother").await);
    refused(&ask(&okta, &basic(CLIENT_ID, "wrong"), "").await);
    let named = format!("&client_id={CLIENT_ID}");
    assert_eq!(ask(&okta, "", &named).await.status, 200);
    okta.set_public_client(false);
    refused(&ask(&okta, "", &named).await);
}

#[tokio::test]
async fn an_assertion() {
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
        refused(&ask(&okta, "", &assertion("ES256", &claims)).await);
    }
    refused(&ask(&okta, "", &assertion("none", &good)).await);
    refused(&ask(&okta, "", &assertion("HS256", &good)).await);
    let other_client = assertion("ES256", &good) + "&client_id=0oaother";
    refused(&ask(&okta, "", &other_client).await);
    let untyped = assertion("ES256", &good).replace("assertion_type", "kind");
    refused(&ask(&okta, "", &untyped).await);

    assert_eq!(ask(&okta, "", &assertion("ES256", &good)).await.status, 200);
    refused(&ask(&okta, "", &assertion("ES256", &good)).await);
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

fn refused(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.json()["error"].clone()),
        (401, json!("invalid_client"))
    );
}

async fn ask(okta: &MockOkta, headers: &str, form: &str) -> Reply {
    post_to(okta, INTROSPECT, headers, &format!("token=t{form}")).await
}
