//! `MockOkta` without faults: metadata, keys, counters, settings.

use std::time::Duration;

use okta_verifier_testing::{Endpoint, Fault, MetadataForm, MockOkta, Rotation};

use crate::http::{KEYS, LEGACY, OAUTH, OPENID, connect, get, post, send};
use crate::jose::{parts, verifies};

#[tokio::test]
async fn metadata_is_served_in_three_forms() {
    let okta = MockOkta::start().await;
    for path in [OPENID, OAUTH, LEGACY] {
        let reply = get(&okta, path).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(
            reply.header("cache-control"),
            Some("max-age=3832304, must-revalidate")
        );
        let document = reply.json();
        assert_eq!(document["issuer"], okta.issuer_url());
        assert_eq!(
            document["jwks_uri"],
            format!("{}/v1/keys", okta.issuer_url())
        );
        let is_openid = document
            .get("id_token_signing_alg_values_supported")
            .is_some();
        assert_eq!(is_openid, path == OPENID);
    }
    assert_eq!(okta.hits().discovery, 3);
}

/// Every endpoint and every grant in the metadata is served.
#[tokio::test]
async fn metadata_promises_what_is_served() {
    let okta = MockOkta::start().await;
    okta.set_public_client(true);
    let document = get(&okta, OPENID).await.json();
    let members = document.as_object().unwrap();
    let origin = okta.issuer_url().strip_suffix("/oauth2/default").unwrap();
    for (name, url) in members
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
    {
        let path = url.as_str().unwrap().strip_prefix(origin).unwrap();
        assert_ne!(get(&okta, path).await.status, 404, "{name}");
    }
    for grant in document["grant_types_supported"].as_array().unwrap() {
        let form = format!("grant_type={}&client_id=0oatest", grant.as_str().unwrap());
        let reply = post(&okta, "", &form).await;
        assert_ne!(reply.json()["error"], "unsupported_grant_type", "{grant}");
    }
    let methods = &document["token_endpoint_auth_methods_supported"];
    assert!(methods.as_array().unwrap().contains(&"none".into()));
    okta.set_public_client(false);
    let confidential = get(&okta, OPENID).await.json();
    let methods = &confidential["token_endpoint_auth_methods_supported"];
    assert!(!methods.as_array().unwrap().contains(&"none".into()));
}

#[tokio::test]
async fn metadata_forms_can_be_disabled() {
    let okta = MockOkta::start().await;
    let forms = [
        (MetadataForm::OpenId, OPENID),
        (MetadataForm::OAuth, OAUTH),
        (MetadataForm::OAuthLegacy, LEGACY),
    ];
    for (form, path) in forms {
        okta.set_metadata(form, false);
        let reply = get(&okta, path).await;
        assert_eq!(reply.status, 404);
        assert_eq!(reply.json()["errorCode"], "E0000007");
        assert_eq!(reply.header("cache-control"), None);
        okta.set_metadata(form, true);
        assert_eq!(get(&okta, path).await.status, 200);
    }
    assert_eq!(okta.hits().discovery, 6);
}

#[tokio::test]
async fn keys_verify_the_tokens() {
    let okta = MockOkta::start().await;
    let reply = get(&okta, KEYS).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("cache-control"),
        Some("max-age=3832304, must-revalidate")
    );
    let jwks = String::from_utf8(reply.body).unwrap();
    assert_eq!(jwks, okta.jwks());
    let jwt = okta.token("ada").sign();
    assert!(verifies(&jwt, &jwks));
    assert_eq!(parts(&jwt).header["kid"], okta.key_ids()[0]);
    assert_eq!(parts(&jwt).payload["iss"], okta.issuer_url());
    assert_eq!(parts(&jwt).payload["aud"], "api://default");
    assert_eq!((okta.hits().keys, okta.hits().discovery), (1, 0));
}

#[tokio::test]
async fn query_is_not_part_of_the_path() {
    let okta = MockOkta::start().await;
    assert_eq!(
        get(&okta, &format!("{KEYS}?client_id=0oatest"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_rejected() {
    let okta = MockOkta::start().await;
    assert_eq!(
        get(&okta, "/oauth2/other/v1/keys").await.json()["errorCode"],
        "E0000007"
    );
    let posted = send(&okta, &format!("POST {KEYS} HTTP/1.1\r\n\r\n")).await;
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET")));
    assert_eq!(send(&okta, "no HTTP\r\n\r\n").await.status, 400);
    assert_eq!(
        okta.hits().keys,
        1,
        "a wrong method counts, another path does not"
    );
}

#[tokio::test]
async fn settings_change_the_responses() {
    let okta = MockOkta::start().await;
    okta.set_audience("api://orders");
    assert_eq!(
        parts(&okta.token("ada").sign()).payload["aud"],
        "api://orders"
    );
    okta.set_cache_control(Endpoint::Keys, "no-cache");
    okta.set_header(Endpoint::Keys, "age", Some("3500"));
    okta.set_header(Endpoint::Discovery, "cache-control", None);
    let keys = get(&okta, KEYS).await;
    assert_eq!(keys.header("cache-control"), Some("no-cache"));
    assert_eq!(keys.header("age"), Some("3500"));
    assert_eq!(get(&okta, OPENID).await.header("cache-control"), None);
    okta.set_latency(Duration::from_millis(60));
    assert!(get(&okta, KEYS).await.took >= Duration::from_millis(60));
}

#[tokio::test]
async fn unchanged_keys_are_304() {
    let okta = MockOkta::start().await;
    assert_eq!(get(&okta, KEYS).await.header("etag"), None);
    okta.set_etags(true);
    let etag = get(&okta, KEYS).await.header("etag").unwrap().to_owned();
    okta.set_cache_control(Endpoint::Keys, "max-age=60");
    let call = format!("GET {KEYS} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {etag}\r\n\r\n");
    let same = send(&okta, &call).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(same.header("etag"), Some(&*etag));
    assert_eq!(same.header("cache-control"), Some("max-age=60"));
    assert_eq!(same.header("content-type"), None);
    okta.fault_times(Endpoint::Keys, Fault::Half, 1);
    assert_eq!(
        send(&okta, &call).await.status,
        200,
        "a fault has precedence"
    );
    okta.rotate(Rotation::Overlap);
    let other = send(&okta, &call).await;
    assert_eq!(other.status, 200);
    assert_ne!(other.header("etag"), Some(&*etag));
    assert_eq!((okta.hits().keys, okta.hits().not_modified), (5, 1));
}

#[tokio::test]
async fn hits_can_be_awaited_and_reset() {
    let okta = MockOkta::start().await;
    let (_, reply) = tokio::join!(okta.wait_for_hits(Endpoint::Keys, 1), get(&okta, KEYS));
    assert_eq!(reply.status, 200);
    okta.reset_hits();
    assert_eq!(okta.hits().keys, 0);
}

#[tokio::test]
async fn server_ends_when_it_is_dropped() {
    let okta = MockOkta::start().await;
    let address = connect(&okta).await.unwrap().peer_addr().unwrap();
    drop(okta);
    let rejected = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), rejected)
        .await
        .unwrap();
}
