//! The services, as a real server would contain them.

use okta_verifier::{Policy, Rejection, SubjectKind, VerifiedToken, Verifier, adapter::Anonymous};
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use tonic::{
    Code, Request, Response, Status, async_trait,
    metadata::MetadataMap,
    service::{LayerExt, Routes},
};
use tower::ServiceBuilder;

use crate::proto::{Empty, Identity, Text, admin_server, health_server, orders_server};

/// Returns three services: `Orders` behind `verifier`, `Admin` also behind a policy, and `Health`
/// without authentication.
///
/// The layers reject in gRPC form, which is an HTTP 200. A server that responds to a forward-auth proxy
/// must omit `.grpc()`.
pub(crate) fn routes(verifier: Verifier) -> Routes {
    let verify = VerifyLayer::new(verifier).grpc();
    let require_admin = ServiceBuilder::new()
        .layer(verify.clone())
        .layer(RequireLayer::new(Policy::group("Admins")).grpc());
    Routes::new(health_server::HealthServer::new(Health))
        .add_service(verify.named_layer(orders_server::OrdersServer::new(Orders)))
        .add_service(require_admin.named_layer(admin_server::AdminServer::new(Admin)))
}

struct Health;

#[async_trait]
impl health_server::Health for Health {
    async fn check(&self, _: Request<Empty>) -> Result<Response<Text>, Status> {
        Ok(text("ok".to_owned()))
    }
}

struct Orders;

#[async_trait]
impl orders_server::Orders for Orders {
    async fn me(&self, request: Request<Empty>) -> Result<Response<Identity>, Status> {
        let token = require(Policy::any_token(), &request)?;
        Ok(Response::new(Identity {
            subject: token.subject().to_owned(),
            client_id: token.client_id().map(str::to_owned),
            scopes: token.scopes().map(str::to_owned).collect(),
            groups: token.groups().map(str::to_owned).collect(),
            is_user: token.subject_kind() == SubjectKind::User,
        }))
    }

    async fn list(&self, request: Request<Empty>) -> Result<Response<Text>, Status> {
        let token = require(Policy::scope("orders:read"), &request)?;
        Ok(text(format!("the orders of {}", token.subject())))
    }
}

struct Admin;

#[async_trait]
impl admin_server::Admin for Admin {
    async fn greet(&self, request: Request<Empty>) -> Result<Response<Text>, Status> {
        let token = require(Policy::any_token(), &request)?;
        Ok(text(format!("hello, administrator {}", token.subject())))
    }
}

/// Enforces `policy` for one method, as `RequireLayer` does for a whole service, and returns the token.
fn require<T>(policy: Policy, request: &Request<T>) -> Result<&VerifiedToken, Status> {
    let extensions = request.extensions();
    let token = extensions.get::<VerifiedToken>();
    policy
        .admit(token, extensions.get::<Anonymous>())
        .map_err(|rejection| status(&rejection))
}

/// Returns the gRPC code and the challenge of a rejection, as the layers send them, but no internal
/// details.
fn status(rejection: &Rejection) -> Status {
    let code = Code::from_i32(rejection.grpc_status().into());
    let metadata = MetadataMap::from_headers(rejection.headers().collect());
    Status::with_metadata(code, "", metadata)
}

fn text(text: String) -> Response<Text> {
    Response::new(Text { text })
}

#[cfg(test)]
mod tests;
