//! The demo without settings: a mock Okta in this process, and requests with proofs to paste.

use okta_verifier::Issuer;
use okta_verifier_testing::{CLIENT_ID, Client, MockOkta, ProofBuilder};

const AUDIENCE: &str = "api://orders";

pub(crate) fn issuer(okta: &MockOkta) -> Issuer {
    okta.set_audience(AUDIENCE);
    okta.issuer(AUDIENCE).client_id(CLIENT_ID)
}

/// Returns the lines to paste. Paste them within five minutes and in this order, because a proof is
/// accepted once.
pub(crate) fn guide(okta: &MockOkta, base_url: &str) -> String {
    let tries = tries(okta, base_url);
    let tries = tries.map(|(what, method, scheme, jwt, proof, expect)| {
        let method = method.map_or(String::new(), |method| format!("-X {method} "));
        let proof = proof.map_or(String::new(), |proof| format!("-H 'DPoP: {proof}' "));
        format!(
            "# {what}\n# expect {expect}\n\
             curl -i {method}-H 'Authorization: {scheme} {jwt}' {proof}{base_url}/orders\n\n"
        )
    });
    format!(
        "A mock Okta issues tokens at {}, bound to the key of a client.\n\
         Paste the lines into another terminal, from top to bottom and within five minutes; the\n\
         number above each is the status it gets.\n\n{}",
        okta.issuer_url(),
        tries.concat()
    )
}

/// A request to print: a description, the method, scheme, token and proof, and the expected status.
type Try = (
    &'static str,
    Option<&'static str>,
    &'static str,
    String,
    Option<String>,
    u16,
);

fn tries(okta: &MockOkta, base_url: &str) -> [Try; 10] {
    let url = format!("{base_url}/orders");
    let (client, thief) = (Client::new(), Client::new());
    let token = || okta.token("ada").scope("orders:read");
    let (unbound, bound) = (token().sign(), client.bind(token()).sign());
    let proof = |method, jwt: &str| client.proof(method, &url).token(jwt);
    let own = |proof: ProofBuilder| Some(proof.sign());
    let get = own(proof("GET", &bound));
    let of_a_thief = own(thief.proof("GET", &url).token(&bound));
    [
        (
            "a token and a proof with its key",
            None,
            "DPoP",
            bound.clone(),
            get.clone(),
            200,
        ),
        (
            "the same line again: a proof is accepted once",
            None,
            "DPoP",
            bound.clone(),
            get,
            401,
        ),
        (
            "a proof for another method",
            Some("POST"),
            "DPoP",
            bound.clone(),
            own(proof("GET", &bound)),
            401,
        ),
        (
            "a proof for this method",
            Some("POST"),
            "DPoP",
            bound.clone(),
            own(proof("POST", &bound)),
            200,
        ),
        ("the token alone", None, "DPoP", bound.clone(), None, 401),
        (
            "the token alone, sent as an unbound token",
            None,
            "Bearer",
            bound.clone(),
            None,
            401,
        ),
        (
            "a thief has another key",
            None,
            "DPoP",
            bound.clone(),
            of_a_thief,
            401,
        ),
        (
            "a proof that is ten minutes old",
            None,
            "DPoP",
            bound.clone(),
            own(proof("GET", &bound).aged(600)),
            401,
        ),
        (
            "an unbound token, sent as a bound token",
            None,
            "DPoP",
            unbound.clone(),
            own(proof("GET", &unbound)),
            401,
        ),
        (
            "an unbound token, sent as one: bearer tokens are accepted too",
            None,
            "Bearer",
            unbound,
            None,
            200,
        ),
    ]
}
