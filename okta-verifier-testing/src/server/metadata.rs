//! The metadata documents of RFC 8414 and OpenID Connect Discovery, in Okta's shape.

use serde_json::{Value, json};

use super::clients::{ALGORITHMS, Clients};

/// The forms of an authorization server's metadata. Okta serves all three.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # use okta_verifier_testing::{MetadataForm, MockOkta};
/// # let okta = MockOkta::start().await;
/// // Only the oldest form is left.
/// okta.set_metadata(MetadataForm::OpenId, false);
/// okta.set_metadata(MetadataForm::OAuth, false);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataForm {
    /// `{issuer}/.well-known/openid-configuration` (OpenID Connect Discovery §4).
    OpenId,
    /// `/.well-known/oauth-authorization-server` before the issuer's path (RFC 8414 §3.1).
    OAuth,
    /// `{issuer}/.well-known/oauth-authorization-server`, which predates RFC 8414.
    OAuthLegacy,
}

impl MetadataForm {
    /// Returns the form that is served at `path` for an issuer with the path `issuer`, or `None` for any
    /// other path.
    pub(super) fn of(issuer: &str, path: &str) -> Option<Self> {
        // Without a path of the issuer, the two OAuth forms have one URL.
        if path.strip_prefix("/.well-known/oauth-authorization-server") == Some(issuer) {
            return Some(Self::OAuth);
        }
        match path.strip_prefix(issuer)? {
            "/.well-known/openid-configuration" => Some(Self::OpenId),
            "/.well-known/oauth-authorization-server" => Some(Self::OAuthLegacy),
            _ => None,
        }
    }
}

/// Returns the metadata document, which promises only what the server serves. The OAuth forms lack the
/// members of OpenID Connect.
pub(super) fn document(issuer: &str, form: MetadataForm, clients: &Clients) -> Value {
    let mut methods = vec![
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ];
    if clients.public {
        methods.push("none");
    }
    let mut token_methods = methods.clone();
    if clients.registered.open && !clients.public {
        token_methods.push("none");
    }
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "jwks_uri": format!("{issuer}/v1/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "offline_access"],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "token_endpoint_auth_methods_supported": token_methods,
        "claims_supported": ["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "introspection_endpoint": format!("{issuer}/v1/introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": format!("{issuer}/v1/revoke"),
        "revocation_endpoint_auth_methods_supported": methods,
    });
    if clients.registered.open {
        document["registration_endpoint"] = json!(format!("{issuer}/v1/clients"));
    }
    if form == MetadataForm::OpenId {
        document["id_token_signing_alg_values_supported"] = json!(["RS256"]);
        document["request_uri_parameter_supported"] = json!(false);
    }
    document
}
