//! Where tokens are read from, and which are rejected.

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Security},
    TokenRequest,
    exchange::{Call, Check, Secret, Stop},
    probe::Probe,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    places(probe, report).await;
    defects(probe, report).await;
}

async fn places(probe: &Probe<'_>, report: &mut ResourceReport) {
    let row = Row::must(
        "token: a valid one is served",
        "RFC 6750 §2.1",
        Interoperability,
    );
    let check = async {
        let token = probe.floor_token()?;
        probe.base_with(&token).await?.expect_served()
    };
    report.row(row, check).await;

    let row = Row::must(
        "token: the case of the scheme does not matter",
        "RFC 9110 §11.1",
        Interoperability,
    );
    let check = async {
        let token = probe.floor_token()?;
        let call = probe.present(probe.base(), &token);
        let scheme = match probe.resource.requires_dpop {
            true => "dpop ",
            false => "bearer ",
        };
        let response = probe
            .send(call.secret("Authorization", scheme, &token))
            .await?;
        response.expect_served()
    };
    report.row(row, check).await;

    let row = Row::must(
        "token: none gets 401 with a challenge",
        "RFC 9110 §15.5.2; RFC 6750 §3",
        Security,
    );
    let check = async { expect_unauthenticated(probe, probe.base()).await };
    report.row(row, check).await;

    let row = Row::must(
        "token: credentials of another scheme get 401 with a challenge",
        "RFC 9110 §15.5.2",
        Security,
    );
    let check = async {
        let call = probe.base().field("Authorization", "Basic YWRhOmFkYQ==");
        expect_unauthenticated(probe, call).await
    };
    report.row(row, check).await;

    let row = Row::must("token: it is not read from the query", "MCP", Security);
    let check = async {
        let token = probe.floor_token()?;
        let mut call = probe.base().hiding(&token);
        let separator = if call.target.contains('?') { '&' } else { '?' };
        call.target = format!("{}{separator}access_token={}", call.target, token.text);
        let response = probe.send(call).await?;
        response.expect_rejected()
    };
    report.row(row, check).await;

    let row = Row::must("token: it is not read from the body", "MCP", Security);
    let check = async {
        let token = probe.floor_token()?;
        let call = Call::new("POST", probe.base().target)
            .field("Content-Type", "application/x-www-form-urlencoded")
            .hiding(&token)
            .body(format!("access_token={}", token.text));
        probe.send(call).await?.expect_rejected()
    };
    report.row(row, check).await;

    let row = Row::must(
        "token: malformed credentials are rejected",
        "RFC 6750 §3.1",
        Security,
    );
    let check = async {
        for value in ["Bearer", "Bearer ", "Bearer a b", "Bearer \"a\""] {
            let response = probe
                .send(probe.base().field("Authorization", value))
                .await?;
            let is_right = matches!(response.status(), 400 | 401);
            response.expect(is_right, "400 or 401")?;
        }
        Ok::<(), Stop>(())
    };
    report.row(row, check).await;
}

async fn expect_unauthenticated(probe: &Probe<'_>, call: Call) -> Check {
    let response = probe.send(call).await?;
    response.expect_status(401)?;
    response.challenge().map(drop)
}

async fn defects(probe: &Probe<'_>, report: &mut ResourceReport) {
    let scopes = &probe.resource.scopes;
    let reject = async |token: Check<Secret>| {
        let response = probe.base_with(&token?).await?;
        response.expect_status(401)
    };
    let of = |label: &str, request: TokenRequest| probe.token(label, &request);
    let request = || probe.request(scopes);

    let row = Row::must(
        "token: one that is not a JWT is rejected",
        "RFC 6750 §3.1",
        Security,
    );
    report.row(row, reject(Ok(not_a_jwt()))).await;

    let row = Row::must("token: an expired one is rejected", "RFC 9068 §4", Security);
    let expired = TokenRequest {
        is_expired: true,
        ..request()
    };
    report.row(row, reject(of("expired token", expired))).await;

    let row = Row::must(
        "token: one with a changed signature is rejected",
        "RFC 9068 §4",
        Security,
    );
    let token = probe
        .floor_token()
        .and_then(|token| changed_signature(&token));
    report.row(row, reject(token)).await;

    let row = Row::must(
        "token: an unsigned one is rejected",
        "RFC 9068 §2.1, §4",
        Security,
    );
    let token = probe.floor_token().and_then(|token| unsigned(&token));
    report.row(row, reject(token)).await;

    let row = Row::must(
        "token: one for another audience is rejected",
        "MCP; RFC 8707 §2; RFC 9068 §4",
        Security,
    );
    let other = TokenRequest {
        audience: format!("{}/other", probe.resource.origin()),
        ..request()
    };
    report
        .row(row, reject(of("token for another audience", other)))
        .await;

    let row = Row::must(
        "token: one for a longer URL of the resource is rejected",
        "MCP; RFC 8707 §2",
        Security,
    );
    let longer = TokenRequest {
        audience: format!("{}/more", probe.resource.expected_audience()),
        ..request()
    };
    report
        .row(row, reject(of("token for a longer URL", longer)))
        .await;

    let row = Row::must(
        "token: an ID-JAG is rejected",
        "RFC 8725 §3.12; MCP enterprise-managed authorization",
        Security,
    );
    let jag = |audience: &str| TokenRequest {
        typ: Some("oauth-id-jag+jwt"),
        audience: audience.to_owned(),
        ..request()
    };
    let check = async {
        let issuer = probe.resource.issuers.first().map_or("", String::as_str);
        reject(of("ID-JAG for the issuer", jag(issuer))).await?;
        let audience = probe.resource.expected_audience();
        reject(of("ID-JAG for the resource", jag(audience))).await
    };
    report.row(row, check).await;
}

/// Returns a token that is not a JWT.
pub(super) fn not_a_jwt() -> Secret {
    Secret::new(
        "token that is not a JWT",
        "bm90LWEtand0.bm90LWEtand0.bm90LWEtand0",
    )
}

/// Changes one character in the middle of the signature.
fn changed_signature(token: &Secret) -> Check<Secret> {
    let (signed, signature) = split(token)?;
    let middle = signature.len() / 2;
    let changed = if signature[middle..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let signature = format!(
        "{}{changed}{}",
        &signature[..middle],
        &signature[middle + 1..]
    );
    Ok(Secret::new(
        "token with a changed signature",
        format!("{signed}.{signature}"),
    ))
}

/// Sets `alg` to `none`, and removes the signature.
fn unsigned(token: &Secret) -> Check<Secret> {
    let (signed, _) = split(token)?;
    let payload = signed.split('.').nth(1).unwrap_or_default();
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    Ok(Secret::new(
        "unsigned token",
        format!("{header}.{payload}."),
    ))
}

/// Splits a JWT before its signature. Skips the row for a token of another form.
fn split(token: &Secret) -> Check<(&str, &str)> {
    let not_a_jwt = || Stop::Skipped("the issuer's tokens are not JWTs".to_owned());
    let is_jwt = token.text.is_ascii() && token.text.split('.').count() == 3;
    let parts = token
        .text
        .rsplit_once('.')
        .filter(|(_, signature)| is_jwt && !signature.is_empty());
    parts.ok_or_else(not_a_jwt)
}
