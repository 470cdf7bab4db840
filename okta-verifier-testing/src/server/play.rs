//! Writes a response to the socket, unchanged or with a fault.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::answer::Answer;
use super::fault::{Fault, OTHER_ISSUER};
use super::request::Stream;
use super::state::Shared;

/// Writes `answer`, changed or replaced by `fault`.
pub(super) async fn play(
    stream: &mut impl Stream,
    shared: &Shared,
    answer: Answer,
    fault: Option<Fault>,
) -> io::Result<()> {
    match fault {
        Some(Fault::Hang) => stream.read(&mut [0; 1]).await.map(drop),
        Some(Fault::Drop) => Ok(()),
        Some(Fault::Slow(pause)) => {
            self::pause(pause).await;
            send(stream, &answer).await
        }
        Some(Fault::Drip(pause)) => drip(stream, &answer, pause).await,
        Some(Fault::Truncate) => {
            stream
                .write_all(&answer.head(Some(answer.body.len())))
                .await?;
            stream
                .write_all(&answer.body[..answer.body.len() / 2])
                .await?;
            stream.shutdown().await
        }
        Some(Fault::Huge(mebibytes)) => huge(stream, &answer, mebibytes).await,
        Some(fault) => send(stream, &replace(shared, answer, fault)).await,
        None => send(stream, &answer).await,
    }
}

/// Waits for `time`.
#[expect(
    clippy::disallowed_methods,
    reason = "the time is a setting of the mock, and not what a test waits for"
)]
pub(super) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Applies the faults that change or replace the response before it is written.
fn replace(shared: &Shared, mut answer: Answer, fault: Fault) -> Answer {
    let json = |body: &str| Answer::new(200, JSON, body);
    match fault {
        Fault::Status(status) => status_response(status),
        Fault::OauthError(status, error) => {
            Answer::oauth_error(status, error, "Rejected by a test.")
        }
        Fault::Html => Answer::new(200, "text/html", "<!doctype html><title>Sign in</title>"),
        Fault::EmptyKeys => json(r#"{"keys":[]}"#),
        Fault::NoKeys => json("{}"),
        Fault::Mixed => json(&mixed(&shared.state().ring.jwks())),
        Fault::Body(bytes) => Answer::new(200, JSON, bytes),
        Fault::Redirect(url) => Answer::new(302, "text/plain", "").with("location", url),
        Fault::ContentType(media_type) => answer.with("content-type", media_type),
        Fault::OtherIssuer => edit(answer, |body| {
            body["issuer"] = json!(OTHER_ISSUER);
        }),
        Fault::JwksUri(url) => edit(answer, |body| body["jwks_uri"] = json!(url)),
        Fault::Member(name, value) => edit(answer, |body| body[name] = parsed(value)),
        Fault::Without(name) => edit(answer, |body| {
            body.as_object_mut().map(|members| members.remove(name));
        }),
        Fault::Twice(name, value) => append(answer, &format!("\"{name}\":{value}")),
        Fault::Half => {
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        // The remaining faults are applied while writing to the socket.
        _ => answer,
    }
}

fn status_response(status: u16) -> Answer {
    let answer = Answer::okta_error(status);
    match status {
        429 => {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            answer
                .with("retry-after", "2")
                .with("x-rate-limit-limit", "600")
                .with("x-rate-limit-remaining", "0")
                // Okta sends a time in Unix seconds here, not a delay.
                .with("x-rate-limit-reset", (now.as_secs() + 2).to_string())
        }
        503 => answer.with("retry-after", "2"),
        _ => answer,
    }
}

/// Returns the keys of `jwks` after nine entries that a verifier must skip (RFC 7517 §5).
fn mixed(jwks: &str) -> String {
    let set: Value = serde_json::from_str(jwks).expect("the key set is JSON");
    let good = set["keys"].as_array().expect("the key set has keys");
    let mut numbered = good[0].clone();
    numbered["kid"] = json!(7);
    // In base64url, `A` is six zero bits and `_` six one bits; `8` and `w` end the 1024 and 2048 bits.
    let zeros = "A".repeat(43);
    let (short, long) = ("_".repeat(170) + "8", "_".repeat(341) + "w");
    let mut keys = vec![
        json!(42),
        json!({ "kty": "FUTURE", "kid": "future", "z": 1 }),
        json!({ "kty": "EC", "crv": "P-999", "kid": "curve", "x": zeros, "y": zeros }),
        json!({ "kty": "EC", "crv": "P-256", "kid": "point", "x": zeros, "y": zeros }),
        numbered,
        json!({ "kty": "RSA", "alg": "RS256", "kid": "short", "n": short, "e": "AQAB" }),
        json!({ "kty": "RSA", "use": "enc", "kid": "encryption", "n": long, "e": "AQAB" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "lattice", "pub": zeros }),
        json!({ "kty": "oct", "alg": "HS256", "kid": "symmetric", "k": zeros }),
    ];
    keys.extend(good.iter().cloned());
    json!({ "keys": keys }).to_string()
}

/// Changes a JSON object. A response that is not a JSON object is returned unchanged.
fn edit(mut answer: Answer, change: impl FnOnce(&mut Value)) -> Answer {
    if let Ok(mut body @ Value::Object(_)) = serde_json::from_slice::<Value>(&answer.body) {
        change(&mut body);
        answer.body = body.to_string().into_bytes();
    }
    answer
}

/// Appends a member to a JSON object, even if the object already has a member of that name. A response
/// that is not an object is returned unchanged.
fn append(mut answer: Answer, member: &str) -> Answer {
    if let Some(open) = opened(&answer.body) {
        answer.body = [open.as_slice(), member.as_bytes(), b"}"].concat();
    }
    answer
}

/// Returns a JSON object without its closing brace, and with a comma after its last member, or `None` if
/// the body does not end with a closing brace.
fn opened(body: &[u8]) -> Option<Vec<u8>> {
    let mut open = body.strip_suffix(b"}")?.to_vec();
    if open != b"{" {
        open.push(b',');
    }
    Some(open)
}

/// Parses JSON that was checked when the fault was injected.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

async fn send(stream: &mut impl Stream, answer: &Answer) -> io::Result<()> {
    // RFC 9110 §8.6: a 204 has no `Content-Length`, and in a 304 it would be the length of the cached body.
    let length = (!matches!(answer.status, 204 | 304)).then_some(answer.body.len());
    stream.write_all(&answer.head(length)).await?;
    stream.write_all(&answer.body).await?;
    stream.shutdown().await
}

async fn drip(stream: &mut impl Stream, answer: &Answer, pause: Duration) -> io::Result<()> {
    stream
        .write_all(&answer.head(Some(answer.body.len())))
        .await?;
    for byte in &answer.body {
        self::pause(pause).await;
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
    }
    stream.shutdown().await
}

async fn huge(stream: &mut impl Stream, answer: &Answer, mebibytes: usize) -> io::Result<()> {
    stream.write_all(&answer.head(None)).await?;
    let open = opened(&answer.body).unwrap_or_else(|| b"{".to_vec());
    stream.write_all(&open).await?;
    stream.write_all(br#""pad":""#).await?;
    let mebibyte = vec![b'A'; 1 << 20];
    for _ in 0..mebibytes {
        stream.write_all(&mebibyte).await?;
    }
    stream.write_all(br#""}"#).await?;
    stream.shutdown().await
}

const JSON: &str = "application/json";
