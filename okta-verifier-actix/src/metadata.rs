//! `metadata` and its service, which serve the metadata of protected resources.

use actix_web::{
    HttpRequest, HttpResponse,
    dev::{AppService, HttpServiceFactory},
    guard::fn_guard,
    web,
};
use okta_verifier::Verifier;

use crate::bridge;

/// Returns a service with the metadata of the verifier's resources (RFC 9728), each at its exact path. The metadata is
/// public: add the service to the `App`, outside the scopes that
/// [`VerifyMiddleware`](crate::VerifyMiddleware) wraps.
///
/// [`Verifier::resource_metadata`] describes the responses. Nothing of a path is normalized: a path with another slash
/// or with an escape is not that of the metadata, and neither is a path beneath a scope. A verifier without a resource
/// has no metadata.
///
/// ```
/// use actix_web::{App, test, web};
/// use okta_verifier::{Policy, Resource, Verifier};
/// use okta_verifier_actix::{Verified, VerifyMiddleware, metadata};
/// # use okta_verifier_testing::TestIssuer;
///
/// async fn files(_: Verified) -> &'static str {
///     "files"
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let resource = Resource::new("https://mcp.example.com/mcp");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).resource(resource).build()?;
/// let verify = VerifyMiddleware::new(verifier.clone()).require(Policy::scope("files:read"));
/// let app = App::new()
///     .service(web::resource("/mcp").wrap(verify).get(files))
///     .service(metadata(&verifier));
/// let app = test::init_service(app).await;
///
/// let ask = |path: &str| test::TestRequest::get().uri(path).to_request();
/// let rejected = test::call_service(&app, ask("/mcp")).await;
/// let challenge = rejected.headers().get("www-authenticate").ok_or("a challenge")?;
/// assert_eq!(
///     challenge,
///     r#"Bearer realm="api", scope="files:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#
/// );
/// let path = "/.well-known/oauth-protected-resource";
/// assert_eq!(test::call_service(&app, ask(&format!("{path}/mcp"))).await.status(), 200);
/// assert_eq!(test::call_service(&app, ask(path)).await.status(), 404);
/// # Ok(())
/// # }
/// ```
pub fn metadata(verifier: &Verifier) -> Metadata {
    Metadata {
        verifier: verifier.clone(),
    }
}

/// The service that [`metadata`] returns.
#[derive(Clone, Debug)]
#[must_use = "the metadata is not served until it is added to an app"]
pub struct Metadata {
    verifier: Verifier,
}

impl HttpServiceFactory for Metadata {
    fn register(self, config: &mut AppService) {
        for path in self.verifier.resource_metadata_paths() {
            let verifier = self.verifier.clone();
            let respond = move |request: HttpRequest| {
                let response = bridge::metadata(&request, &verifier);
                async { response.unwrap_or_else(|| HttpResponse::NotFound().finish()) }
            };
            // The guard compares the whole path byte by byte. The router alone would decode escapes first, and compare
            // only what is left of the path inside a scope.
            let exact = path.to_owned();
            let is_exact = fn_guard(move |context| context.head().uri.path() == exact);
            web::resource(path)
                .guard(is_exact)
                .to(respond)
                .register(config);
        }
    }
}
