//! The metadata documents of RFC 8414 and OpenID Connect Discovery, in Okta's shape.

use serde_json::{Value, json};

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
    /// Returns the form that is served at `path`, or `None` for any other path.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "/oauth2/default/.well-known/openid-configuration" => Some(Self::OpenId),
            "/.well-known/oauth-authorization-server/oauth2/default" => Some(Self::OAuth),
            "/oauth2/default/.well-known/oauth-authorization-server" => Some(Self::OAuthLegacy),
            _ => None,
        }
    }
}

/// Returns the metadata document. The OAuth forms lack the members of OpenID Connect.
pub(super) fn document(issuer: &str, form: MetadataForm) -> Value {
    let methods = json!([
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "none",
    ]);
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
        "jwks_uri": format!("{issuer}/v1/keys"),
        "response_types_supported": ["code", "token", "id_token"],
        "response_modes_supported": ["query", "fragment", "form_post", "okta_post_message"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access"],
        "token_endpoint_auth_methods_supported": methods,
        "claims_supported": ["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"],
        "code_challenge_methods_supported": ["S256"],
        "introspection_endpoint": format!("{issuer}/v1/introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": format!("{issuer}/v1/revoke"),
        "revocation_endpoint_auth_methods_supported": methods,
    });
    if form == MetadataForm::OpenId {
        document["userinfo_endpoint"] = json!(format!("{issuer}/v1/userinfo"));
        document["id_token_signing_alg_values_supported"] = json!(["RS256"]);
        document["end_session_endpoint"] = json!(format!("{issuer}/v1/logout"));
    }
    document
}
