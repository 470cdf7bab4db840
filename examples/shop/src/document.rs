//! The OpenAPI document. The scopes of an operation are those of its policy.

use okta_verifier::{OwnedPolicy, Requirement as _};
use utoipa::openapi::{
    Components, ComponentsBuilder, HttpMethod, Info, OpenApi, OpenApiBuilder, PathItem,
    PathsBuilder, Required,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
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
    let text = || Some(RequestBody::new());
    let order = |operation: OperationBuilder| operation.parameter(id()).build();
    let place = security(&Buy::POLICY.into(), false).request_body(text());
    let lock_out = security(&shop.lock_out, false).request_body(text());
    let paths = PathsBuilder::new()
        .path("/health", get(open()))
        .path("/articles", get(security(&Read::POLICY.into(), false)))
        .path("/orders", post(place.build()))
        .path(
            "/orders/changes",
            get(security(&Read::POLICY.into(), false)),
        )
        .path(
            "/orders/{id}/pay",
            post(order(security(&Pay::POLICY.into(), true))),
        )
        .path(
            "/orders/{id}/refund",
            post(order(security(&shop.refund, false))),
        )
        .path("/lock-outs", post(lock_out.build()));
    OpenApiBuilder::new()
        .info(Info::new("shop", "1.0"))
        .paths(paths)
        .components(Some(components()))
        .build()
}

// glue: OpenAPI
fn security(policy: &OwnedPolicy, is_bound: bool) -> OperationBuilder {
    let alternatives = policy.scope_alternatives().expect("few alternatives");
    let requirements = alternatives.into_iter().map(|scopes| {
        let requirement = SecurityRequirement::new("login", scopes);
        match is_bound {
            true => requirement.add("dpop", [""; 0]),
            false => requirement,
        }
    });
    OperationBuilder::new().securities(Some(requirements))
}
// end of glue

fn open() -> OperationBuilder {
    OperationBuilder::new().securities(Some([]))
}

fn get(operation: OperationBuilder) -> PathItem {
    PathItem::new(HttpMethod::Get, operation.build())
}

fn post(operation: Operation) -> PathItem {
    PathItem::new(HttpMethod::Post, operation)
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
    // OpenAPI has no scheme for DPoP. The proof is a header that clients send beside the token.
    let proof = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("DPoP")));
    ComponentsBuilder::new()
        .security_scheme("login", login)
        .security_scheme("dpop", proof)
        .build()
}
