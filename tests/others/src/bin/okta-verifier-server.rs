//! An API on okta-verifier and axum. `/health` is open, any other path needs a token.
//!
//! With the argument `measure`, it prints the cost of a warm verification, of one with the token cache, and of the bare
//! signature, as one line of JSON.

use std::{env, error::Error, fs, hint::black_box};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use axum::{Router, routing::any};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cpu_time::ProcessTime;
use okta_verifier::{Issuer, Verifier, VerifierBuilder};
use okta_verifier_axum::VerifyLayer;
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        Some("measure") => measure().await,
        _ => serve().await,
    }
}

fn builder() -> Result<VerifierBuilder> {
    let issuer = Issuer::okta(env::var("ISSUER")?, env::var("AUDIENCE")?).any_client_id();
    let authority = fs::read(env::var("SSL_CERT_FILE")?)?;
    Ok(Verifier::builder()
        .issuer(issuer)
        .ca_certificates(authority))
}

async fn serve() -> Result<()> {
    let app = Router::new()
        .fallback(async || "ok")
        .layer(VerifyLayer::new(builder()?.build()?))
        // After the layer, which therefore does not cover it.
        .route("/health", any(async || "ok"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    axum::serve(listener, app).await?;
    Ok(())
}

async fn measure() -> Result<()> {
    let token = env::var("TOKEN")?;
    let uncached = builder()?.token_cache_capacity(0).build()?;
    let cached = builder()?.build()?;
    let (signed, signature) = token.rsplit_once('.').ok_or("the token has no signature")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;
    let key = key()?;
    let mut rounds = Vec::new();
    for round in 0..60 {
        let mut costs = json!({});
        for (name, verifier) in [("verify", &uncached), ("cached", &cached)] {
            let begin = ProcessTime::now();
            for _ in 0..CALLS {
                black_box(verifier.verify(&token).await?);
            }
            costs[name] = nanoseconds(begin);
        }
        let begin = ProcessTime::now();
        for _ in 0..CALLS {
            key.verify_sig(signed.as_bytes(), &signature)?;
        }
        costs["raw"] = nanoseconds(begin);
        if round >= WARM {
            rounds.push(costs);
        }
    }
    println!("{}", json!({ "rounds": rounds }));
    Ok(())
}

fn nanoseconds(begin: ProcessTime) -> Value {
    json!(begin.elapsed().as_nanos() as f64 / f64::from(CALLS))
}

fn key() -> Result<ParsedPublicKey> {
    let jwk: Value = serde_json::from_str(&env::var("JWK")?)?;
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or_default());
    let (n, e) = (member("n")?, member("e")?);
    Ok(
        RsaPublicKeyComponents { n: &n, e: &e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?,
    )
}

const CALLS: u32 = 500;
const WARM: u32 = 10;
