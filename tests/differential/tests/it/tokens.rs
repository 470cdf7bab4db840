//! Mutated tokens. Most are signed after the mutation, with the right key, because a wrong signature
//! hides every other difference.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::{Algorithm, Issuer};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use serde_json::{Value, json};

use crate::{edits, random::Random};

pub(crate) const AUDIENCE: &str = "api://default";

pub(crate) struct Mint {
    okta: TestIssuer,
    kids: Vec<String>,
}

impl Mint {
    pub(crate) fn new() -> Self {
        let okta = TestIssuer::new(AUDIENCE).algorithms(ALGORITHMS);
        let jwks: Value = serde_json::from_str(&okta.jwks()).unwrap();
        let keys = jwks["keys"].as_array().unwrap().iter();
        let kids = keys.map(|key| key["kid"].as_str().unwrap().to_owned());
        Self {
            kids: kids.collect(),
            okta,
        }
    }

    pub(crate) fn issuer(&self) -> (&str, String, Issuer) {
        let issuer = self.okta.issuer().any_client_id();
        (self.okta.issuer_url(), self.okta.jwks(), issuer)
    }

    pub(crate) fn token(&self, random: &mut Random) -> String {
        let good = self.good(random);
        match random.below(20) {
            0 => good.sign(),
            1..=3 => edits::some(random, &good.sign(), &edits::OF_A_TOKEN),
            4 => self.spliced(random, good),
            5..=8 => claims(random, good).sign(),
            9..=11 => self.header(random, good).sign(),
            12..=13 => self.rewritten(random, good),
            14..=15 => doubled(random, good),
            16 => {
                let algorithm = random.one(&NAMES);
                let signer = *random.one(&ALGORITHMS);
                let kid = random.one(&self.kids);
                let confused = good.algorithm(signer).header("alg", algorithm);
                confused.key_id(kid).sign()
            }
            _ => wrong(random, good).sign(),
        }
    }

    fn good(&self, random: &mut Random) -> TokenBuilder {
        // RSA takes ten times as long to sign.
        let algorithm = match random.below(16) {
            0 => *random.one(&ALGORITHMS),
            number => [Algorithm::ES256, Algorithm::EdDSA][number % 2],
        };
        let token = self.okta.token("ada").algorithm(algorithm);
        token.scope("orders:read").group("Everyone")
    }

    /// Combines the parts of two tokens.
    fn spliced(&self, random: &mut Random, good: TokenBuilder) -> String {
        let other = self.good(random);
        let tokens = [good.sign(), claims(random, other).sign()];
        let part = |random: &mut Random, index| {
            let token = random.one(&tokens);
            token.split('.').nth(index).unwrap_or_default().to_owned()
        };
        let count = if random.below(8) == 0 {
            2 + random.below(4)
        } else {
            3
        };
        let parts: Vec<_> = (0..count).map(|index| part(random, index)).collect();
        parts.join(".")
    }

    fn header(&self, random: &mut Random, mut token: TokenBuilder) -> TokenBuilder {
        for _ in 0..=random.below(2) {
            let name = *random.one(&HEADER);
            token = match random.below(6) {
                0 => token.without_header(name),
                1 if name == "alg" => token.header(name, random.one(&NAMES)),
                1 if name == "kid" => token.header(name, random.one(&self.kids)),
                1 if name == "typ" => token.header(name, random.one(&TYPES)),
                _ => token.header(name, value(random)),
            };
        }
        token
    }

    /// Edits the JSON text itself.
    fn rewritten(&self, random: &mut Random, good: TokenBuilder) -> String {
        let [header, payload] = texts(&good);
        match random.below(3) {
            0 => good.raw_header(edits::some(random, &header, &edits::OF_JSON)),
            _ => good.raw_payload(edits::some(random, &payload, &edits::OF_JSON)),
        }
        .sign()
    }
}

fn texts(token: &TokenBuilder) -> [String; 2] {
    let jwt = token.clone().sign();
    let mut parts = jwt.split('.');
    [(); 2].map(|()| {
        let part = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        String::from_utf8(part).unwrap()
    })
}

fn doubled(random: &mut Random, good: TokenBuilder) -> String {
    let [header, payload] = texts(&good);
    let value = value(random).to_string();
    match random.below(2) {
        0 => {
            let name = random.one(&HEADER);
            good.raw_header(edits::doubled(random, &header, name, &value))
        }
        _ => {
            let name = random.one(&CLAIMS);
            good.raw_payload(edits::doubled(random, &payload, name, &value))
        }
    }
    .sign()
}

fn claims(random: &mut Random, mut token: TokenBuilder) -> TokenBuilder {
    for _ in 0..=random.below(2) {
        let name = *random.one(&CLAIMS);
        token = match random.below(4) {
            0 => token.without(name),
            1 if DATES.contains(&name) => token.claim(name, date(random)),
            1 if name == "aud" => token.claim(name, [json!(AUDIENCE), value(random)]),
            1 if name == "iss" => token.claim(name, ["https://okta.test/oauth2/default"]),
            _ => token.claim(name, value(random)),
        };
    }
    token
}

/// Returns a time that is not near any limit, because the two verifiers read the clock one after the
/// other.
fn date(random: &mut Random) -> Value {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let far = *random.one(&[20, 90, 3_600, 1_000_000_000]);
    let date = if random.below(2) == 0 {
        now + far
    } else {
        now - far
    };
    match random.below(4) {
        0 => json!(date as f64 + 0.5),
        1 => json!(date.to_string()),
        _ => json!(date),
    }
}

fn value(random: &mut Random) -> Value {
    let deep = (0..random.below(40)).fold(json!(1), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(9_007_199_254_740_993_u64),
        json!(1e300),
        json!(""),
        json!("x"),
        json!(AUDIENCE),
        json!("api://default/"),
        json!("https://okta.test"),
        json!("https://okta.test/oauth2/default"),
        json!([]),
        json!({}),
        json!(["x"]),
        json!([1]),
        json!({"jkt": "x"}),
        json!("x".repeat(17 * 1024)),
        deep,
    ];
    random.one(&values).clone()
}

fn wrong(random: &mut Random, token: TokenBuilder) -> TokenBuilder {
    match random.below(13) {
        0 => token.foreign_key(),
        1 => token.unpublished_key(),
        2 => token.tampered(),
        3 => token.unsigned(),
        4 => token.hmac_with_public_key(),
        5 => token.expired(),
        6 => token.encrypted(),
        7 => token.id_token(),
        8 => token.bound_to_key(),
        9 => token.edit_signature(|signature| vec![0; signature.len()]),
        10 => token.edit_signature(|signature| [&[0], &signature[..]].concat()),
        11 => token.edit_signature(|mut signature| {
            signature.pop();
            signature
        }),
        _ => token.edit_signature(|_| Vec::new()),
    }
}

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
const NAMES: [&str; 14] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
    "HS256", "none", "None", "es256",
];
const TYPES: [&str; 6] = [
    "JWT",
    "jwt",
    "at+jwt",
    "application/at+jwt",
    "dpop+jwt",
    "x",
];
const HEADER: [&str; 18] = [
    "alg", "kid", "typ", "cty", "crit", "b64", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256",
    "enc", "zip", "nonce", "url", "epk", "own",
];
const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];
const CLAIMS: [&str; 19] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "auth_time",
    "jti",
    "cid",
    "client_id",
    "uid",
    "scp",
    "scope",
    "acr",
    "cnf",
    "events",
    "nonce",
    "at_hash",
    "own",
];
