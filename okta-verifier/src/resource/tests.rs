//! The settings of a resource, and the bytes of its metadata.

use super::*;

fn metadata_url(url: &str) -> String {
    let resource = Resource::new(url).prepare();
    resource.expect(url).metadata_url().to_owned()
}

fn problem(resource: Resource) -> String {
    match resource.prepare() {
        Ok(_) => String::from("accepted"),
        Err(error) => error.to_string(),
    }
}

// conformance 197, 201
#[test]
fn resource_url_must_be_in_its_normal_form() {
    for url in [
        "",
        "mcp.example.com/mcp",
        "/mcp",
        "https://",
        "http://mcp.example.com/mcp",
        "ftp://mcp.example.com/mcp",
        "HTTPS://mcp.example.com/mcp",
        "https://MCP.example.com/mcp",
        "https://mcp.example.com:443/mcp",
        "https://ada@mcp.example.com/mcp",
        "https://ada:pw@mcp.example.com/mcp",
        "https://mcp.example.com/mcp?tenant=1",
        "https://mcp.example.com/mcp?",
        "https://mcp.example.com/mcp#",
        "https://mcp.example.com/mcp#top",
        "https://mcp.example.com/a/../mcp",
        "https://mcp.example.com/./mcp",
        "https://mcp.example.com/%2e%2e/mcp",
        "https://mcp.example.com/{tenant}",
        "https://mcp.example.com/:tenant",
        "https://mcp.example.com/*",
        "https://mcp.example.com/a%2Fb",
        "https://mcp.example.com/%6dcp",
        "https://mcp.example.com/mcp ",
        " https://mcp.example.com/mcp",
        "https://mcp.example.com/mc\np",
        "https://mcp.example.com/mcp\u{e9}",
        "https://mcp.example.com\\mcp",
    ] {
        assert!(Resource::new(url).prepare().is_err(), "{url:?} is accepted");
    }
}

// conformance 195
#[test]
fn resource_metadata_url_has_the_well_known_part_before_the_path() {
    const ROOT: &str = "https://mcp.example.com/.well-known/oauth-protected-resource";
    assert_eq!(metadata_url("https://mcp.example.com"), ROOT);
    assert_eq!(metadata_url("https://mcp.example.com/"), ROOT);
    assert_eq!(
        metadata_url("https://mcp.example.com/mcp"),
        format!("{ROOT}/mcp")
    );
    // Any other slash at the end is a part of the URL.
    assert_eq!(
        metadata_url("https://mcp.example.com/mcp/"),
        format!("{ROOT}/mcp/")
    );
    assert_eq!(
        metadata_url("https://mcp.example.com/a//b"),
        format!("{ROOT}/a//b")
    );
    assert_eq!(
        metadata_url("http://127.0.0.1:8080/mcp"),
        "http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp"
    );
}

#[test]
fn resource_settings_that_clients_cannot_use_are_rejected() {
    let resource = || Resource::new("https://mcp.example.com/mcp");
    for scope in ["", "two scopes", "a\"b", "caf\u{e9}"] {
        assert!(
            problem(resource().scopes([scope])).contains("RFC 6749"),
            "{scope:?}"
        );
    }
    assert!(
        problem(resource().scopes(["files:read", "offline_access"])).contains("offline_access")
    );
    for page in [
        "",
        "docs",
        "/docs",
        "javascript:alert(1)",
        "https://docs.example.com/ x",
    ] {
        assert!(
            problem(resource().documentation(page)).contains("page"),
            "{page:?}"
        );
        assert!(
            problem(resource().policy_uri(page)).contains("page"),
            "{page:?}"
        );
        assert!(
            problem(resource().tos_uri(page)).contains("page"),
            "{page:?}"
        );
    }
    for language in ["", "-", "fr-", "1a", "a b", "abcdefghi", "fr\"x"] {
        assert!(
            problem(resource().name_in(language, "Fichiers")).contains("BCP 47"),
            "{language:?}"
        );
    }
    for empty in [
        resource().name(""),
        resource().name_in("fr", ""),
        resource().audience(""),
        resource().authorization_details_types([""]),
    ] {
        assert!(problem(empty).contains("empty"));
    }
}

// conformance 196, 197, 200
#[test]
fn resource_document_has_its_members_in_a_fixed_order() {
    let issuers = ["https://acme.okta.com/oauth2/default"];
    let document = |resource: Resource, enforced| {
        resource
            .prepare()
            .expect("good settings")
            .document(&issuers, enforced)
    };
    let resource = || Resource::new("https://mcp.example.com/mcp");
    assert_eq!(
        document(resource(), Enforced::default()),
        r#"{"resource":"https://mcp.example.com/mcp","authorization_servers":["https://acme.okta.com/oauth2/default"],"bearer_methods_supported":["header"]}"#
    );
    assert_eq!(
        document(
            resource().name("Files").scopes(["files:read"]),
            Enforced::default()
        ),
        r#"{"resource":"https://mcp.example.com/mcp","authorization_servers":["https://acme.okta.com/oauth2/default"],"scopes_supported":["files:read"],"bearer_methods_supported":["header"],"resource_name":"Files"}"#
    );
    let whole = resource()
        .name("Files \"2\"")
        .name_in("fr", "Fichiers")
        .scopes(["files:read", "files:write"])
        .documentation("https://docs.example.com/files")
        .policy_uri("https://example.com/policy")
        .tos_uri("https://example.com/terms")
        .authorization_details_types(["file_access"]);
    let enforced = Enforced {
        offers_dpop: true,
        requires_dpop: true,
    };
    assert_eq!(
        document(whole, enforced),
        r#"{"resource":"https://mcp.example.com/mcp","authorization_servers":["https://acme.okta.com/oauth2/default"],"scopes_supported":["files:read","files:write"],"bearer_methods_supported":["header"],"resource_name":"Files \"2\"","resource_name#fr":"Fichiers","resource_documentation":"https://docs.example.com/files","resource_policy_uri":"https://example.com/policy","resource_tos_uri":"https://example.com/terms","authorization_details_types_supported":["file_access"],"dpop_signing_alg_values_supported":["RS256","RS384","RS512","PS256","PS384","PS512","ES256","ES384","ES512","EdDSA"],"dpop_bound_access_tokens_required":true}"#
    );
}

#[test]
fn resource_is_served_at_the_root_too_only_if_it_says_so() {
    let paths = |resource: Resource| {
        let prepared = resource.prepare().expect("good settings");
        prepared.paths().map(str::to_owned).collect::<Vec<_>>()
    };
    const ROOT: &str = "/.well-known/oauth-protected-resource";
    let mcp = || Resource::new("https://mcp.example.com/mcp");
    assert_eq!(paths(mcp()), [format!("{ROOT}/mcp")]);
    assert_eq!(
        paths(mcp().at_root_too()),
        [format!("{ROOT}/mcp"), ROOT.to_owned()]
    );
    assert_eq!(
        paths(Resource::new("https://mcp.example.com").at_root_too()),
        [ROOT]
    );
}
