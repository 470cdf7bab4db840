//! The API itself: what a service of yours would hold.

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

/// Three routers, because three different things are to be known about a caller.
pub(crate) fn router(settings: &Settings) -> Result<Router, ConfigError> {
    let tenants = Arc::new(Tenants::new(settings)?);
    let verify = VerifyLayer::new(tenants.verifier());

    // A token that its tenant has revoked may read for as long as it lives: nobody is asked.
    let orders = Router::new()
        .route("/orders", get(orders))
        .route_layer(verify.clone());

    // But it may not pay: the issuer's last word on the token is at most five seconds old.
    let payments = Router::new()
        .route("/payments", post(pay))
        .route_layer(verify.checked_within(Duration::from_secs(5)));

    // A verifier of its own. Whoever runs a tenant's issuer names its groups as they like, and so
    // no token of a tenant may decide about tenants.
    let staff = Issuer::okta(&settings.staff, &settings.audience).any_client_id();
    let staff = Verifier::builder().issuer(staff).build()?;
    let operations = Router::new()
        .route("/tenants/{name}", put(let_in).delete(let_out))
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

/// Whose data it is, the issuer says: a subject is unique within its issuer only.
async fn orders(State(tenants): Shared, token: Verified<ReadOrders>) -> String {
    let tenant = tenants.name_of(token.issuer());
    format!("the orders of {} at {tenant}\n", token.subject())
}

async fn pay(State(tenants): Shared, token: Verified<Pay>) -> String {
    let tenant = tenants.name_of(token.issuer());
    format!("{} at {tenant} has paid\n", token.subject())
}

async fn let_in(tenants: Shared, name: Path<String>, _: Verified<Operator>) -> Outcome {
    set_active(&tenants, &name, true)
}

async fn let_out(tenants: Shared, name: Path<String>, _: Verified<Operator>) -> Outcome {
    set_active(&tenants, &name, false)
}

type Outcome = Result<StatusCode, (StatusCode, String)>;

fn set_active(tenants: &Tenants, name: &str, active: bool) -> Outcome {
    match tenants.set_active(name, active) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Ok(StatusCode::NOT_FOUND),
        // The row is wrong, such as an issuer that is no URL; everybody else is served as before.
        Err(error) => Err((StatusCode::UNPROCESSABLE_ENTITY, error.to_string())),
    }
}

#[cfg(test)]
mod tests;
