//! The API, as a real service would contain it.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use okta_verifier::{ConfigError, Issuer, Policy, Requirement, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer};

use crate::{settings::Settings, tenants::Tenants};

/// Returns the routes of the API. They are merged from three routers, because they have different
/// requirements.
pub(crate) fn router(settings: &Settings) -> Result<Router, ConfigError> {
    let tenants = Arc::new(Tenants::new(settings)?);
    let verify = VerifyLayer::new(tenants.verifier());

    // These routes need no introspection, so a revoked token can read until it expires.
    let orders = Router::new()
        .route("/orders", get(orders))
        .route_layer(verify.clone());

    // A revoked token must not pay, so the introspection result may be at most five seconds old.
    let payments = Router::new()
        .route("/payments", post(pay))
        .route_layer(verify.max_introspection_age(Duration::from_secs(5)));

    // Our own staff has a separate verifier. A tenant chooses the names of its groups, so a group in a
    // tenant's token must not give rights over tenants.
    let staff = Issuer::okta(&settings.staff, &settings.audience).any_client_id();
    let staff = Verifier::builder().issuer(staff).build()?;
    let operations = Router::new()
        .route("/tenants/{name}", put(activate).delete(deactivate))
        .route_layer(VerifyLayer::new(staff));

    let router = orders.merge(payments).merge(operations);
    Ok(router.with_state(tenants))
}

struct ReadOrders;

impl Requirement for ReadOrders {
    const POLICY: Policy = Policy::scope("orders:read");
}

struct Pay;

impl Requirement for Pay {
    const POLICY: Policy = Policy::scope("payments:write");
}

struct Operator;

impl Requirement for Operator {
    const POLICY: Policy = Policy::group("Operators");
}

type Shared = State<Arc<Tenants>>;

/// Lists orders. A subject is unique only within its issuer, so the tenant's data is selected by the
/// issuer.
async fn orders(State(tenants): Shared, token: Verified<ReadOrders>) -> String {
    let tenant = tenants.name_of(token.issuer());
    format!("the orders of {} at {tenant}\n", token.subject())
}

async fn pay(State(tenants): Shared, token: Verified<Pay>) -> String {
    let tenant = tenants.name_of(token.issuer());
    format!("{} at {tenant} has paid\n", token.subject())
}

async fn activate(tenants: Shared, name: Path<String>, _: Verified<Operator>) -> Outcome {
    set_active(&tenants, &name, true)
}

async fn deactivate(tenants: Shared, name: Path<String>, _: Verified<Operator>) -> Outcome {
    set_active(&tenants, &name, false)
}

type Outcome = Result<StatusCode, (StatusCode, String)>;

fn set_active(tenants: &Tenants, name: &str, active: bool) -> Outcome {
    match tenants.set_active(name, active) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Ok(StatusCode::NOT_FOUND),
        // The row is invalid, for example because the issuer is not a URL. All other tenants are still
        // served.
        Err(error) => Err((StatusCode::UNPROCESSABLE_ENTITY, error.to_string())),
    }
}

#[cfg(test)]
mod tests;
