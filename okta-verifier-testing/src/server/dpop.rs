//! DPoP at the token endpoint (RFC 9449 §5, §8). Like Okta, the server requires a nonce in every proof.

use super::answer::Answer;
use super::clients;
use super::request::Request;
use super::seen::Seen;
use super::state::Shared;
use crate::keys::{random_name, signer};
use crate::token::unix_now;

/// The server's current nonce and the `jti` of the used proofs.
#[derive(Debug)]
pub(super) struct Proofs {
    nonce: String,
    used: Seen,
}

impl Default for Proofs {
    fn default() -> Self {
        Self {
            nonce: random_name(),
            used: Seen::default(),
        }
    }
}

/// Checks the request's proof and returns the thumbprint of its key, or `None` if there is no proof.
pub(super) fn binding(shared: &Shared, request: &Request) -> Result<Option<String>, Answer> {
    let mut fields = request.headers.iter();
    let mut proofs = fields
        .by_ref()
        .filter(|(name, _)| name.eq_ignore_ascii_case("dpop"));
    let Some((_, proof)) = proofs.next() else {
        return Ok(None);
    };
    if proofs.next().is_some() {
        return Err(invalid("The DPoP proof JWT header is repeated."));
    }
    shared
        .state()
        .proofs
        .check(shared, request, proof)
        .map(Some)
}

impl Proofs {
    fn check(&mut self, shared: &Shared, request: &Request, proof: &str) -> Result<String, Answer> {
        let (header, claims) = clients::read(proof).ok_or_else(|| invalid("It is not a JWT."))?;
        let (input, signature) = proof.rsplit_once('.').unwrap_or_default();
        let alg = header["alg"].as_str().unwrap_or_default();
        let signature = clients::decode(signature).unwrap_or_default();
        let thumbprint = signer(&header["jwk"], alg, input.as_bytes(), &signature)
            .filter(|_| header["typ"] == "dpop+jwt")
            .ok_or_else(|| invalid("Its header or its signature is invalid."))?;
        if claims["htm"] != *request.method || claims["htu"] != shared.url(request) {
            return Err(invalid("It is for another request."));
        }
        let now = unix_now();
        let current = |iat: u64| (now.saturating_sub(300)..=now + 60).contains(&iat);
        if !claims["iat"].as_u64().is_some_and(current) {
            return Err(invalid(
                "It is older than five minutes, or from the future.",
            ));
        }
        if claims["nonce"] != self.nonce {
            let text = "Authorization server requires nonce in DPoP proof.";
            let challenge = Answer::oauth_error(400, "use_dpop_nonce", text);
            return Err(challenge.with("dpop-nonce", self.nonce.clone()));
        }
        let fresh = claims["jti"].as_str().map(|jti| self.used.insert(jti));
        if fresh != Some(true) {
            return Err(invalid("The DPoP proof has already been used."));
        }
        Ok(thumbprint)
    }
}

fn invalid(text: &str) -> Answer {
    Answer::oauth_error(400, "invalid_dpop_proof", text)
}
