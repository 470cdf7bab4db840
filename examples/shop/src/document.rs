//! The OpenAPI document. The scopes of an operation are those of its policy.

use okta_verifier::{OwnedPolicy, Requirement as _};
use utoipa::openapi::{
    Components, ComponentsBuilder, HttpMethod, Info, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Required,
    path::{OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBody,
    schema::{ObjectBuilder, Type},
    security::{ApiKey, ApiKeyValue, OpenIdConnect, SecurityRequirement, SecurityScheme},
};

use crate::{
    Shop,
    policies::{Buy, Pay, Read},
};

/// Returns the document of the routes for clients.
pub(crate) fn document(shop: &Shop) -> OpenApi {
    let read = || get(requires(&Read::POLICY.into()));
    let text = || Some(RequestBody::new());
    let place = requires(&Buy::POLICY.into()).request_body(text());
    let lock_out = requires(&shop.lock_out).request_body(text());
    let pay = requires_bound(&Pay::POLICY.into()).parameter(id());
    let refund = requires(&shop.refund).parameter(id());
    let paths = PathsBuilder::new()
        .path("/health", get(open()))
        .path("/articles", read())
        .path("/orders", post(place))
        .path("/orders/changes", read())
        .path("/orders/{id}/pay", post(pay))
        .path("/orders/{id}/refund", post(refund))
        .path("/lock-outs", post(lock_out));
    OpenApiBuilder::new()
        .info(Info::new("shop", "1.0"))
        .paths(paths)
        .components(Some(components()))
        .build()
}

// glue: OpenAPI
fn security(policy: &OwnedPolicy) -> Vec<SecurityRequirement> {
    let alternatives = policy.scope_alternatives().expect("few alternatives");
    let requirement = |scopes| SecurityRequirement::new("login", scopes);
    alternatives.into_iter().map(requirement).collect()
}
// end of glue

fn requires(policy: &OwnedPolicy) -> OperationBuilder {
    OperationBuilder::new().securities(Some(security(policy)))
}

/// Returns an operation that requires a bound token. OpenAPI has no scheme for DPoP: the proof is a header.
fn requires_bound(policy: &OwnedPolicy) -> OperationBuilder {
    let security = security(policy).into_iter();
    let security = security.map(|scopes| scopes.add("dpop", [""; 0]));
    OperationBuilder::new().securities(Some(security))
}

fn open() -> OperationBuilder {
    OperationBuilder::new().securities(Some([]))
}

fn get(operation: OperationBuilder) -> PathItem {
    PathItem::new(HttpMethod::Get, operation.build())
}

fn post(operation: OperationBuilder) -> PathItem {
    PathItem::new(HttpMethod::Post, operation.build())
}

fn id() -> ParameterBuilder {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(number))
}

fn components() -> Components {
    let metadata = "https://acme.okta.com/oauth2/default/.well-known/openid-configuration";
    let login = SecurityScheme::OpenIdConnect(OpenIdConnect::new(metadata));
    let proof = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("DPoP")));
    ComponentsBuilder::new()
        .security_scheme("login", login)
        .security_scheme("dpop", proof)
        .build()
}
