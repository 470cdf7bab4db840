//! Keys, key sets and their fetches. The keys are those of the RFCs.

mod discovery;
mod failure;
mod health;
mod issuer;
mod key;
mod model;
mod outage;
mod refresh;
mod revalidate;
mod runtime;
mod schedule;
mod set;
mod signature;
mod snapshot;
mod source;
mod store;
mod thumbprint;

use serde_json::{Value, json};

/// RFC 7638 §3.1.
fn rsa() -> Value {
    json!({ "kty": "RSA", "kid": "rsa", "n": RSA_MODULUS, "e": "AQAB" })
}

/// RFC 7515 §A.3.
fn p256() -> Value {
    json!({
        "kty": "EC",
        "kid": "p256",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn p384() -> Value {
    json!({
        "kty": "EC",
        "kid": "p384",
        "crv": "P-384",
        "x": "9yNECPo8EUQ_o9UeALUpKJJHdIcaCYQmwljqZBCEeCMK8WkY85zofmQImbIwsugl",
        "y": "U6v5E-JC7OlOeXigFzYOUr1am3tenbDeBjU8-KOFUpw0EJGp61N6sexcXZdma13n",
    })
}

/// RFC 7520 §3.1.
fn p521() -> Value {
    json!({
        "kty": "EC",
        "kid": "p521",
        "crv": "P-521",
        "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
        "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
    })
}

/// RFC 8037 §A.2.
fn ed25519() -> Value {
    json!({
        "kty": "OKP",
        "kid": "ed25519",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    })
}

/// Returns `jwk` with one member set.
fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk[name] = value.into();
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

/// Returns a key set with one key for each of `kids`.
fn set_of(kids: &[&str]) -> Vec<u8> {
    let keys: Vec<Value> = kids
        .iter()
        .map(|kid| with(ed25519(), "kid", *kid))
        .collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

const RSA_MODULUS: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
