//! A request to verify a proof for.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::signer::{Signer, encode};
use crate::{
    crypto::sha256,
    dpop::{
        external_url::{External, Place},
        nonce::DpopNonces,
        proof::{AcceptedProof, Expected, Holder, ProofKeys, verify_proof},
        window::Window,
    },
    error::{ProofError, VerifyError},
};

/// A request and the settings that its proof is verified with.
pub(super) struct Case<'a> {
    pub(super) base: &'a str,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) token: &'a str,
    pub(super) jkt: [u8; 32],
    pub(super) now: u64,
    pub(super) nonces: Option<DpopNonces>,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            base: "https://api.example.com",
            method: "GET",
            target: "/orders?page=2",
            token: TOKEN,
            jkt: [0; 32],
            now: NOW,
            nonces: None,
        }
    }
}

impl Case<'_> {
    pub(super) fn of(signer: &Signer) -> Self {
        Self {
            jkt: signer.jkt(),
            ..Self::default()
        }
    }

    pub(super) fn verify_proof(&self, proof: &str) -> Result<AcceptedProof, VerifyError> {
        let external = External::base(self.base).unwrap();
        let keys = ProofKeys::new().unwrap();
        let expected = Expected {
            method: self.method,
            place: Place {
                target: self.target,
                ..Place::default()
            },
            external: &external,
            token: self.token.as_bytes(),
            holder: Holder {
                jkt: &self.jkt,
                token_hash: &OnceLock::new(),
            },
            window: Window {
                past: 60,
                future: 30,
            },
            nonces: self.nonces.as_ref(),
            keys: &keys,
        };
        let result = verify_proof(proof.as_bytes(), &expected, self.now);
        // A cached key and a stored token hash do not change the result.
        let again = verify_proof(proof.as_bytes(), &expected, self.now);
        assert_eq!(format!("{result:?}"), format!("{again:?}"));
        result
    }

    /// Returns the error of a rejected proof.
    pub(super) fn reason(&self, proof: &str) -> ProofError {
        match self.verify_proof(proof) {
            Err(VerifyError::InvalidProof(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) const NOW: u64 = 1_700_000_000;
pub(super) const TOKEN: &str = "header.payload.signature";

/// Returns the claims of a proof for the default case.
pub(super) fn claims() -> Value {
    json!({
        "jti": "e1j3V_bKic8-LAEB",
        "htm": "GET",
        "htu": "https://api.example.com/orders",
        "iat": NOW,
        "ath": encode(sha256(TOKEN.as_bytes())),
    })
}

pub(super) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    object[name] = value.into();
    object
}
