//! DPoP (RFC 9449): the challenges of both schemes, bound tokens and their proofs.

use std::sync::Arc;

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Quality, Security},
    exchange::{Check, Exchange, Secret, Stop, need},
    probe::Probe,
};
use crate::{Client, ProofBuilder};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    let resource = probe.resource;
    let needed = || {
        need(
            resource.offers_dpop,
            "the resource does not accept DPoP proofs",
        )
    };
    let bound = || -> Check<Secret> {
        needed()?;
        let request = probe.bound_request(&resource.scopes);
        probe.token("token that is bound to a key", &request)
    };

    let row = Row::must(
        "DPoP: the 401 has a challenge for each scheme that is accepted",
        "RFC 9449 §7.1",
        Interoperability,
    );
    let check = async {
        needed()?;
        let response = probe.send(probe.base()).await?;
        response.expect_status(401)?;
        let challenges = response.challenges()?;
        let of = |scheme: &str| challenges.iter().find(|it| it.is(scheme));
        let algs = of("DPoP").and_then(|it| it.value("algs"));
        response.expect(algs.is_some(), "a challenge of DPoP with algs")?;
        let has_bearer = of("Bearer").is_some() || resource.requires_dpop;
        response.expect(has_bearer, "a challenge of Bearer too")?;
        let url = resource.metadata_url();
        let metadata = of("DPoP").and_then(|it| it.value("resource_metadata"));
        response.expect(
            metadata == Some(url.as_str()),
            format!("resource_metadata=\"{url}\" in the challenge of DPoP"),
        )
    };
    report.row(row, check).await;

    let row = Row::must(
        "DPoP: algs has asymmetric algorithms only",
        "RFC 9449 §5.1, §7.1",
        Security,
    );
    let check = async {
        needed()?;
        let response = probe.send(probe.base()).await?;
        let challenges = response.challenges()?;
        let challenge = challenges.iter().find(|it| it.is("DPoP"));
        let algs = challenge
            .and_then(|it| it.value("algs"))
            .unwrap_or_default();
        let is_symmetric = |alg: &str| alg.eq_ignore_ascii_case("none") || alg.starts_with("HS");
        let is_right = !algs.is_empty() && !algs.split(' ').any(is_symmetric);
        response.expect(is_right, "algs without none and without HMAC")
    };
    report.row(row, check).await;

    let row = Row::must(
        "DPoP: a bound token with a proof is served",
        "RFC 9449 §7.1",
        Interoperability,
    );
    let check = async {
        let token = bound()?;
        let call = probe.present_bound(probe.base(), &token);
        probe.send(call).await?.expect_served()
    };
    report.row(row, check).await;

    let row = Row::must(
        "DPoP: a bound token as Bearer is rejected",
        "RFC 9449 §7.2",
        Security,
    );
    let check = async {
        let token = bound()?;
        let call = probe.base().secret("Authorization", "Bearer ", &token);
        probe.send(call).await?.expect_status(401)
    };
    report.row(row, check).await;

    let row = Row::must(
        "DPoP: a bound token without a proof is rejected",
        "RFC 9449 §7.1",
        Security,
    );
    let check = async {
        let token = bound()?;
        let call = probe.base().secret("Authorization", "DPoP ", &token);
        probe.send(call).await?.expect_status(401)
    };
    report.row(row, check).await;

    type Edit = Arc<dyn Fn(ProofBuilder) -> ProofBuilder + Send + Sync>;
    let wrong = async |edit: Edit| -> Check<Exchange> {
        let token = bound()?;
        let mut call = probe.present_bound(probe.base(), &token);
        if let Some(proof) = &mut call.proof {
            proof.edit = edit;
        }
        probe.send(call).await
    };
    for (name, edit) in [
        (
            "DPoP: a proof for another URL is rejected",
            Arc::new(|proof: ProofBuilder| proof.htu("https://elsewhere.example/")) as Edit,
        ),
        (
            "DPoP: a proof for another method is rejected",
            Arc::new(|proof: ProofBuilder| proof.htm("PATCH")) as Edit,
        ),
        (
            "DPoP: a proof for another token is rejected",
            Arc::new(|proof: ProofBuilder| proof.token("another.token.text")) as Edit,
        ),
        (
            "DPoP: a proof with a changed signature is rejected",
            Arc::new(|proof: ProofBuilder| proof.tampered()) as Edit,
        ),
        (
            "DPoP: a proof of an hour ago is rejected",
            Arc::new(|proof: ProofBuilder| proof.aged(3600)) as Edit,
        ),
    ] {
        let row = Row::must(name, "RFC 9449 §4.3, §7.1", Security);
        report
            .row(row, async { wrong(edit).await?.expect_status(401) })
            .await;
    }

    let row = Row::must(
        "DPoP: a proof with another key is rejected",
        "RFC 9449 §4.3, §7.1",
        Security,
    );
    let check = async {
        needed()?;
        let mut request = probe.bound_request(&resource.scopes);
        request.key_thumbprint = Some(Client::new().thumbprint());
        let token = probe.token("token that is bound to another key", &request)?;
        let call = probe.present_bound(probe.base(), &token);
        probe.send(call).await?.expect_status(401)
    };
    report.row(row, check).await;

    let row = Row::should(
        "DPoP: a proof is accepted once only",
        "RFC 9449 §11.1",
        Security,
    );
    let check = async {
        let jti = Client::new().thumbprint(); // a new random text
        let once: Edit = Arc::new(move |proof: ProofBuilder| proof.jti(&jti));
        wrong(Arc::clone(&once)).await?.expect_served()?;
        wrong(once).await?.expect_status(401)
    };
    report.row(row, check).await;

    let row = Row::should(
        "DPoP: the challenge of a wrong proof has the error invalid_dpop_proof",
        "RFC 9449 §7.1",
        Quality,
    );
    let check = async {
        let response = wrong(Arc::new(|proof| proof.tampered())).await?;
        let challenge = response.challenge_of_the_error()?;
        let is_right =
            challenge.is("DPoP") && challenge.value("error") == Some("invalid_dpop_proof");
        response.expect(is_right, r#"DPoP error="invalid_dpop_proof""#)
    };
    report.row(row, check).await;

    let row = Row::must(
        "DPoP: a token that is not bound is rejected if every token must be",
        "RFC 9728 §2; RFC 9449 §7.1",
        Security,
    );
    let check = async {
        need(resource.requires_dpop, "tokens need not be bound")?;
        let mut request = probe.request(&resource.scopes);
        request.key_thumbprint = None;
        let token = probe.token("token that is not bound", &request)?;
        let call = probe.base().secret("Authorization", "Bearer ", &token);
        probe.send(call).await?.expect_status(401)?;
        let call = probe.present_bound(probe.base(), &token);
        probe.send(call).await?.expect_status(401)?;
        Ok::<(), Stop>(())
    };
    report.row(row, check).await;
}
