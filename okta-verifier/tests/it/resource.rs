//! The metadata of protected resources (RFC 9728).

use okta_verifier::{IssuerResolver, Resource, Verifier, VerifierBuilder, dpop::DpopSettings};
use okta_verifier_testing::{MockOkta, TestIssuer};

const FILES: &str = "https://mcp.example.com/files";
const PATH: &str = "/.well-known/oauth-protected-resource/files";

fn builder(issuer: &TestIssuer) -> VerifierBuilder {
    Verifier::builder()
        .issuer(issuer.issuer().any_client_id())
        .resource(Resource::new(FILES))
}

fn document(verifier: &Verifier) -> serde_json::Value {
    let response = verifier.resource_metadata("GET", PATH, None).unwrap();
    serde_json::from_str(response.body()).unwrap()
}

// conformance 195, 201
#[test]
fn metadata_is_served_at_its_exact_path_only() {
    let verifier = builder(&TestIssuer::new(FILES)).build().unwrap();
    for path in [
        "",
        "/",
        "/files",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/files/",
        "/.well-known/oauth-protected-resource//files",
        "//.well-known/oauth-protected-resource/files",
        "/.well-known/oauth-protected-resource/Files",
        "/.well-known/oauth-protected-resource/%66iles",
        "/.well-known/oauth-protected-resource%2Ffiles",
        "/.well-known/oauth-protected-resource/files/more",
        "/.well-known/oauth-protected-resource/../oauth-protected-resource/files",
        "/files/.well-known/oauth-protected-resource",
        "/mcp/.well-known/oauth-protected-resource/files",
    ] {
        assert!(
            verifier.resource_metadata("GET", path, None).is_none(),
            "{path}"
        );
    }
    assert!(verifier.resource_metadata("GET", PATH, None).is_some());
}

// conformance 259
#[tokio::test]
async fn metadata_is_served_while_the_issuer_is_down() {
    let okta = MockOkta::start().await;
    okta.set_audience(FILES);
    let url = okta.issuer_url().to_owned();
    let verifier = Verifier::builder()
        .issuer(okta.issuer(FILES).any_client_id())
        .resource(Resource::new(FILES))
        .build()
        .unwrap();
    drop(okta);
    assert!(verifier.warm_up().await.is_err());
    assert_eq!(
        document(&verifier)["authorization_servers"],
        serde_json::json!([url])
    );
}

// conformance 260
#[test]
fn metadata_follows_the_issuers() {
    let [one, two] = ["one", "two"]
        .map(|name| TestIssuer::new(FILES).at(format!("https://{name}.okta.test/oauth2/default")));
    let other = TestIssuer::new("api://other").at("https://three.okta.test/oauth2/default");
    let verifier = builder(&one).build().unwrap();
    let age = || {
        let response = verifier.resource_metadata("GET", PATH, None).unwrap();
        response.headers()["cache-control"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(age(), "public, max-age=3600");
    // A list without an issuer for the resource changes nothing.
    let alone = [other.issuer().any_client_id()];
    assert!(verifier.set_issuers(alone).is_err());
    assert_eq!(
        document(&verifier)["authorization_servers"],
        serde_json::json!([one.issuer_url()])
    );
    let next = [&other, &two, &one].map(|it| it.issuer().any_client_id());
    verifier.set_issuers(next).unwrap();
    assert_eq!(
        document(&verifier)["authorization_servers"],
        serde_json::json!([two.issuer_url(), one.issuer_url()])
    );
    assert_eq!(age(), "public, max-age=300");
}

// conformance 261
#[test]
fn metadata_claims_that_dpop_is_required_only_if_each_issuer_requires_it() {
    const REQUIRED: &str = "dpop_bound_access_tokens_required";
    let [one, two] = ["one", "two"]
        .map(|name| TestIssuer::new(FILES).at(format!("https://{name}.okta.test/oauth2/default")));
    let other = TestIssuer::new("api://other").at("https://three.okta.test/oauth2/default");
    let dpop = |issuers: Vec<okta_verifier::Issuer>| {
        let builder = Verifier::builder().dpop(DpopSettings::base_url("https://mcp.example.com"));
        issuers
            .into_iter()
            .fold(builder, VerifierBuilder::issuer)
            .resource(Resource::new(FILES))
    };
    let bearer = |issuer: &TestIssuer| issuer.issuer().any_client_id();
    let bound = |issuer: &TestIssuer| issuer.issuer().any_client_id().require_dpop();

    let verifier = dpop(vec![bound(&one), bearer(&two)]).build().unwrap();
    assert!(document(&verifier).get(REQUIRED).is_none());
    assert!(
        document(&verifier)
            .get("dpop_signing_alg_values_supported")
            .is_some()
    );
    let plain = builder(&one).build().unwrap();
    assert!(
        document(&plain)
            .get("dpop_signing_alg_values_supported")
            .is_none()
    );
    // A resolved issuer may accept tokens that are not bound.
    let resolver = || {
        IssuerResolver::new(["https://login.test/*"], |_| async {
            Ok::<_, std::io::Error>(None)
        })
    };
    let resolved = dpop(vec![bound(&one)])
        .issuer_resolver(resolver())
        .build()
        .unwrap();
    assert!(document(&resolved).get(REQUIRED).is_none());

    // The issuer of another audience does not matter.
    let verifier = dpop(vec![bound(&one), bound(&two), bearer(&other)])
        .build()
        .unwrap();
    assert_eq!(document(&verifier)[REQUIRED], true);
}

#[test]
fn resources_that_clients_could_confuse_do_not_build() {
    let okta = TestIssuer::new(FILES);
    let error = |resources: Vec<Resource>| {
        let issuer = okta
            .issuer()
            .audience("https://mcp.example.com/mail")
            .any_client_id();
        let builder = Verifier::builder().issuer(issuer);
        let built = resources
            .into_iter()
            .fold(builder, VerifierBuilder::resource)
            .build();
        built.err().map(|error| error.to_string())
    };
    let files = || Resource::new(FILES);
    let mail = || Resource::new("https://mcp.example.com/mail");
    assert!(error(vec![files(), files()]).unwrap().contains("same path"));
    let same = mail().audience(FILES);
    assert!(
        error(vec![files(), same])
            .unwrap()
            .contains("same audience")
    );
    let roots = vec![files().at_root_too(), mail().at_root_too()];
    assert!(error(roots).unwrap().contains("at_root_too"));
    let unknown = Resource::new("https://mcp.example.com/other");
    assert!(
        error(vec![unknown])
            .unwrap()
            .contains("no configured issuer")
    );
    assert_eq!(error(vec![files(), mail()]), None);
}
