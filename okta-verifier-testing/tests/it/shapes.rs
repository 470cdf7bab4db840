//! Claims and headers match Okta's documentation and RFC 9068.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use okta_verifier_testing::{CLIENT_ID, TestIssuer};
use serde_json::json;

use crate::jose::{decode, names, parts};

#[test]
fn okta_user_token_has_oktas_claims() {
    let okta = TestIssuer::new("api://orders");
    let token = okta
        .token("ada")
        .scope("orders:read")
        .scope("openid")
        .group("Admins");
    let token = parts(&token.sign());
    assert_eq!(names(&token.header), ["alg", "kid"]);
    assert_eq!(token.header["kid"].as_str().unwrap().len(), 43);
    let claims = &token.payload;
    let expected = [
        "aud",
        "auth_time",
        "cid",
        "exp",
        "groups",
        "iat",
        "iss",
        "jti",
        "scp",
        "sub",
        "uid",
        "ver",
    ];
    assert_eq!(names(claims), expected);
    assert_eq!(claims["ver"], 1);
    assert_eq!(claims["iss"], "https://okta.test/oauth2/default");
    assert_eq!(claims["aud"], "api://orders");
    assert_eq!(claims["sub"], "ada");
    assert_eq!(claims["cid"], CLIENT_ID);
    assert_eq!(claims["scp"], json!(["orders:read", "openid"]));
    assert_eq!(claims["groups"], json!(["Admins"]));
    let jti = claims["jti"].as_str().unwrap();
    assert!(jti.starts_with("AT.") && jti.len() == 46, "{jti}");
    let uid = claims["uid"].as_str().unwrap();
    assert!(uid.starts_with("00u") && uid.len() == 20, "{uid}");
    assert_eq!(uid, parts(&okta.token("ada").sign()).payload["uid"]);
    let (iat, exp) = (
        claims["iat"].as_u64().unwrap(),
        claims["exp"].as_u64().unwrap(),
    );
    assert_eq!(exp - iat, 3600);
    assert!(now().abs_diff(iat) <= 5);
}

#[test]
fn okta_service_token_has_oktas_claims() {
    let okta = TestIssuer::new("api://orders");
    let claims = parts(&okta.token("").service().client_id("0oabatch").sign()).payload;
    assert_eq!(
        names(&claims),
        ["aud", "cid", "exp", "iat", "iss", "jti", "sub", "ver"]
    );
    assert_eq!(claims["sub"], "0oabatch");
    assert_eq!(claims["cid"], "0oabatch");
}

#[test]
fn id_token_has_oktas_claims() {
    let okta = TestIssuer::new("api://orders");
    let token = parts(&okta.token("ada").id_token().scope("ignored").sign());
    assert_eq!(names(&token.header), ["alg", "kid"]);
    let claims = token.payload;
    let expected = [
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "exp",
        "iat",
        "idp",
        "iss",
        "jti",
        "nonce",
        "sub",
        "ver",
    ];
    assert_eq!(names(&claims), expected);
    assert_eq!(claims["aud"], CLIENT_ID);
    assert!(claims["jti"].as_str().unwrap().starts_with("ID."));
    assert!(claims["sub"].as_str().unwrap().starts_with("00u"));
    assert_eq!(decode(claims["at_hash"].as_str().unwrap()).len(), 16);
}

#[test]
fn rfc9068_token_has_the_required_claims() {
    let issuer = TestIssuer::rfc9068("https://orders.test");
    let token = issuer.token("ada").scope("orders:read").scope("openid");
    let token = parts(&token.sign());
    assert_eq!(names(&token.header), ["alg", "kid", "typ"]);
    assert_eq!(token.header["typ"], "at+jwt");
    let claims = token.payload;
    assert_eq!(
        names(&claims),
        [
            "aud",
            "auth_time",
            "client_id",
            "exp",
            "iat",
            "iss",
            "jti",
            "scope",
            "sub"
        ]
    );
    assert_eq!(claims["iss"], "https://issuer.test");
    assert_eq!(claims["scope"], "orders:read openid");
    let service = parts(&issuer.token("").service().sign()).payload;
    assert_eq!(service["sub"], service["client_id"]);
    assert!(service.get("auth_time").is_none());
}

#[test]
fn edits_are_applied_last_and_in_order() {
    let okta = TestIssuer::new("api://orders");
    let token = okta
        .token("ada")
        .claim("aud", ["a", "b"])
        .without("uid")
        .claim("uid", 7);
    let token = token.claim("cid", "x").without("cid").scope("s");
    let claims = parts(&token.without("scp").sign()).payload;
    assert_eq!(claims["aud"], json!(["a", "b"]));
    assert_eq!(claims["uid"], 7);
    assert!(claims.get("cid").is_none() && claims.get("scp").is_none());
}

#[test]
fn times_are_set() {
    let okta = TestIssuer::new("api://orders");
    let late = parts(&okta.token("ada").expired().sign()).payload;
    assert!(late["iat"].as_u64() < late["exp"].as_u64());
    assert!(
        late["exp"].as_u64().unwrap() + 3000 < now(),
        "beyond every leeway"
    );
    let short = parts(&okta.token("ada").expires_in(Duration::from_secs(90)).sign()).payload;
    assert!((now() + 90).abs_diff(short["exp"].as_u64().unwrap()) <= 5);
    let set = okta.token("ada").issued_at(1).not_before(2).expires_at(3);
    let set = parts(&set.sign()).payload;
    assert_eq!([&set["iat"], &set["nbf"], &set["exp"]], [1, 2, 3]);
}

#[test]
fn headers_are_set() {
    let okta = TestIssuer::new("api://orders");
    let token = okta
        .token("ada")
        .typ("JWT")
        .key_id("k")
        .header("crit", ["exp"]);
    let header = parts(&token.sign()).header;
    assert_eq!([&header["typ"], &header["kid"]], ["JWT", "k"]);
    assert_eq!(header["crit"], json!(["exp"]));
    let bare = okta
        .token("ada")
        .without_header("kid")
        .without_header("alg");
    assert_eq!(parts(&bare.sign()).header, json!({}));
}

#[test]
fn issuer_url_can_be_changed() {
    let okta = TestIssuer::new("api://orders").at("https://okta.test/oauth2/tenant-b");
    assert_eq!(
        parts(&okta.token("ada").sign()).payload["iss"],
        okta.issuer_url()
    );
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
