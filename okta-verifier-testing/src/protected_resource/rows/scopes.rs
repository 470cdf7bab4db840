//! Scopes of the resource and of its operations: the 403, and what its challenge names.

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Security},
    exchange::{Call, Check, Exchange, Secret, need},
    probe::Probe,
    settings::Operation,
};
use super::{quoted, union};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    of_the_resource(probe, report).await;
    of_operations(probe, report).await;
}

async fn of_the_resource(probe: &Probe<'_>, report: &mut ResourceReport) {
    let scopes = &probe.resource.scopes;
    let lacking = async || {
        need(!scopes.is_empty(), "the resource requires no scope")?;
        let token = probe.token("token without scopes", &probe.request(&[]))?;
        let response = probe.base_with(&token).await?;
        response.expect_status(403)?;
        Ok::<Exchange, _>(response)
    };

    let row = Row::should(
        "scope: a token without those of the resource gets 403",
        "RFC 6750 §3.1; MCP",
        Security,
    );
    report.row(row, async { lacking().await.map(drop) }).await;

    let row = Row::should(
        "scope: the 403 has the error insufficient_scope",
        "RFC 6750 §3.1; MCP",
        Interoperability,
    );
    let check = async { expect_insufficient(&lacking().await?, scopes) };
    report.row(row, check).await;
}

async fn of_operations(probe: &Probe<'_>, report: &mut ResourceReport) {
    let resource = probe.resource;
    let with_scopes = |operation: &&Operation| !operation.scopes.is_empty();
    let operations: Vec<&Operation> = resource.operations.iter().filter(with_scopes).collect();
    let needed = || {
        let reason = "the resource has no operation with scopes of its own";
        need(!operations.is_empty(), reason)
    };
    let send = async |operation: &Operation, token: &Secret| {
        let call = Call::new(&operation.method, &operation.path);
        probe.send(probe.present(call, token)).await
    };

    let row = Row::must(
        "operation: without a token it gets 401",
        "RFC 6750 §3",
        Security,
    );
    let check = async {
        needed()?;
        for operation in &operations {
            let call = Call::new(&operation.method, &operation.path);
            probe.send(call).await?.expect_status(401)?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::should(
        "operation: without its scopes it gets 403",
        "RFC 6750 §3.1; MCP",
        Security,
    );
    let check = async {
        needed()?;
        let token = probe.floor_token()?;
        for operation in &operations {
            send(operation, &token).await?.expect_status(403)?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::should(
        "operation: the challenge names its scopes and those of the resource",
        "MCP",
        Interoperability,
    );
    let check = async {
        needed()?;
        let token = probe.floor_token()?;
        for operation in &operations {
            let response = send(operation, &token).await?;
            expect_insufficient(&response, &union(&resource.scopes, &operation.scopes))?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "operation: with its scopes it is served",
        "RFC 6750 §3.1",
        Interoperability,
    );
    let check = async {
        needed()?;
        for operation in &operations {
            let scopes = union(&resource.scopes, &operation.scopes);
            let token = probe.token("token with all scopes", &probe.request(&scopes))?;
            send(operation, &token).await?.expect_served()?;
        }
        Ok(())
    };
    report.row(row, check).await;
}

/// Expects a 403 whose challenge has the error `insufficient_scope`, these scopes and the URL of the metadata.
pub(super) fn expect_insufficient(response: &Exchange, scopes: &[String]) -> Check {
    response.expect_status(403)?;
    let challenge = response.challenge_of_the_error()?;
    let is_right = challenge.value("error") == Some("insufficient_scope");
    response.expect(is_right, r#"error="insufficient_scope""#)?;
    let mut expected = scopes.to_vec();
    expected.sort();
    response.expect(challenge.scopes() == expected, quoted(scopes))
}
