use actix_web::http::header::HeaderValue as ActixValue;
use axum::http::HeaderValue;
use benches::{
    actix_app::{actix_plain, actix_verified, ask_actix},
    apps::{ask_axum, ask_tower, axum_plain, axum_verified, tower_plain, tower_verified},
    raw::Raw,
    rounds::{Id, Rounds},
    table,
    tokens::ordinary,
    verifiers::Served,
};
use okta_verifier::Algorithm;

/// What layer and extractor add to a request, within the process.
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
        rounds.add(|| ask_axum(&axum, &value)),
        rounds.add(|| ask_axum(&axum_with, &value)),
    );
    let tower = (
        rounds.add(|| assert!(!ask_tower(&tower, &value))),
        rounds.add(|| assert!(ask_tower(&tower_with, &value))),
    );
    let actix = (
        rounds.add(|| ask_actix(&actix, &for_actix)),
        rounds.add(|| ask_actix(&actix_with, &for_actix)),
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
