//! [`assert_openapi`]: the OpenAPI document of an API and its routes require the same tokens.

mod document;
mod operation;

use std::{collections::BTreeSet, fmt::Write};

use okta_verifier::Algorithm;

use self::{
    document::Document,
    operation::{Operation, Security},
};
use crate::{
    MockOkta, TokenBuilder,
    conformance::{Address, Answer, exchange},
};

/// Sends requests for each operation of an OpenAPI 3.0 or 3.1 document to a running API whose issuer is `okta`,
/// and panics with each operation for which the document and the routes disagree about the tokens.
///
/// | the operation declares | without a token | with a token without scopes | with the scopes of an alternative |
/// |---|---|---|---|
/// | `security` with scopes | 401 with a challenge | 403, whose challenge names the scopes of one alternative | neither 401 nor 403 |
/// | `security` with an alternative without scopes | 401 with a challenge | neither | neither |
/// | `security` with `{}` among the alternatives | neither | neither | neither |
/// | no `security`, or `[]` | neither | neither | |
///
/// An operation without `security` has that of the document. Each object of the list is an alternative, and its
/// scopes are those of its schemes of the types `oauth2`, `openIdConnect` and `http` with `bearer`. An
/// alternative with a scheme of another type cannot be tested, and is skipped.
/// [`Policy::scope_alternatives`](okta_verifier::Policy::scope_alternatives) returns the alternatives of a policy.
///
/// `document` is the text of the document in JSON, and `base_url` the URL of its server, such as
/// `http://127.0.0.1:3000`; the `servers` of the document are not used. The API must trust `okta.issuer(..)` for
/// [`CLIENT_ID`](crate::CLIENT_ID), and its audience must be the audience of [`MockOkta::set_audience`]. `tokens`
/// adds to every token what routes require beside scopes, such as a group. It must not add scopes.
///
/// The parameters of a path, and the required ones of the query and the header, get their `example` or a value of
/// their schema. An operation with a body gets `{}`. The status may then be 404 or 422, because only 401, 403 and
/// 5xx count. Every operation is really called, also `DELETE`: do not run this against data that matters.
///
/// # Panics
///
/// Panics if an operation and its route disagree, if the document has no operation or is malformed, or if
/// `base_url` is not an `http` URL with a port.
///
/// ```no_run
/// # async fn start_my_api(_: &str) -> String { String::new() }
/// # async fn get(_: String) -> String { String::new() }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::{MockOkta, assert_openapi};
///
/// let okta = MockOkta::start().await;
/// let base_url = start_my_api(okta.issuer_url()).await; // such as http://127.0.0.1:3000
///
/// let document = get(format!("{base_url}/openapi.json")).await;
/// assert_openapi(&document, &base_url, &okta, |token| token.group("Clerks")).await;
/// # }
/// ```
///
/// The text of a failure:
///
/// ```text
/// the OpenAPI document and the API disagree about 1 of 3 operations
/// - GET /orders/{id} without a token: expected 401 with a challenge, because the document declares security; received 200
/// ```
pub async fn assert_openapi(
    document: &str,
    base_url: &str,
    okta: &MockOkta,
    tokens: impl Fn(TokenBuilder) -> TokenBuilder,
) {
    let operations = Document::parse(document).operations();
    assert!(
        !operations.is_empty(),
        "the OpenAPI document has no operation; write the document of the API"
    );
    let api = Address::parse(base_url);
    let token = || tokens(okta.token("ada").algorithm(Algorithm::ES256));
    let mut disagreeing = 0;
    let mut text = String::new();
    for operation in &operations {
        let problems = check(operation, &api, &token).await;
        disagreeing += usize::from(!problems.is_empty());
        for problem in problems {
            let _ = write!(text, "\n- {} {problem}", operation.name); // a String accepts every text
        }
    }
    assert!(
        text.is_empty(),
        "the OpenAPI document and the API disagree about {disagreeing} of {} operations{text}",
        operations.len()
    );
}

/// Returns what the responses to an operation's requests contradict.
async fn check(
    operation: &Operation,
    api: &Address,
    token: &impl Fn() -> TokenBuilder,
) -> Vec<String> {
    let security = match &operation.security {
        Ok(security) => security,
        Err(problem) => return vec![problem.clone()],
    };
    let mut problems = Vec::new();
    let send = async |jwt: Option<String>| send(operation, api, jwt.as_deref()).await;
    let mut record = |sent: &str, result: Result<(), String>| {
        if let Err(problem) = result {
            problems.push(format!("{sent}: {problem}"));
        }
    };
    let is_open = security.is_open();
    let without_token = send(None).await.and_then(|answer| match is_open {
        true => expect_admitted(&answer, "the document declares no security"),
        false => expect_unauthenticated(&answer),
    });
    record("without a token", without_token);
    let without_scopes = send(Some(token().sign())).await;
    let without_scopes = without_scopes.and_then(|answer| match security.needs_scopes() {
        None => Ok(()),
        Some(true) => expect_lacks_scope(&answer, security),
        Some(false) => expect_admitted(&answer, "the document declares no scope"),
    });
    record("with a token without scopes", without_scopes);
    for scopes in security.alternatives.iter().filter(|it| !it.is_empty()) {
        let token = scopes.iter().fold(token(), TokenBuilder::scope);
        let result = send(Some(token.sign())).await;
        let result = result
            .and_then(|answer| expect_admitted(&answer, "the document declares these scopes"));
        record(&format!("with the scopes {scopes:?}"), result);
    }
    problems
}

async fn send(operation: &Operation, api: &Address, jwt: Option<&str>) -> Result<Answer, String> {
    let Address { authority, prefix } = api;
    let mut message = format!(
        "{} {prefix}{} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n",
        operation.method, operation.target
    );
    for (name, value) in &operation.headers {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(jwt) = jwt {
        message.push_str(&format!("Authorization: Bearer {jwt}\r\n"));
    }
    message.push_str(match operation.has_body {
        true => "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        false => "\r\n",
    });
    let answer = exchange(authority.as_str(), message.as_bytes()).await;
    let answer = answer.map_err(|error| format!("the API did not respond: {error}"))?;
    match answer.status() {
        500.. => Err(format!("the API responded with {}", answer.status())),
        _ => Ok(answer),
    }
}

fn expect_admitted(answer: &Answer, because: &str) -> Result<(), String> {
    match answer.status() {
        status @ (401 | 403) => Err(format!(
            "expected neither 401 nor 403, because {because}; received {status}"
        )),
        _ => Ok(()),
    }
}

fn expect_unauthenticated(answer: &Answer) -> Result<(), String> {
    let has_challenge = answer.field("www-authenticate").next().is_some();
    match (answer.status(), has_challenge) {
        (401, true) => Ok(()),
        (401, false) => Err("the 401 has no WWW-Authenticate".to_owned()),
        (status, _) => Err(format!(
            "expected 401 with a challenge, because the document declares security; received {status}"
        )),
    }
}

fn expect_lacks_scope(answer: &Answer, security: &Security) -> Result<(), String> {
    if answer.status() != 403 {
        return Err(format!(
            "expected 403, because the document declares scopes; received {}",
            answer.status()
        ));
    }
    let challenges = answer.field("www-authenticate");
    let named = challenges.filter_map(scopes_of).next().unwrap_or_default();
    let is_named =
        |scopes: &Vec<String>| scopes.iter().collect::<BTreeSet<_>>() == named.iter().collect();
    match security.alternatives.iter().any(is_named) {
        true => Ok(()),
        false => Err(format!(
            "expected a challenge with the scopes of one of {:?}; received one with {named:?}",
            security.alternatives
        )),
    }
}

/// Returns the scopes in the value of `WWW-Authenticate` (RFC 6750 §3), or `None` if it has none.
fn scopes_of(challenge: &[u8]) -> Option<Vec<String>> {
    let challenge = std::str::from_utf8(challenge).ok()?;
    let (_, rest) = challenge.split_once(" scope=\"")?;
    let (scopes, _) = rest.split_once('"')?;
    Some(scopes.split(' ').map(str::to_owned).collect())
}
