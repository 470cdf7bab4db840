//! Writes an answer to the socket, true or disturbed.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::answer::Answer;
use super::fault::{Fault, OTHER_ISSUER};
use super::mixed::mixed;
use super::state::Shared;

/// Plays `fault` instead of `answer`.
#[expect(
    clippy::disallowed_methods,
    reason = "the pause is a setting of the mock"
)]
pub(super) async fn play(
    stream: &mut TcpStream,
    shared: &Shared,
    answer: Answer,
    fault: Option<Fault>,
) -> io::Result<()> {
    match fault {
        Some(Fault::Hang) => stream.read(&mut [0; 1]).await.map(drop),
        Some(Fault::Drop) => Ok(()),
        Some(Fault::Slow(pause)) => {
            sleep(pause).await;
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

/// The faults that are whole answers.
fn replace(shared: &Shared, mut answer: Answer, fault: Fault) -> Answer {
    let json = |body: &str| Answer::new(200, JSON, body);
    match fault {
        Fault::Status(status) => trouble(status),
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
        // The others are played on the socket.
        _ => answer,
    }
}

fn trouble(status: u16) -> Answer {
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
                // An instant in unix seconds, not a delay.
                .with("x-rate-limit-reset", (now.as_secs() + 2).to_string())
        }
        503 => answer.with("retry-after", "2"),
        _ => answer,
    }
}

/// A JSON object, changed; an answer that is none stays as it is.
fn edit(mut answer: Answer, change: impl FnOnce(&mut Value)) -> Answer {
    if let Ok(mut body @ Value::Object(_)) = serde_json::from_slice::<Value>(&answer.body) {
        change(&mut body);
        answer.body = body.to_string().into_bytes();
    }
    answer
}

/// A JSON object with one more member at its end, also one that it has; an answer that is none
/// stays as it is.
fn append(mut answer: Answer, member: &str) -> Answer {
    if let Some(open) = opened(&answer.body) {
        answer.body = [open.as_slice(), member.as_bytes(), b"}"].concat();
    }
    answer
}

/// A JSON object with members, up to where the next one would begin.
fn opened(body: &[u8]) -> Option<Vec<u8>> {
    let mut open = body.strip_suffix(b"}")?.to_vec();
    if open != b"{" {
        open.push(b',');
    }
    Some(open)
}

/// Judged when the fault was asked for.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

async fn send(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    // RFC 9110 §8.6: in a 304 the length would be that of the body it does not repeat.
    let length = (answer.status != 304).then_some(answer.body.len());
    stream.write_all(&answer.head(length)).await?;
    stream.write_all(&answer.body).await?;
    stream.shutdown().await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pause is a setting of the mock"
)]
async fn drip(stream: &mut TcpStream, answer: &Answer, pause: Duration) -> io::Result<()> {
    // Else the system may hold small writes back.
    stream.set_nodelay(true)?;
    stream
        .write_all(&answer.head(Some(answer.body.len())))
        .await?;
    for byte in &answer.body {
        sleep(pause).await;
        stream.write_all(&[*byte]).await?;
    }
    stream.shutdown().await
}

async fn huge(stream: &mut TcpStream, answer: &Answer, mebibytes: usize) -> io::Result<()> {
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
