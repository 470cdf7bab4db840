//! The lower bound: the signature of one token, with key and signature decoded in advance.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kit::{Peer, Router, Settings};
use serde_json::Value;

fn main() {
    kit::run::<Raw>();
}

#[derive(Clone)]
struct Raw {
    key: Arc<ParsedPublicKey>,
    /// The signed text and the signature of the first token.
    signed: Arc<OnceLock<(String, Vec<u8>)>>,
}

impl Peer for Raw {
    type App = Router;

    async fn start(settings: Settings) -> Self {
        let set: Value = serde_json::from_str(&settings.jwks).expect("the text is a JWK set");
        let member = |name: &str| decode(set["keys"][0][name].as_str().unwrap_or_default());
        let (n, e) = (member("n"), member("e"));
        let key = RsaPublicKeyComponents { n: &n, e: &e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
        Self {
            key: Arc::new(key.expect("the set has an RSA key")),
            signed: Arc::default(),
        }
    }

    async fn verify(&self, token: &str) -> bool {
        let (signed, signature) = self.signed.get_or_init(|| {
            let (signed, signature) = token.rsplit_once('.').expect("a JWT");
            (signed.to_owned(), decode(signature))
        });
        self.key.verify_sig(signed.as_bytes(), signature).is_ok()
    }
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
