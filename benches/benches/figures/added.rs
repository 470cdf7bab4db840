//! Layers: what they add to a request.

use actix_web::http::header::HeaderValue as ActixValue;
use axum::http::HeaderValue;
use benches::{
    actix_app::{actix_plain, actix_verified, call_actix},
    apps::{axum_plain, axum_verified, call_axum, call_tower, tower_plain, tower_verified},
    raw::Raw,
    rounds::{Id, Rounds},
    table,
    tokens::ordinary,
    verifiers::Served,
};
use okta_verifier::Algorithm;

/// Measures what layer and extractor add to a request in this process.
pub(crate) fn rows(served: &Served) {
    let jwt = ordinary(&served.okta).sign();
    let raw = Raw::of(&served.okta, Algorithm::RS256, &jwt);
    let line = format!("Bearer {jwt}");
    let value = HeaderValue::from_str(&line).expect("ASCII");
    let for_actix = ActixValue::from_str(&line).expect("ASCII");
    let verifier = || served.verifier(10_000);
    let (axum, axum_with) = (axum_plain(), axum_verified(verifier()));
    let (tower, tower_with) = (tower_plain(), tower_verified(verifier()));
    let (actix, actix_with) = (actix_plain(), actix_verified(verifier()));

    let mut rounds = Rounds::default();
    let signature = rounds.add(|| raw.verify());
    let axum: (Id, Id) = (
        rounds.add(|| call_axum(&axum, &value)),
        rounds.add(|| call_axum(&axum_with, &value)),
    );
    let tower = (
        rounds.add(|| assert!(!call_tower(&tower, &value))),
        rounds.add(|| assert!(call_tower(&tower_with, &value))),
    );
    let actix = (
        rounds.add(|| call_actix(&actix, &for_actix)),
        rounds.add(|| call_actix(&actix_with, &for_actix)),
    );
    let timings = rounds.run();
    for (figure, (plain, verified), must, aim) in [
        (
            "layer and extractor, cached, added to plain axum",
            axum,
            "700 ns",
            "400 ns",
        ),
        ("layer, cached, added to a tower service", tower, "—", "—"),
        (
            "middleware and extractor, cached, added to plain actix-web",
            actix,
            "—",
            "—",
        ),
    ] {
        let measured = format!(
            "{:.0} ns, 1/{:.0} of a raw RS256 (to {:.0} ns)",
            timings.added(verified, plain),
            timings.nanoseconds(signature) / timings.added(verified, plain),
            timings.nanoseconds(plain)
        );
        table::row(figure, &measured, must, aim);
    }
}
