//! What a layer requires beyond a verified token, and its challenges.

use okta_verifier::{
    OwnedPolicy, Policy, Rejection, Resource, Verifier, VerifierBuilder,
    adapter::{Anonymous, Mount, RequestCredentials},
    dpop::DpopSettings,
};
use okta_verifier_testing::{Client, TestIssuer};

use crate::support::{
    captured_logs::logged,
    dpop_fixture::{AuthenticationResult, BASE, URL},
};

const FILES: &str = "https://mcp.example.com/files";
const MAIL: &str = "https://mcp.example.com/mail";
const FILES_METADATA: &str =
    r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/files""#;
const MAIL_METADATA: &str =
    r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mail""#;
const INVALID_TOKEN: &str =
    r#"error="invalid_token", error_description="The access token is invalid or has expired""#;
const INSUFFICIENT_SCOPE: &str =
    r#"error="insufficient_scope", error_description="The access token lacks a required scope""#;
const READ: Policy = Policy::scope("files:read");
const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);

fn okta() -> TestIssuer {
    secret_scan::public(FILES);
    secret_scan::public(MAIL);
    TestIssuer::new(FILES)
}

/// Returns a builder with an issuer for both audiences.
fn builder(okta: &TestIssuer) -> VerifierBuilder {
    Verifier::builder().issuer(okta.issuer().audience(MAIL).any_client_id())
}

fn files(okta: &TestIssuer) -> Mount {
    let builder = builder(okta).resource(Resource::new(FILES));
    Mount::new(builder.build().unwrap())
}

fn send(mount: &Mount, authorization: &str) -> AuthenticationResult {
    let lines = (!authorization.is_empty()).then_some(authorization.as_bytes());
    let credentials = RequestCredentials::new(lines);
    mount
        .authenticate(&credentials)
        .into_ready()
        .expect("no I/O")
}

fn challenges(rejection: &Rejection) -> (u16, Vec<String>) {
    let challenges = rejection
        .headers()
        .filter(|(name, _)| name == "www-authenticate");
    let texts = challenges.map(|(_, value)| value.to_str().unwrap().to_owned());
    (rejection.status().as_u16(), texts.collect())
}

/// Returns the status and the only challenge.
fn rejected(result: AuthenticationResult) -> (u16, String) {
    let (status, mut texts) = challenges(&result.unwrap_err());
    assert_eq!(texts.len(), 1, "{texts:?}");
    (status, texts.remove(0))
}

fn bearer(token: okta_verifier_testing::TokenBuilder) -> String {
    format!("Bearer {}", token.sign())
}

// conformance 199, 251
#[test]
fn challenge_names_the_metadata_of_the_resource() {
    let okta = okta();
    let mount = files(&okta);
    let cases = [
        (String::new(), 401, String::new()),
        ("Basic eDp5".to_owned(), 401, String::new()),
        (bearer(okta.token("ada").expired()), 401, format!("{INVALID_TOKEN}, ")),
        (bearer(okta.token("ada").tampered()), 401, format!("{INVALID_TOKEN}, ")),
        (
            "Bearer".to_owned(),
            400,
            r#"error="invalid_request", error_description="The request's credentials are malformed", "#
                .to_owned(),
        ),
    ];
    for (authorization, status, error) in cases {
        let expected = format!(r#"Bearer realm="api", {error}{FILES_METADATA}"#);
        assert_eq!(rejected(send(&mount, &authorization)), (status, expected));
    }
    let token = send(&mount, &bearer(okta.token("ada"))).unwrap();
    let (status, texts) = challenges(&token.require(READ).unwrap_err());
    let expected = format!(
        r#"Bearer realm="api", {INSUFFICIENT_SCOPE}, scope="files:read", {FILES_METADATA}"#
    );
    assert_eq!((status, texts), (403, vec![expected.clone()]));
    assert_eq!(
        challenges(&token.insufficient_scope("files:read").unwrap()),
        (403, vec![expected])
    );
    let (status, texts) = challenges(&token.require(Policy::acr(&["phr"])).unwrap_err());
    assert_eq!(status, 401);
    assert!(
        texts[0].ends_with(&format!(r#"acr_values="phr", {FILES_METADATA}"#)),
        "{texts:?}"
    );
    // A 403 that no scope would change has no challenge.
    let group = token.require(Policy::group("Admins")).unwrap_err();
    assert_eq!(challenges(&group), (403, vec![]));
}

// conformance 199, 252
#[test]
fn challenges_of_both_schemes_name_the_metadata_and_the_scopes() {
    let okta = okta();
    let dpop = DpopSettings::base_url(BASE);
    let builder = builder(&okta).resource(Resource::new(FILES)).dpop(dpop);
    let mount = Mount::new(builder.build().unwrap()).require(READ);
    let bare = [
        format!(r#"Bearer realm="api", scope="files:read", {FILES_METADATA}"#),
        format!(
            r#"DPoP realm="api", scope="files:read", {FILES_METADATA}, algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA""#
        ),
    ];
    let (status, texts) = challenges(&send(&mount, "").unwrap_err());
    assert_eq!((status, &texts[..]), (401, &bare[..]));

    let client = Client::new();
    let jwt = client.bind(okta.token("ada")).sign();
    // A bound token as Bearer.
    let (status, texts) = challenges(&send(&mount, &format!("Bearer {jwt}")).unwrap_err());
    let failed = bare[0].replace("scope=", &format!("{INVALID_TOKEN}, scope="));
    assert_eq!((status, texts), (401, vec![failed, bare[1].clone()]));
    // A bound token without a proof.
    let (status, texts) = challenges(&send(&mount, &format!("DPoP {jwt}")).unwrap_err());
    assert_eq!((status, &texts[0]), (401, &bare[0]));
    let failed = r#"error="invalid_dpop_proof", error_description="The DPoP proof is missing or invalid", scope="#;
    assert_eq!(texts[1], bare[1].replace("scope=", failed));
    // A bound token without the scope has one challenge, of its scheme.
    let proof = client.proof("GET", URL).token(&jwt).sign();
    let authorization = format!("DPoP {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()])
        .request("GET", "/orders")
        .dpop([proof.as_bytes()]);
    let result = mount
        .authenticate(&credentials)
        .into_ready()
        .expect("no I/O");
    let (status, text) = rejected(result);
    assert_eq!(status, 403);
    assert_eq!(
        text,
        bare[1].replace("scope=", &format!("{INSUFFICIENT_SCOPE}, scope="))
    );
}

// conformance 253
#[test]
fn mount_rejects_a_token_for_another_audience_than_that_of_the_only_resource() {
    let okta = okta();
    let mount = files(&okta);
    let other = bearer(okta.token("ada").audience(MAIL));
    let (status, text) = rejected(send(&mount, &other));
    assert_eq!(status, 401);
    assert!(
        text.contains("invalid_token") && text.ends_with(FILES_METADATA),
        "{text}"
    );
    assert!(send(&mount, &bearer(okta.token("ada"))).is_ok());
    // A layer for another API of the same verifier names no resource.
    let mail = mount.clone().audience(MAIL);
    assert!(send(&mail, &other).is_ok());
    assert_eq!(
        rejected(send(&mail, "")),
        (401, r#"Bearer realm="api""#.to_owned())
    );
    let token = send(&mail, &other).unwrap();
    let (_, texts) = challenges(&token.require(READ).unwrap_err());
    assert!(texts[0].ends_with(r#"scope="files:read""#), "{texts:?}");
}

// conformance 254
#[test]
fn mount_of_one_of_several_resources_rejects_the_tokens_of_the_others() {
    let okta = okta();
    let builder = builder(&okta)
        .resource(Resource::new(FILES))
        .resource(Resource::new(MAIL));
    let mount = Mount::new(builder.build().unwrap());
    let (files, mail) = (mount.clone().resource(FILES), mount.clone().resource(MAIL));
    let for_mail = bearer(okta.token("ada").audience(MAIL));
    let for_files = bearer(okta.token("ada"));
    for (mount, theirs, own, metadata) in [
        (&files, &for_mail, &for_files, FILES_METADATA),
        (&mail, &for_files, &for_mail, MAIL_METADATA),
        (
            &mount.clone().audience(MAIL),
            &for_files,
            &for_mail,
            MAIL_METADATA,
        ),
    ] {
        // The second time the token is cached.
        for _ in 0..2 {
            let (status, text) = rejected(send(mount, theirs));
            assert_eq!((status, text.contains("invalid_token")), (401, true));
            assert!(text.ends_with(metadata), "{text}");
        }
        let token = send(mount, own).unwrap();
        let (_, texts) = challenges(&token.require(READ).unwrap_err());
        assert!(texts[0].ends_with(metadata), "{texts:?}");
    }
    // A token for both is accepted by both.
    let both = bearer(okta.token("ada").claim("aud", [FILES, MAIL]));
    assert!(send(&files, &both).is_ok() && send(&mail, &both).is_ok());
}

// conformance 255
#[test]
fn mount_whose_settings_do_not_fit_the_verifier_rejects_each_request_with_500() {
    let okta = okta();
    let several = builder(&okta)
        .resource(Resource::new(FILES))
        .resource(Resource::new(MAIL));
    let several = Mount::new(several.build().unwrap());
    let plain = Mount::new(builder(&okta).build().unwrap());
    for (mount, problem) in [
        (several.clone(), "names none"),
        (several.clone().require(READ), "names none"),
        (
            several.clone().resource("https://mcp.example.com/other"),
            "no resource",
        ),
        (several.clone().resource(format!("{FILES}/")), "no resource"),
        (plain.resource(FILES), "no resource"),
        (files(&okta).resource(MAIL), "no resource"),
        (several.clone().resource(FILES).audience(MAIL), "audience"),
        (
            several.clone().audience("api://other").resource(FILES),
            "audience",
        ),
    ] {
        let good = bearer(okta.token("ada"));
        let mut logged = logged(|| {
            for authorization in ["", "Bearer", "Bearer a.b.c", &good] {
                let rejection = send(&mount, authorization).unwrap_err();
                assert_eq!(challenges(&rejection), (500, vec![]));
                assert_eq!(rejection.code(), "misconfigured_layer");
            }
            assert_eq!(mount.anonymous().unwrap_err().status(), 500);
        });
        logged.retain(|(level, _)| *level < tracing::Level::DEBUG);
        let [(level, text)] = &logged[..] else {
            panic!("expected one event, not {logged:?}");
        };
        assert_eq!(*level, tracing::Level::ERROR);
        assert!(text.contains(problem), "{text}");
    }
    // The verifier alone names none either.
    let alone = several
        .verifier()
        .authenticate(&RequestCredentials::new([]));
    assert_eq!(alone.into_ready().unwrap().unwrap_err().status(), 500);
    // The audience of the resource is allowed beside it.
    let same = several.resource(FILES).audience(FILES);
    assert!(send(&same, &bearer(okta.token("ada"))).is_ok());
}

// conformance 256
#[test]
fn mount_rejects_a_token_that_does_not_meet_its_policy() {
    let okta = okta();
    let mount = files(&okta).require(READ);
    let rejection = send(&mount, &bearer(okta.token("ada"))).unwrap_err();
    assert_eq!(rejection.code(), "insufficient_scope");
    assert_eq!(rejection.unmet_policy(), Some(r#"scope "files:read""#));
    assert_eq!(rejection.issuer(), Some(okta.issuer_url()));
    let expected = format!(
        r#"Bearer realm="api", {INSUFFICIENT_SCOPE}, scope="files:read", {FILES_METADATA}"#
    );
    assert_eq!(challenges(&rejection), (403, vec![expected]));
    assert!(send(&mount, &bearer(okta.token("ada").scope("files:read"))).is_ok());

    // A policy from a file is a floor too.
    let read: OwnedPolicy = serde_json::from_str(r#"{ "scope": "files:read" }"#).unwrap();
    let mount = files(&okta).require(read);
    assert_eq!(rejected(send(&mount, &bearer(okta.token("ada")))).0, 403);
    let group = files(&okta).require(Policy::group("Admins"));
    assert_eq!(
        challenges(&send(&group, &bearer(okta.token("ada"))).unwrap_err()),
        (403, vec![])
    );
}

// conformance 257
#[test]
fn challenge_without_a_token_names_the_scopes_of_the_first_alternative() {
    let okta = okta();
    const BOTH: Policy = Policy::all(&[READ, Policy::group("Staff"), WRITE, READ]);
    let or_group = Policy::any(const { &[READ, Policy::group("Admins")] });
    for (policy, scope) in [
        (READ, r#"scope="files:read", "#),
        (WRITE, r#"scope="files:write", "#),
        (BOTH, r#"scope="files:read files:write", "#),
        (or_group, r#"scope="files:read", "#),
        (Policy::any_token(), ""),
        (Policy::group("Admins"), ""),
    ] {
        let mount = files(&okta).require(policy);
        let expected = format!(r#"Bearer realm="api", {scope}{FILES_METADATA}"#);
        assert_eq!(rejected(send(&mount, "")), (401, expected.clone()));
        let invalid = expected.replacen(r#""api", "#, &format!(r#""api", {INVALID_TOKEN}, "#), 1);
        assert_eq!(rejected(send(&mount, "Bearer a.b.c")), (401, invalid));
        // Malformed credentials are not about a token.
        let (status, text) = rejected(send(&mount, "Bearer"));
        assert_eq!((status, text.contains("scope=")), (400, false));
    }
}

// conformance 258
#[test]
fn policy_inside_a_mount_names_the_scopes_of_both() {
    let okta = okta();
    let floor = Policy::any(const { &[READ, Policy::scope("files:admin")] });
    let mount = files(&okta).require(floor);
    let names = |token: okta_verifier_testing::TokenBuilder, policy: Policy| {
        let token = send(&mount, &bearer(token)).unwrap();
        let (status, texts) = challenges(&token.require(policy).unwrap_err());
        assert_eq!(status, 403);
        let (_, scope) = texts[0].split_once(r#"scope=""#).unwrap();
        scope.split_once('"').unwrap().0.to_owned()
    };
    let reader = || okta.token("ada").scope("files:read");
    assert_eq!(
        names(reader(), Policy::scope("files:write")),
        "files:read files:write"
    );
    // The floor is met by its second alternative.
    let admin = okta.token("ada").scope("files:admin");
    assert_eq!(
        names(admin, Policy::scope("files:write")),
        "files:admin files:write"
    );
    let both = Policy::all(const { &[READ, Policy::scope("files:write")] });
    assert_eq!(names(reader(), both), "files:read files:write");
    // So does a policy from a file, and a scope that is known at run time only.
    let token = send(&mount, &bearer(reader())).unwrap();
    let write: OwnedPolicy = serde_json::from_str(r#"{ "scope": "files:write" }"#).unwrap();
    let expected = format!(
        r#"Bearer realm="api", {INSUFFICIENT_SCOPE}, scope="files:read files:write", {FILES_METADATA}"#
    );
    let expected = (403, vec![expected]);
    assert_eq!(challenges(&token.require(&write).unwrap_err()), expected);
    assert_eq!(
        challenges(&token.insufficient_scope("files:write").unwrap()),
        expected
    );
    assert!(token.insufficient_scope("a  b").is_err() && token.insufficient_scope("").is_err());
    // A clone of the token keeps the floor.
    assert_eq!(
        challenges(&token.clone().require(&write).unwrap_err()),
        expected
    );
    // No scope would help.
    let group = token.require(Policy::group("Admins")).unwrap_err();
    assert_eq!(challenges(&group), (403, vec![]));
}

// conformance 258
#[test]
fn anonymous_request_inside_a_mount_is_told_the_scopes_of_both() {
    let okta = okta();
    let scope = |anonymous: &Anonymous, policy: Policy| {
        let (status, mut texts) = challenges(&policy.admit(None, Some(anonymous)).unwrap_err());
        assert_eq!((status, texts.len()), (401, 1));
        texts.remove(0)
    };
    let with_floor = files(&okta).require(READ).anonymous().unwrap();
    let both = format!(r#"Bearer realm="api", scope="files:read files:write", {FILES_METADATA}"#);
    assert_eq!(scope(&with_floor, WRITE), both);
    let floor = format!(r#"Bearer realm="api", scope="files:read", {FILES_METADATA}"#);
    assert_eq!(scope(&with_floor, READ), floor);
    assert_eq!(scope(&with_floor, Policy::any_token()), floor);
    assert_eq!(challenges(&with_floor.rejection()), (401, vec![floor]));
    // Without a policy of the layer the challenge names no scope.
    let without = files(&okta).anonymous().unwrap();
    assert_eq!(
        scope(&without, WRITE),
        format!(r#"Bearer realm="api", {FILES_METADATA}"#)
    );
    let plain = builder(&okta).build().unwrap().anonymous();
    assert_eq!(scope(&plain, WRITE), r#"Bearer realm="api""#);
}

#[test]
fn mount_has_the_same_verifier_as_the_tokens_and_the_anonymous_requests_that_it_admits() {
    let okta = okta();
    let mount = files(&okta).require(READ);
    let token = send(&mount, &bearer(okta.token("ada").scope("files:read"))).unwrap();
    let anonymous = mount.anonymous().unwrap();
    assert!(mount.verifier().has_admitted(Some(&token), None));
    assert!(mount.verifier().has_admitted(None, Some(&anonymous)));
    let other = files(&okta);
    assert!(!other.verifier().has_admitted(Some(&token), None));
    assert!(!other.verifier().has_admitted(None, Some(&anonymous)));
}

#[test]
fn mount_debug_output_shows_its_settings() {
    let mount = files(&okta()).require(READ);
    let text = format!("{mount:?}");
    assert!(
        text.contains("files:read") && text.contains("Verifier"),
        "{text}"
    );
}
