//! Proofs that differ from a valid one (RFC 9449 §4.3). Most of them are invalid.

use serde_json::json;

use super::super::case::{Case, accepted, unproved};
use super::Row;
use super::dpop::{DPOP, authorization, proved_with, with_fields};
use crate::ProofBuilder;

type Spoil = fn(ProofBuilder) -> ProofBuilder;

pub(super) fn cases() -> Vec<Case> {
    let refused = REFUSED.into_iter().map(|(name, requirements, spoil)| {
        let case = unproved(name, requirements);
        proved_with(case, |token| token, spoil)
    });
    let accepted = ACCEPTED.into_iter().map(|(name, requirements, spoil)| {
        let case = accepted(name, requirements);
        proved_with(case, |token| token, spoil)
    });
    refused.chain(accepted).chain(lines()).collect()
}

/// Returns cases whose `DPoP` lines are not exactly one proof.
fn lines() -> [Case; 4] {
    let refused = |name, requirements| unproved(name, requirements).by_dpop();
    [
        with_fields(refused("twice", &[153]), |token, proof| {
            let line = (DPOP, proof.into_bytes());
            vec![authorization(DPOP, token), line.clone(), line]
        }),
        with_fields(refused("two in one line", &[153]), |token, proof| {
            let line = format!("{proof}, {proof}");
            vec![authorization(DPOP, token), (DPOP, line.into_bytes())]
        }),
        with_fields(refused("an empty line", &[154]), |token, _| {
            vec![authorization(DPOP, token), (DPOP, Vec::new())]
        }),
        with_fields(refused("the token itself", &[154, 156]), |token, _| {
            vec![authorization(DPOP, token), (DPOP, token.into())]
        }),
    ]
}

const REFUSED: [Row<Spoil>; 46] = [
    ("no typ", &[155, 156], |it| it.without_header("typ")),
    ("typ JWT", &[156], |it| it.typ("JWT")),
    ("typ of an access token", &[156], |it| it.typ("at+jwt")),
    ("typ as a number", &[156], |it| it.header("typ", 1)),
    ("typ twice", &[154], |it| it.twice_in_header("typ")),
    ("no alg", &[155], |it| it.without_header("alg")),
    ("alg none", &[157], ProofBuilder::unsigned),
    ("alg None", &[157], |it| it.unsigned().header("alg", "None")),
    ("a symmetric key", &[157], ProofBuilder::symmetric),
    ("an algorithm of another key", &[157, 158], |it| {
        it.header("alg", "RS256")
    }),
    ("alg twice", &[154], |it| it.twice_in_header("alg")),
    ("crit", &[154], |it| {
        it.header("crit", ["b64"]).header("b64", false)
    }),
    ("no jwk", &[155], |it| it.without_header("jwk")),
    ("jwk as a string", &[155], |it| it.header("jwk", "key")),
    ("jwk twice", &[154], |it| it.twice_in_header("jwk")),
    ("a private key", &[159], ProofBuilder::private_jwk),
    ("a private key's other member", &[159], |it| {
        it.jwk_member("k", "AA")
    }),
    ("a key without y", &[155], |it| it.without_jwk_member("y")),
    ("a key of 31 bytes", &[155], ProofBuilder::short_coordinate),
    ("a key of 1024 bits", &[157], ProofBuilder::weak_rsa),
    ("a key for encryption", &[158], |it| {
        it.jwk_member("use", "enc")
    }),
    (
        "a signature with another key",
        &[158],
        ProofBuilder::foreign_key,
    ),
    ("tampered", &[158], ProofBuilder::tampered),
    ("a short signature", &[158], |it| {
        it.edit_signature(|it| it[1..].to_vec())
    }),
    ("no signature", &[158], |it| {
        it.edit_signature(|_| Vec::new())
    }),
    ("no jti", &[155], |it| it.without("jti")),
    ("jti as a number", &[155], |it| it.claim("jti", 7)),
    ("an empty jti", &[155], |it| it.jti("")),
    ("no htm", &[155, 160], |it| it.without("htm")),
    ("another method", &[160], |it| it.htm("POST")),
    ("the method in lower case", &[160], |it| it.htm("get")),
    ("htm twice", &[154], |it| it.twice("htm")),
    ("no htu", &[155, 161], |it| it.without("htu")),
    ("another path", &[161], |it| {
        it.htu("https://api.example.com/orders")
    }),
    ("another host", &[161, 163], |it| {
        it.htu("https://api.example.org/me")
    }),
    ("another scheme", &[161], |it| {
        it.htu("http://api.example.com/me")
    }),
    ("a trailing slash", &[162], |it| {
        it.htu("https://api.example.com/me/")
    }),
    ("another case of the path", &[162], |it| {
        it.htu("https://api.example.com/Me")
    }),
    ("no iat", &[155, 165], |it| it.without("iat")),
    ("iat as a string", &[165], |it| it.claim("iat", "now")),
    ("301 s old", &[165], |it| it.aged(301)),
    ("62 s in the future", &[165], |it| it.aged(-62)),
    ("no ath", &[155, 166], |it| it.without("ath")),
    ("ath of another token", &[166], |it| it.token("a.b.c")),
    ("over 16 KiB", &[154], |it| it.padded_to(16 * 1024 + 1)),
    ("not an object", &[154], |it| it.raw_payload("[]")),
];

const ACCEPTED: [Row<Spoil>; 7] = [
    ("the default port", &[161], |it| {
        it.htu("https://api.example.com:443/me")
    }),
    ("host and scheme in capitals", &[161], |it| {
        it.htu("HTTPS://API.example.com/me")
    }),
    ("dots in the path", &[161], |it| {
        it.htu("https://api.example.com/a/../me")
    }),
    ("an escaped letter", &[161], |it| {
        it.htu("https://api.example.com/%6De")
    }),
    ("a query", &[161], |it| {
        it.htu("https://api.example.com/me?page=2")
    }),
    ("30 s old", &[165], |it| it.aged(30)),
    ("other members", &[155], |it| {
        it.claim("nonce", "unasked")
            .claim("more", json!({ "of": 1 }))
            .header("kid", "1")
    }),
];
