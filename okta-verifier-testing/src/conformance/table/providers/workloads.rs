//! Identity tokens of workloads and of Cloudflare Access, after the documentation of each provider.

use serde_json::json;

use super::super::super::case::Case;
use super::{Format, right, wrong};
use crate::token::{Profile, Provider};

pub(super) const GOOGLE: Format = Format {
    provider: Provider::Google,
    types: &[Some("JWT"), Some("at+jwt")],
    other_types: &[None],
    id_token: "wrong_audience",
    id_token_for_us: None,
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("iat", "missing_claim"),
        ("email", "client_not_allowed"),
        ("email_verified", "client_not_allowed"),
    ],
    client: None,
    has_scopes_of_machines: false,
    has_groups: false,
    other_issuers: &[
        "https://accounts.google.com/",
        "accounts.google.com",
        "https://google.test",
    ],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Of(Provider::CloudflareAccess), "type_not_allowed"),
        (Profile::Of(Provider::Kubernetes), "type_not_allowed"),
    ],
    own: google,
};

fn google() -> Vec<Case> {
    const GOOGLE: Provider = Provider::Google;
    vec![
        wrong(
            GOOGLE,
            "a caller that is not listed",
            &[239],
            "client_not_allowed",
            |token| token.claim("email", "eve@example.com"),
        ),
        wrong(
            GOOGLE,
            "a caller in capitals",
            &[239],
            "client_not_allowed",
            |token| token.claim("email", "ROBOT@acme.iam.gserviceaccount.com"),
        ),
        wrong(
            GOOGLE,
            "a longer caller",
            &[239],
            "client_not_allowed",
            |token| token.claim("email", "robot@acme.iam.gserviceaccount.com.eve.example"),
        ),
        wrong(
            GOOGLE,
            "an email that is not verified",
            &[239],
            "client_not_allowed",
            |token| token.claim("email_verified", false),
        ),
        wrong(
            GOOGLE,
            "an email that is verified as text",
            &[239],
            "client_not_allowed",
            |token| token.claim("email_verified", "true"),
        ),
        wrong(
            GOOGLE,
            "a list of callers",
            &[239],
            "client_not_allowed",
            |token| token.claim("email", ["robot@acme.iam.gserviceaccount.com"]),
        ),
    ]
}

pub(super) const KUBERNETES: Format = Format {
    provider: Provider::Kubernetes,
    types: &[None, Some("at+jwt")],
    other_types: &[Some("JWT")],
    id_token: "wrong_audience",
    id_token_for_us: None,
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "client_not_allowed"),
        ("iat", "missing_claim"),
    ],
    client: None,
    has_scopes_of_machines: false,
    has_groups: false,
    other_issuers: &[
        "https://kubernetes.default.svc",
        "https://kubernetes.default.svc.cluster.local/",
        "kubernetes/serviceaccount",
    ],
    other_formats: &[
        (Profile::Of(Provider::Google), "type_not_allowed"),
        (Profile::Of(Provider::GitHubActions), "type_not_allowed"),
    ],
    own: kubernetes,
};

fn kubernetes() -> Vec<Case> {
    const KUBERNETES: Provider = Provider::Kubernetes;
    vec![
        right(
            KUBERNETES,
            "a service account of another namespace",
            &[232],
            |token| token.claim("sub", "system:serviceaccount:other:orders"),
        ),
        wrong(
            KUBERNETES,
            "a subject that is not a service account",
            &[239],
            "client_not_allowed",
            |token| token.claim("sub", "system:node:node-1"),
        ),
        wrong(
            KUBERNETES,
            "a security event",
            &[215],
            "not_an_access_token",
            |token| token.claim("events", json!({ "urn:x": {} })),
        ),
    ]
}

pub(super) const GITHUB_ACTIONS: Format = Format {
    provider: Provider::GitHubActions,
    types: &[Some("JWT"), Some("at+jwt")],
    other_types: &[None],
    id_token: "wrong_audience",
    id_token_for_us: None,
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("iat", "missing_claim"),
        ("jti", "missing_claim"),
        ("repository_owner", "client_not_allowed"),
    ],
    client: None,
    has_scopes_of_machines: false,
    has_groups: false,
    other_issuers: &[
        "https://token.actions.githubusercontent.com/",
        "https://token.actions.githubusercontent.com/acme",
        "https://github.test",
    ],
    other_formats: &[
        (Profile::Okta, "type_not_allowed"),
        (Profile::Rfc9068, "client_not_allowed"),
        (Profile::Of(Provider::Google), "missing_claim"),
        (Profile::Of(Provider::Hydra), "client_not_allowed"),
    ],
    own: github_actions,
};

fn github_actions() -> Vec<Case> {
    const GITHUB: Provider = Provider::GitHubActions;
    vec![
        right(
            GITHUB,
            "another repository of the owner",
            &[232, 239],
            |token| token.claim("repository", "acme/billing"),
        ),
        wrong(
            GITHUB,
            "an owner that is not listed",
            &[239],
            "client_not_allowed",
            |token| {
                token
                    .claim("repository", "eve/orders")
                    .claim("repository_owner", "eve")
            },
        ),
        wrong(
            GITHUB,
            "a repository of the owner's name",
            &[239],
            "client_not_allowed",
            |token| {
                token
                    .claim("repository", "eve/acme")
                    .claim("repository_owner", "eve")
            },
        ),
        wrong(
            GITHUB,
            "an owner whose name is longer",
            &[239],
            "client_not_allowed",
            |token| {
                token
                    .claim("repository", "acme2/orders")
                    .claim("repository_owner", "acme2")
            },
        ),
        wrong(
            GITHUB,
            "an owner in capitals",
            &[239],
            "client_not_allowed",
            |token| {
                token
                    .claim("repository", "ACME/orders")
                    .claim("repository_owner", "ACME")
            },
        ),
        wrong(
            GITHUB,
            "a subject of the owner alone",
            &[239],
            "client_not_allowed",
            |token| {
                let token = token.claim("sub", "repo:acme/orders:ref:refs/heads/main");
                token
                    .claim("repository", "eve/x")
                    .claim("repository_owner", "eve")
            },
        ),
        wrong(
            GITHUB,
            "a list of owners",
            &[239],
            "client_not_allowed",
            |token| token.claim("repository_owner", ["acme"]),
        ),
    ]
}

pub(super) const CLOUDFLARE_ACCESS: Format = Format {
    provider: Provider::CloudflareAccess,
    types: &[None, Some("JWT"), Some("at+jwt")],
    other_types: &[],
    id_token: "wrong_audience",
    id_token_for_us: None,
    required: &[
        ("iss", "missing_claim"),
        ("exp", "missing_claim"),
        ("aud", "missing_claim"),
        ("sub", "missing_claim"),
        ("iat", "missing_claim"),
        ("type", "not_an_access_token"),
    ],
    client: None,
    has_scopes_of_machines: false,
    has_groups: false,
    other_issuers: &[
        "https://umbrella.cloudflareaccess.com",
        "https://acme.cloudflareaccess.com/",
    ],
    other_formats: &[
        (Profile::Okta, "not_an_access_token"),
        (Profile::Rfc9068, "not_an_access_token"),
        (Profile::Of(Provider::Kubernetes), "not_an_access_token"),
    ],
    own: cloudflare_access,
};

fn cloudflare_access() -> Vec<Case> {
    const ACCESS: Provider = Provider::CloudflareAccess;
    vec![
        wrong(
            ACCESS,
            "the token of the whole team",
            &[233],
            "not_an_access_token",
            |token| token.claim("type", "org"),
        ),
        wrong(
            ACCESS,
            "a user without sub and with a common name",
            &[238],
            "missing_claim",
            |token| {
                token
                    .without("sub")
                    .claim("common_name", "e367826f93b8.access")
            },
        ),
        wrong(
            ACCESS,
            "a service token without common name",
            &[237, 238],
            "missing_claim",
            |token| token.service().without("common_name"),
        ),
        wrong(
            ACCESS,
            "a service token with an empty common name",
            &[237, 238],
            "missing_claim",
            |token| token.service().claim("common_name", ""),
        ),
    ]
}
