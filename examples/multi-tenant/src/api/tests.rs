//! Tests of the API in this process, with the mocks and the files of the demo.

use axum::{body::Body, http::Request};
use okta_verifier_testing::{Endpoint, Fault, TokenBuilder};
use tower::ServiceExt;

use super::*;
use crate::demo::Demo;

struct Start {
    demo: Demo,
    api: Api,
    service: Router,
}

async fn start() -> Start {
    let demo = Demo::start().await.expect("a directory for the files");
    let api = Api::start(demo.settings()).expect("valid settings");
    let service = api.service();
    Start { demo, api, service }
}

impl Start {
    async fn call(&self, method: &str, path: &str, jwt: &str) -> u16 {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {jwt}"));
        let request = request.body(Body::empty()).expect("the request is valid");
        let Ok(response) = self.service.clone().oneshot(request).await;
        response.status().as_u16()
    }

    async fn orders(&self, token: TokenBuilder) -> u16 {
        self.call("GET", "/orders", &token.sign()).await
    }

    fn file(&self, name: &str) -> String {
        let path = self.demo.settings().with_file_name(name);
        std::fs::read_to_string(path).expect("a file of the demo")
    }

    /// Replaces the settings file, and reloads it.
    fn reload(&mut self, settings: &str) -> Result<(), WrongSettings> {
        let written = self.demo.write("settings.toml", settings);
        written.expect("the directory is there");
        self.api.reload()
    }

    /// Returns the paths of the problems that the file has.
    fn problems(&mut self, settings: &str) -> Vec<String> {
        let error = self.reload(settings).expect_err(settings);
        let paths = error.problems().map(|problem| problem.split(": ").next());
        paths.map(|path| path.expect("a path").to_owned()).collect()
    }
}

// conformance 82
#[tokio::test]
async fn reload_of_a_good_file_changes_issuers_and_policies() {
    let mut start = start().await;
    let acme = start.demo.token_of_acme().sign();
    let initech = start.demo.token_of_initech().sign();
    assert_eq!(start.call("GET", "/orders", &initech).await, 401);
    assert_eq!(
        start.demo.initech.hits().discovery,
        0,
        "an issuer that is not in the file is not contacted"
    );
    assert_eq!(start.call("POST", "/payments", &acme).await, 200);
    let fetched = start.demo.acme.hits().keys;

    let next = start.file("next.toml");
    start.reload(&next).expect("a good file");
    assert_eq!(start.call("GET", "/orders", &initech).await, 200);
    assert_eq!(
        start.call("POST", "/payments", &acme).await,
        403,
        "the policy requires a group now"
    );
    let accountant = start.demo.token_of_acme().group("Accounting").sign();
    assert_eq!(start.call("POST", "/payments", &accountant).await, 200);
    assert_eq!(
        start.demo.acme.hits().keys,
        fetched,
        "an unchanged issuer keeps its keys"
    );
}

// conformance 82
#[tokio::test]
async fn reload_without_a_tenant_rejects_its_cached_token_at_once() {
    let mut start = start().await;
    let globex = start.demo.token_of_globex().sign();
    for _ in 0..2 {
        assert_eq!(start.call("GET", "/orders", &globex).await, 200);
    }
    let next = start.file("next.toml");
    start.reload(&next).expect("a good file");
    assert_eq!(start.call("GET", "/orders", &globex).await, 401);
    assert_eq!(start.orders(start.demo.token_of_acme()).await, 200);
}

#[tokio::test]
async fn reload_of_a_bad_file_names_every_path_and_changes_nothing() {
    let mut start = start().await;
    let next = start.file("next.toml");
    let wrong = start.file("wrong.toml");
    let changed = |from: &str, to: &str| {
        let file = next.replace(from, to);
        assert_ne!(file, next, "{from}");
        file
    };
    for (file, paths) in [
        (wrong, vec!["policies.raed", "policies.read", "realm"]),
        (
            changed("[\"api://orders\"]", "[]"),
            vec!["issuers[0].audiences", "issuers[1].audiences"],
        ),
        (
            changed("client_ids", "client_id"),
            vec!["issuers[0].client_id"],
        ),
        (
            changed("acme.secret", "no.secret"),
            vec!["issuers[0].introspection.client_secret_file"],
        ),
        // Valid for a start, but not for a reload.
        (
            changed(
                "realm = \"orders\"",
                "realm = \"billing\"\ntoken_cache_ttl = \"1m\"",
            ),
            vec!["realm", "token_cache_ttl"],
        ),
    ] {
        let found = start.problems(&file);
        assert_eq!(found, paths, "{file}");
        for (token, status) in [
            (start.demo.token_of_acme(), 200),
            (start.demo.token_of_globex(), 200),
            (start.demo.token_of_initech(), 401),
        ] {
            assert_eq!(start.orders(token).await, status, "{file}");
        }
        let acme = start.demo.token_of_acme().sign();
        assert_eq!(start.call("POST", "/payments", &acme).await, 200, "{file}");
    }
    // A good file after a bad one is in effect.
    start.reload(&next).expect("a good file");
    assert_eq!(start.orders(start.demo.token_of_initech()).await, 200);
}

#[tokio::test]
async fn reload_of_a_missing_file_changes_nothing() {
    let mut start = start().await;
    std::fs::remove_file(start.demo.settings()).expect("the file is there");
    assert!(start.api.reload().is_err());
    assert_eq!(start.orders(start.demo.token_of_acme()).await, 200);
}

#[tokio::test]
async fn reload_of_a_malformed_file_does_not_show_its_secrets() {
    let mut start = start().await;
    let next = start.file("next.toml");
    let secret = "hunter2hunter2hunter2";
    for line in [
        format!("client_secret = \"{secret}"),
        format!("client_secret = {secret}"),
        format!("client_secret = [\"{secret}\"]"),
        format!("client_secret {secret}"),
    ] {
        let wrong = next.replace("[[issuers]]", &format!("[[issuers]]\n{line}\n"));
        let error = start.reload(&wrong).expect_err("a malformed file");
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
    }
}

// conformance 81
#[tokio::test]
async fn group_that_a_tenant_names_gives_no_rights_of_our_staff() {
    let start = start().await;
    let audit = async |token: TokenBuilder| start.call("GET", "/audit", &token.sign()).await;
    let staff = || start.demo.token_of_staff();
    assert_eq!(audit(staff().group("auditor")).await, 200);
    assert_eq!(audit(staff()).await, 403);
    let self_made = start.demo.token_of_globex().group("auditor");
    assert_eq!(audit(self_made.clone()).await, 403);
    let in_anothers_name = self_made.claim("iss", "https://sso.example.com/realms/staff");
    assert_eq!(audit(in_anothers_name).await, 401);
}

#[tokio::test]
async fn audience_of_one_tenant_is_not_accepted_from_another() {
    let start = start().await;
    let old = "api://orders-v1";
    let globex = start.demo.token_of_globex();
    assert_eq!(start.orders(globex.audience(old)).await, 200);
    let acme = start.demo.token_of_acme();
    assert_eq!(start.orders(acme.audience(old)).await, 401);
    let client = start.demo.token_of_acme().client_id("0oa1globex");
    assert_eq!(start.orders(client).await, 401);
}

#[tokio::test]
async fn revoked_token_can_read_but_not_pay() {
    let start = start().await;
    let acme = &start.demo.acme;
    let jwt = start.demo.token_of_acme().sign();
    assert_eq!(start.call("POST", "/payments", &jwt).await, 200);
    assert_eq!(acme.hits().introspection, 1);
    assert_eq!(start.call("GET", "/orders", &jwt).await, 200);
    assert_eq!(
        acme.hits().introspection,
        1,
        "reading needs no introspection"
    );

    let revoked = start.demo.token_of_acme().sign();
    acme.revoke(&revoked);
    assert_eq!(start.call("GET", "/orders", &revoked).await, 200);
    assert_eq!(start.call("POST", "/payments", &revoked).await, 401);
}

#[tokio::test]
async fn payment_is_503_if_the_token_cannot_be_introspected() {
    let start = start().await;
    let globex = start.demo.token_of_globex().sign();
    assert_eq!(start.call("POST", "/payments", &globex).await, 503);

    let acme = &start.demo.acme;
    acme.fault(Endpoint::Introspection, Fault::Status(503));
    let jwt = start.demo.token_of_acme().sign();
    assert_eq!(start.call("GET", "/orders", &jwt).await, 200);
    assert_eq!(start.call("POST", "/payments", &jwt).await, 503);
}
