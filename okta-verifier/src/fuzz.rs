//! Entry points of the fuzz targets. No input may cause a panic, and accepted input must have the
//! properties that are asserted here. The module exists under `--cfg fuzzing` and in tests only.

use std::{
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use base64::Engine;
use url::Url;

use crate::{
    caller::CallerKey,
    crypto::Algorithms,
    dpop::{
        Expected as ExpectedProof, External, Holder, Htu, Place, ProofKeys, Window, target_path,
        verify_proof,
    },
    http::{Challenges, Credentials, Remedy, RequestCredentials, Scheme, is_b64token},
    introspection::{IntrospectionReason, IntrospectionResponse},
    keys::{KeyOptions, KeySet, Metadata},
    net::{PlainHttp, fresh_for},
    revocation::{check_hook_body, check_subjects},
    stats::IssuerCounters,
    sync::clock::Now,
    token::{
        BASE64URL,
        checks::{Clients, Expected},
        claims::Claims,
        jws::Jws,
        profile::Profile,
    },
    verified_token::Origin,
};
#[cfg(feature = "mcp")]
use crate::{
    http::{HeaderMap, HeaderValue},
    mcp::{McpCalls, is_normal},
};

/// The largest token size that the setting allows, in bytes.
const LARGEST_TOKEN: usize = 64 * 1024;

/// Checks that an accepted token has only one encoding.
pub fn jws(data: &[u8]) {
    let Ok(jws) = Jws::parse(data, LARGEST_TOKEN) else {
        return;
    };
    let (header, payload) = data.split_at(data.iter().take_while(|byte| **byte != b'.').count());
    assert!(BASE64URL.decode(header).is_ok());
    let part = BASE64URL.encode(&jws.payload);
    let signed = [header, b".", part.as_bytes()].concat();
    assert_eq!(jws.signed, signed);
    assert!(payload.len() > part.len());
}

/// Checks that accepted claims are JSON and identify their subject.
pub fn claims(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(claims) = Claims::parse(text) else {
        return;
    };
    assert!(serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.is_object()));
    assert!(!claims.iss.is_empty());
    assert!(claims.sub.is_none_or(|sub| !sub.is_empty()));
    assert!(claims.aud.is_none_or(|aud| !aud.is_empty()));
}

/// Checks that the subjects of the events of a security event token name something, and not too much.
pub fn event(data: &[u8]) {
    if let Ok(payload) = std::str::from_utf8(data) {
        check_subjects(payload);
    }
}

/// Checks that a delivery of an event hook names only what is in it.
pub fn hook(data: &[u8]) {
    check_hook_body(data);
}

/// Checks that an accepted key set has 1 to 100 keys, each with a `kid`.
pub fn jwks(data: &[u8]) {
    let Ok(set) = KeySet::parse(data, KeyOptions::default()) else {
        return;
    };
    assert!((1..=100).contains(&set.keys().len()));
    assert!(
        set.keys()
            .iter()
            .all(|key| key.kid.as_deref().is_some_and(|kid| !kid.is_empty()))
    );
}

/// Checks that an accepted `jwks_uri` has the origin of the issuer.
pub fn metadata(data: &[u8]) {
    let Ok(url) = Url::parse(ISSUER) else { return };
    let metadata = Metadata {
        issuer: ISSUER.into(),
        url,
        document: None,
        origins: Vec::new(),
        plain_http: PlainHttp::default(),
    };
    let Ok(jwks_uri) = metadata.jwks_uri(data) else {
        return;
    };
    let fetched = Url::parse(&jwks_uri).map(|url| url.origin());
    assert_eq!(fetched, Ok(metadata.url.origin()));
}

/// Checks that a lifetime is limited, and that it is zero with `no-store`. The last line of the input is
/// the value of `Age`.
pub fn cache_control(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (lines, age) = text.rsplit_once('\n').unwrap_or((text, ""));
    let lifetime = fresh_for(lines.lines(), std::iter::once(age));
    assert!(lifetime <= Duration::from_secs(1 << 31));
    let forbidden = lines.lines().chain(std::iter::once("no-store"));
    assert_eq!(fresh_for(forbidden, std::iter::empty()), Duration::ZERO);
}

/// Checks that only an introspection response with `"active": true` becomes a token, and that the token
/// names this issuer.
pub fn introspection(data: &[u8]) {
    let Ok(challenges) = Challenges::new("api") else {
        return;
    };
    let origin = Arc::new(Origin {
        expected: Expected {
            issuer: ISSUER.into(),
            aliases: Vec::new(),
            tenants: None,
            audiences: vec!["api://default".to_owned()],
            lightweight_tokens: false,
            require_dpop: false,
            introspects_every_token: false,
            profile: Profile::Okta,
            clients: Clients::Any,
            leeway: 60,
            algorithms: Algorithms::ALL,
            allow_missing_key_id: false,
        },
        groups_claim: Arc::new(["groups".into()]),
        challenges: Arc::new(challenges),
        caller_key: CallerKey::of_process().expect("random bytes"),
        counters: Arc::new(IssuerCounters::new(ISSUER)),
        revocations: None,
    });
    let now = Now {
        unix: NOW,
        ..Now::read()
    };
    let (asked_as, max_age) = (IntrospectionReason::Opaque, Duration::from_secs(60));
    let Ok(checked) = IntrospectionResponse::parse(data, &origin, asked_as, max_age, now, now)
    else {
        return;
    };
    assert!(checked.valid_for <= Duration::from_secs(60));
    if let Ok(token) = checked.result {
        let answer: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
        assert_eq!(answer["active"], true);
        assert_eq!(token.issuer(), ISSUER);
    }
}

/// Checks that accepted credentials are one token of limited size. The input has the `Authorization` field
/// lines, and a query after the first NUL.
pub fn authorization(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n');
    let query = parts
        .next()
        .and_then(|query| std::str::from_utf8(query).ok());
    let credentials = RequestCredentials::new(lines).query(query);
    for dpop in [false, true] {
        let Ok(Credentials::Token(_, token)) = credentials.read(dpop, LARGEST_TOKEN) else {
            continue;
        };
        assert!(!token.is_empty() && token.len() <= LARGEST_TOKEN);
        assert!(!text.contains(&b'\n'), "one line");
        assert!(!is_b64token(token) || !token.contains(&b' '));
    }
}

/// Returns every challenge for a realm, together with the realm. In the input, a list of scopes follows the
/// realm and a NUL.
pub fn challenge(data: &[u8]) -> Vec<(String, String)> {
    let Ok(text) = std::str::from_utf8(data) else {
        return Vec::new();
    };
    let (realm, scope) = text.split_once('\0').unwrap_or((text, "orders:read"));
    let Ok(challenges) = Challenges::new(realm).and_then(Challenges::with_dpop) else {
        return Vec::new();
    };
    let remedy = Remedy {
        scopes: vec!["orders:read", "!#[]~"],
        acr_values: Some(vec!["phrh", "urn:okta:loa:2fa:any"]),
        max_age: Some(300),
        lacks_scope: true,
        lacks_authentication: true,
        lacks_binding: true,
    };
    let mut values = vec![
        challenges.bare.clone(),
        challenges.invalid_request.clone(),
        challenges.invalid_token.clone(),
    ];
    if let Some(dpop) = &challenges.dpop {
        values.extend([&dpop.bare, &dpop.invalid_proof, &dpop.use_nonce].map(Clone::clone));
    }
    for scheme in [Scheme::Bearer, Scheme::Dpop] {
        values.extend(challenges.insufficient_scope(scheme, scope));
        values.extend(challenges.insufficient_authentication(scheme, &remedy));
    }
    let texts = values
        .iter()
        .map(|value| value.to_str().unwrap_or_default());
    texts
        .map(|text| (text.to_owned(), realm.to_owned()))
        .collect()
}

/// Verifies a proof for the request in RFC 9449 §7.1, figures 12 and 13.
pub fn proof(data: &[u8]) {
    let (Ok(external), Ok(jkt)) = (
        External::base("https://resource.example.org"),
        BASE64URL.decode("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
    ) else {
        return;
    };
    let (Ok(jkt), Some(keys)) = (jkt.try_into(), &*KEYS) else {
        return;
    };
    let expected = ExpectedProof {
        method: "GET",
        place: Place {
            target: "/protectedresource",
            ..Place::default()
        },
        external: &external,
        token: b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
        holder: Holder {
            jkt: &jkt,
            token_hash: &OnceLock::new(),
        },
        window: Window {
            past: 60,
            future: 30,
        },
        nonces: None,
        keys,
    };
    if let Ok(used) = verify_proof(data, &expected, 1_562_262_618) {
        assert_eq!(
            used.until,
            1_562_262_618 + 60,
            "only the client has the key"
        );
    }
}

/// Checks that normalizing a URI or a path twice gives the same result as normalizing it once.
pub fn htu(data: &[u8]) {
    let Ok(uri) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(htu) = Htu::parse(uri) {
        let normal = format!("{}{}", htu.origin, htu.path);
        assert_eq!(Htu::parse(&normal).as_ref(), Some(&htu), "{normal}");
        assert_eq!(target_path(&normal).as_ref(), Some(&htu.path), "{normal}");
    }
    if let Some(path) = target_path(uri) {
        assert!(path.starts_with('/'), "{path}");
        assert_eq!(target_path(&path).as_ref(), Some(&path));
    }
}

/// Checks that the calls of an accepted body are those that serde_json reads, which takes the last of two equal
/// members. The body follows the values of `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name`, each in a line; an empty
/// line stands for a missing field.
#[cfg(feature = "mcp")]
pub fn mcp_body(data: &[u8]) {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in ["mcp-protocol-version", "mcp-method", "mcp-name"] {
        match lines.next().map(HeaderValue::from_bytes) {
            Some(Ok(value)) if !value.is_empty() => drop(headers.insert(name, value)),
            _ => {}
        }
    }
    let body = lines.next().unwrap_or_default();
    let Ok(calls) = McpCalls::read(&headers, body, None) else {
        return;
    };
    // serde_json reads neither numbers beyond f64 nor 128 levels.
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return;
    };
    let messages = match &value {
        serde_json::Value::Array(messages) => &messages[..],
        message => std::slice::from_ref(message),
    };
    let named = |message: &serde_json::Value| {
        let member = match message["method"].as_str()? {
            "tools/call" | "prompts/get" => "name",
            "resources/read" | "resources/subscribe" | "skills/get" => "uri",
            _ => return None,
        };
        Some(message["params"][member].as_str()?.to_owned())
    };
    let expected: Vec<String> = messages.iter().filter_map(named).collect();
    let others = ["subscriptions/", "completion/", "resources/directory/"];
    let listed = messages.iter().all(|message| {
        let method = message["method"].as_str().unwrap_or_default();
        !others.iter().any(|other| method.starts_with(other))
    });
    if listed {
        assert_eq!(calls.targets().collect::<Vec<_>>(), expected);
    }
}

/// Checks that a URI in normal form has no other form: neither for the URL standard nor once it is decoded.
#[cfg(feature = "mcp")]
pub fn resource_uri(data: &[u8]) {
    let Ok(uri) = std::str::from_utf8(data) else {
        return;
    };
    if !is_normal(uri) {
        return;
    }
    let url = Url::parse(uri).expect("a URL");
    assert_eq!(url.as_str(), uri);
    let (path, is_rooted) = (url.path(), url.path().starts_with('/'));
    let segments: Vec<&str> = path[usize::from(is_rooted)..].split('/').collect();
    for (number, segment) in segments.iter().enumerate() {
        assert!(!segment.is_empty() || number + 1 == segments.len(), "{uri}");
        let decoded = decode(segment.as_bytes());
        assert!(decoded != b"." && decoded != b"..", "{uri}");
        let is_structure =
            |byte: &u8| byte.is_ascii_control() || matches!(*byte, b'/' | b'\\' | b'%');
        assert!(!decoded.iter().any(is_structure), "{uri}");
    }
}

#[cfg(feature = "mcp")]
fn decode(text: &[u8]) -> Vec<u8> {
    match text {
        [] => Vec::new(),
        [b'%', high, low, rest @ ..] => {
            let digits = [*high, *low].map(char::from).iter().collect::<String>();
            let byte = u8::from_str_radix(&digits, 16).expect("two digits");
            [vec![byte], decode(rest)].concat()
        }
        [byte, rest @ ..] => [vec![*byte], decode(rest)].concat(),
    }
}

/// The cache of prepared keys. It is kept between inputs, as it is between proofs in a service.
static KEYS: LazyLock<Option<ProofKeys>> = LazyLock::new(|| ProofKeys::new().ok());

const ISSUER: &str = "https://okta.test/oauth2/default";
const NOW: u64 = 1_700_000_000;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    type Target = fn(&[u8]);

    const TARGETS: &[(&str, Target)] = &[
        ("authorization", super::authorization),
        ("jws", super::jws),
        ("claims", super::claims),
        ("event", super::event),
        ("hook", super::hook),
        ("jwks", super::jwks),
        ("metadata", super::metadata),
        ("cache_control", super::cache_control),
        ("introspection", super::introspection),
        ("proof", super::proof),
        ("challenge", parsed_challenge),
        ("htu", super::htu),
        #[cfg(feature = "mcp")]
        ("mcp_body", super::mcp_body),
        #[cfg(feature = "mcp")]
        ("resource_uri", super::resource_uri),
    ];

    /// As in `fuzz/fuzz_targets/challenge.rs`.
    fn parsed_challenge(data: &[u8]) {
        for (value, realm) in super::challenge(data) {
            let challenges = http_auth::parse_challenges(&value).unwrap();
            assert_eq!(challenges.len(), 1, "{value}");
            let (name, said) = &challenges[0].params[0];
            assert_eq!((*name, said.to_unescaped()), ("realm", realm), "{value}");
        }
    }

    /// The seeds of the fuzz targets, each whole and cut short.
    #[test]
    fn fuzz_seeds_pass() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
        for (name, target) in TARGETS {
            let mut count = 0;
            for seed in fs::read_dir(seeds.join(name)).unwrap() {
                let data = fs::read(seed.unwrap().path()).unwrap();
                (0..=data.len()).for_each(|end| target(&data[..end]));
                count += 1;
            }
            assert!(count >= 4, "{name} has {count} seeds");
        }
    }
}
