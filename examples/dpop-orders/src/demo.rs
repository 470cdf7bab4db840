//! No settings: a mock Okta of this process, and requests to paste with their proofs made.

use okta_verifier::Issuer;
use okta_verifier_testing::{CLIENT_ID, Client, MockOkta, ProofBuilder};

const AUDIENCE: &str = "api://orders";

pub(crate) fn issuer(okta: &MockOkta) -> Issuer {
    okta.set_audience(AUDIENCE);
    okta.issuer(AUDIENCE).client_id(CLIENT_ID)
}

/// Lines to paste within five minutes, in this order: a proof is good once.
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

/// What it shows, a method, the scheme, the token, the proof, and the status.
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
            "a token and the proof of its key",
            None,
            "DPoP",
            bound.clone(),
            get.clone(),
            200,
        ),
        (
            "the same line again: a proof is good once",
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
            "the right one",
            Some("POST"),
            "DPoP",
            bound.clone(),
            own(proof("POST", &bound)),
            200,
        ),
        ("the token alone", None, "DPoP", bound.clone(), None, 401),
        (
            "the token alone, as if it were not bound",
            None,
            "Bearer",
            bound.clone(),
            None,
            401,
        ),
        (
            "whoever stole the token has another key",
            None,
            "DPoP",
            bound.clone(),
            of_a_thief,
            401,
        ),
        (
            "a proof of ten minutes ago",
            None,
            "DPoP",
            bound.clone(),
            own(proof("GET", &bound).aged(600)),
            401,
        ),
        (
            "a token that is bound to nothing, as if it were",
            None,
            "DPoP",
            unbound.clone(),
            own(proof("GET", &unbound)),
            401,
        ),
        (
            "and as what it is: bearer tokens are accepted too",
            None,
            "Bearer",
            unbound,
            None,
            200,
        ),
    ]
}
