//! Which hint belongs to which difference.

use serde_json::json;

use super::*;
use crate::token::{TokenProfile, tests::checks};

fn expected(profile: Profile, audiences: &[&str]) -> Expected {
    Expected {
        audiences: audiences.iter().map(|it| (*it).to_owned()).collect(),
        ..checks::expected(profile)
    }
}

fn of(provider: Provider) -> Profile {
    Profile::Custom(TokenProfile::new().of_provider(provider).into())
}

#[test]
fn difference_is_the_smallest_one_that_explains_both_texts() {
    use Difference::{Case, Scheme, Slash, Space, Spelling};
    for (one, other, expected) in [
        ("api://default", "api://default", None),
        ("https://a.example/", "https://a.example", Some(Slash)),
        ("http://a.example/x", "https://a.example/x", Some(Scheme)),
        ("api://Orders", "api://orders", Some(Case)),
        (" api://orders", "api://orders", Some(Space)),
        ("api://defualt", "api://default", Some(Spelling)),
        ("api://defaul", "api://default", Some(Spelling)),
        ("api://defalut1", "api://default", Some(Spelling)),
        ("api://billing", "api://default", None),
        ("ab", "cd", None), // two letters are all of it
        ("", "api://default", None),
    ] {
        assert_eq!(
            Difference::between(one, other),
            expected,
            "{one:?} {other:?}"
        );
        assert_eq!(
            Difference::between(other, one),
            expected,
            "{other:?} {one:?}"
        );
    }
}

#[test]
fn difference_of_long_texts_is_not_looked_for() {
    let (one, other) = ("a".repeat(257), "a".repeat(256));
    assert_eq!(Difference::between(&one, &other), None);
}

fn issuer_hint(profile: Profile, iss: &str, configured: &str) -> Option<String> {
    let expected = expected(profile, &["api://orders"]);
    nearest_issuer(iss, &[(vec![configured], &expected)])?.hint
}

#[test]
fn issuer_hint_names_the_usual_mistake_of_the_provider() {
    let okta = "https://acme.okta.com/oauth2/default";
    let realm = "https://sso.example/realms/orders";
    let id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let entra = format!("https://login.microsoftonline.com/{id}/v2.0");
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    for (profile, iss, configured, part) in [
        (
            Profile::Okta,
            "https://acme.okta.com",
            okta,
            "org authorization server",
        ),
        (
            Profile::Okta,
            "https://id.acme.example/oauth2/default",
            okta,
            "also_known_as",
        ),
        (
            Profile::Okta,
            "https://acme.okta.com/oauth2/aus9",
            okta,
            "of the same org",
        ),
        (
            of(Provider::Keycloak),
            "http://10.0.0.7:8080/realms/orders",
            realm,
            "the request that fetched the token",
        ),
        (
            of(Provider::Keycloak),
            "https://sso.example/realms/master",
            realm,
            "another realm",
        ),
        (
            of(Provider::Keycloak),
            "https://sso.example/realms/order",
            realm,
            "another realm",
        ),
        (
            of(Provider::Entra),
            &format!("https://sts.windows.net/{id}/"),
            &entra,
            "version 1.0",
        ),
        (
            of(Provider::Entra),
            &entra.replace("72f9", "82f9"),
            &entra,
            "another tenant",
        ),
        (of(Provider::Entra), &entra, template, "not listed"),
        (
            Profile::Rfc9068,
            "https://issuer.example/tenants/b",
            "https://issuer.example/tenants/orders",
            "same host",
        ),
        (
            Profile::Rfc9068,
            "https://isuer.example",
            "https://issuer.example",
            "misspelt",
        ),
    ] {
        let hint = issuer_hint(profile, iss, configured);
        let hint = hint.unwrap_or_else(|| panic!("no hint for {iss}"));
        assert!(hint.contains(part), "{iss}: {hint}");
    }
    assert_eq!(
        issuer_hint(Profile::Okta, "https://evil.example", okta),
        None
    );
    assert_eq!(issuer_hint(Profile::Okta, "not a URL", okta), None);
    assert_eq!(issuer_hint(Profile::Okta, "data:,x", okta), None);
}

fn claims_hint(profile: Profile, audiences: &[&str], claims: serde_json::Value) -> Option<String> {
    let payload = checks::payload(claims);
    let claims = Claims::parse(&payload).unwrap();
    wrong_audience(&claims, &expected(profile, audiences))
}

#[test]
fn audience_hint_names_the_usual_mistake() {
    let keycloak = || of(Provider::Keycloak);
    for (profile, configured, claims, part) in [
        (
            Profile::Okta,
            "api://defualt",
            json!({ "aud": "api://default" }),
            "misspelt",
        ),
        (
            Profile::Okta,
            "api://orders",
            json!({ "aud": ["x", "api://Orders"] }),
            "lower case",
        ),
        (
            Profile::Okta,
            "api://orders",
            json!({ "aud": "0oatest" }),
            "ID token",
        ),
        (
            Profile::Okta,
            "0oatest",
            json!({ "aud": "api://orders" }),
            "ID of the client",
        ),
        (
            Profile::Okta,
            "api://orders",
            json!({ "aud": "api://default" }),
            "server default",
        ),
        (
            keycloak(),
            "orders",
            json!({ "aud": "account" }),
            "audience mapper",
        ),
        (
            keycloak(),
            "orders",
            json!({ "aud": "0oatest" }),
            "audience mapper",
        ),
        (
            keycloak(),
            "orders",
            json!({ "aud": null }),
            "audience mapper",
        ),
    ] {
        let hint = claims_hint(profile, &[configured], claims.clone());
        let hint = hint.unwrap_or_else(|| panic!("no hint for {claims}"));
        assert!(hint.contains(part), "{claims}: {hint}");
    }
    let other = claims_hint(Profile::Okta, &["api://orders"], json!({ "aud": "x" }));
    assert!(other.unwrap().contains("another API"));
}

#[test]
fn client_hint_compares_the_client_with_the_listed_ones() {
    let mut expected = expected(Profile::Okta, &["api://orders"]);
    let payload = checks::payload(json!({}));
    let claims = Claims::parse(&payload).unwrap();
    assert_eq!(client("0oatest", &claims, &expected), None);
    expected.clients = Clients::Listed(vec!["0oatset".to_owned()]);
    assert_eq!(
        client("0oatest", &claims, &expected).as_deref(),
        Some("is the client ID misspelt?")
    );
    expected.clients = Clients::Listed(vec!["api://orders".to_owned()]);
    assert!(
        client("0oatest", &claims, &expected)
            .unwrap()
            .contains("audience of the token")
    );
    expected.clients = Clients::Listed(vec!["0oajob".to_owned()]);
    assert_eq!(
        client("0oatest", &claims, &expected).as_deref(),
        Some("if the client may call this API, add its ID to the settings")
    );
}

#[test]
fn clock_hint_follows_from_dates_with_the_same_offset() {
    let dates = |nbf, iat| Dates {
        exp: 5_000,
        nbf,
        iat,
    };
    let of = |dates, is_expired| clock(dates, is_expired, 1_000).unwrap_or_default();
    assert!(of(dates(Some(1_300), Some(1_302)), false).contains("the same time"));
    assert!(of(dates(Some(1_300), Some(900)), false).contains("clock is behind"));
    assert!(of(dates(None, Some(1_300)), false).contains("clock is behind"));
    assert!(of(dates(None, Some(900)), true).contains("renew"));
    assert_eq!(of(dates(None, Some(900)), false), "");
}
