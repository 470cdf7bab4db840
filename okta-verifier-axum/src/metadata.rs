//! `metadata`: the routes of the metadata of protected resources.

use axum::{
    Router,
    extract::OriginalUri,
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::ACCESS_CONTROL_REQUEST_HEADERS};
use okta_verifier::Verifier;

/// Returns a router with the metadata of the verifier's resources (RFC 9728), each at its exact path. The metadata is
/// public: merge the router after the [`VerifyLayer`](crate::VerifyLayer), and into the outermost router.
///
/// [`Verifier::resource_metadata`] describes the responses. Nothing of a path is normalized: a path with another slash
/// or with an escape gets 404, and so does the metadata beneath another path, as in a nested router. A verifier without
/// a resource has no metadata.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use okta_verifier::{Policy, Resource, Verifier};
/// use okta_verifier_axum::{Verified, VerifyLayer, metadata};
/// # use okta_verifier_testing::TestIssuer;
/// # use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let resource = Resource::new("https://mcp.example.com/mcp").scopes(["files:read"]);
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).resource(resource).build()?;
/// let app = Router::new()
///     .route("/mcp", get(async |_: Verified| "files"))
///     .route_layer(VerifyLayer::new(verifier.clone()).require(Policy::scope("files:read")))
///     .merge(metadata(&verifier));
///
/// // The challenge names the metadata, and the metadata names the issuer.
/// let rejected = app.clone().oneshot(Request::get("/mcp").body(Body::empty())?).await?;
/// assert_eq!(
///     rejected.headers()["www-authenticate"],
///     r#"Bearer realm="api", scope="files:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#
/// );
/// let request = Request::get("/.well-known/oauth-protected-resource/mcp").body(Body::empty())?;
/// assert_eq!(app.clone().oneshot(request).await?.status(), 200);
/// let request = Request::get("/.well-known/oauth-protected-resource").body(Body::empty())?;
/// assert_eq!(app.oneshot(request).await?.status(), 404);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// `Router::merge` panics if the other router has one of these paths too.
pub fn metadata<S: Clone + Send + Sync + 'static>(verifier: &Verifier) -> Router<S> {
    verifier
        .resource_metadata_paths()
        .fold(Router::new(), |router, path| {
            let verifier = verifier.clone();
            let respond =
                async move |uri, method, headers| response(&verifier, uri, &method, &headers);
            router.route(path, any(respond))
        })
}

fn response(
    verifier: &Verifier,
    OriginalUri(uri): OriginalUri,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    let requested = headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
    let requested = requested.map(HeaderValue::as_bytes);
    // A nested router shortens the path. The metadata is not served beneath another path.
    match verifier.resource_metadata(method.as_str(), uri.path(), requested) {
        Some(metadata) => metadata.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
