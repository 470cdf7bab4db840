//! Each method of client authentication.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};
use serde_json::Value;

use super::*;

const ENDPOINT: &str = "https://issuer.test/v1/introspect";
const PARAMETERS: [(&str, &str); 1] = [("token", "a+b/c==")];

fn form(auth: &ClientAuth) -> Form {
    auth.form(ENDPOINT, &PARAMETERS, 1_000).unwrap()
}

fn pem(der: &[u8]) -> SecretString {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let lines = lines.join("\n");
    secret_scan::secret(&lines);
    format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n").into()
}

fn p256() -> (EcdsaKeyPair, SecretString) {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
    (key, pem(der.as_ref()))
}

// conformance 101, 102
#[test]
fn client_that_is_anonymous_adds_nothing_to_the_form() {
    let form = form(&ClientAuth::Anonymous);
    assert_eq!(form.authorization(), None);
    assert_eq!(form.body(), "token=a%2Bb%2Fc%3D%3D");
}

// conformance 103
#[test]
fn client_secret_basic_form_urlencodes_both_parts() {
    for (id, secret, pair) in [
        ("0oa1", "plain", "0oa1:plain"),
        ("a:b", "c:d", "a%3Ab:c%3Ad"),
        ("100%", "a+b c", "100%25:a%2Bb+c"),
        ("id", "Pässwörd", "id:P%C3%A4ssw%C3%B6rd"),
        ("id", "=&\r\n", "id:%3D%26%0D%0A"),
    ] {
        let auth = ClientAuth::basic(id, &secret.into());
        let form = form(&auth);
        let expected = format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(form.authorization(), Some(&*expected));
        assert_eq!(form.body(), "token=a%2Bb%2Fc%3D%3D");
    }
}

// conformance 101, 102
#[test]
fn client_secret_post_is_in_the_form_only() {
    let auth = ClientAuth::Post {
        client_id: "0oa1".to_owned(),
        secret: "a&b".into(),
    };
    let form = form(&auth);
    assert_eq!(form.authorization(), None);
    assert_eq!(
        form.body(),
        "token=a%2Bb%2Fc%3D%3D&client_id=0oa1&client_secret=a%26b"
    );
}

// conformance 102
#[test]
fn public_client_sends_its_id() {
    let auth = ClientAuth::Public {
        client_id: "0oa1".to_owned(),
    };
    assert_eq!(form(&auth).authorization(), None);
    assert_eq!(form(&auth).body(), "token=a%2Bb%2Fc%3D%3D&client_id=0oa1");
}

/// Returns header and claims, and whether the signature is valid.
fn read(
    form: &Form,
    algorithm: &'static dyn VerificationAlgorithm,
    public: &[u8],
) -> (Value, Value, bool) {
    let assertion = form_urlencoded::parse(form.body().as_bytes())
        .find(|(name, _)| name == "client_assertion")
        .map(|(_, value)| value.into_owned())
        .unwrap();
    secret_scan::secret(&assertion);
    let parts: Vec<_> = assertion.split('.').collect();
    let json = |part: &str| serde_json::from_slice(&BASE64URL.decode(part).unwrap()).unwrap();
    let signed = format!("{}.{}", parts[0], parts[1]);
    let verified = UnparsedPublicKey::new(algorithm, public)
        .verify(signed.as_bytes(), &BASE64URL.decode(parts[2]).unwrap());
    (json(parts[0]), json(parts[1]), verified.is_ok())
}

// conformance 102
#[test]
fn client_assertion_is_short_lived_and_used_once() {
    let (key, pem) = p256();
    let auth = ClientAuth::PrivateKeyJwt {
        client_id: "0oa1".to_owned(),
        kid: Some("2026".to_owned()),
        key: Box::new(private_key(&pem).unwrap()),
    };
    let public = key.public_key().as_ref();
    let first = form(&auth);
    assert_eq!(first.authorization(), None);
    assert!(first.body().contains(
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    ));
    let (header, claims, verified) = read(&first, &ECDSA_P256_SHA256_FIXED, public);
    assert!(verified);
    assert_eq!(
        header,
        json!({ "alg": "ES256", "typ": "JWT", "kid": "2026" })
    );
    assert_eq!(claims["iss"], "0oa1");
    assert_eq!(claims["sub"], "0oa1");
    assert_eq!(claims["aud"], ENDPOINT);
    assert_eq!(claims["iat"], 1_000);
    assert_eq!(claims["exp"], 1_120);
    let (_, again, verified) = read(&form(&auth), &ECDSA_P256_SHA256_FIXED, public);
    assert!(verified);
    assert_ne!(claims["jti"], again["jti"]);
}

#[test]
fn client_assertion_of_an_rsa_key_is_rs256() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let auth = ClientAuth::PrivateKeyJwt {
        client_id: "0oa1".to_owned(),
        kid: None,
        key: Box::new(private_key(&pem(der.as_ref())).unwrap()),
    };
    let public = key.public_key().as_ref().to_vec();
    let (header, _, verified) = read(&form(&auth), &RSA_PKCS1_2048_8192_SHA256, &public);
    assert!(verified);
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT" }));
}

#[test]
fn private_key_of_another_form_is_rejected_and_not_shown() {
    let (_, good) = p256();
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new())
        .unwrap();
    for text in [
        String::new(),
        "secret".to_owned(),
        good.expose_secret().replace("PRIVATE", "EC PRIVATE"),
        good.expose_secret().replace("PRIVATE", "ENCRYPTED PRIVATE"),
        good.expose_secret().replace("-----END", "!-----END"),
        pem(b"no key").expose_secret().to_owned(),
        pem(p384.as_ref()).expose_secret().to_owned(),
    ] {
        let Err(problem) = private_key(&text.clone().into()) else {
            panic!("accepted: {text}");
        };
        assert!(problem.starts_with("the private key is n"), "{problem}");
    }
}

#[test]
fn client_auth_debug_shows_no_secret_and_no_token() {
    let secret = SecretString::from("hunter2hunter2");
    let auth = ClientAuth::basic("0oa1", &secret);
    let post = ClientAuth::Post {
        client_id: "0oa1".to_owned(),
        secret,
    };
    let shown = format!("{auth:?} {post:?} {:?} {:?}", form(&auth), form(&post));
    assert_eq!(
        shown,
        "client_secret_basic client_secret_post Form { .. } Form { .. }"
    );
}

#[test]
fn response_that_repeats_the_decoded_token_or_secret_is_recognized() {
    let secret = SecretString::from("hush/hush+hush&hush");
    let post = ClientAuth::Post {
        client_id: "0oa1".to_owned(),
        secret: secret.clone(),
    };
    let of_token = |auth: &ClientAuth, token| auth.form(ENDPOINT, &[("token", token)], 1_000);
    for auth in [post, ClientAuth::basic("0oa1", &secret)] {
        let form = of_token(&auth, "ab/cd+ef/gh+ij/kl=").unwrap();
        for repeated in [
            "https://login.example/ab/cd+ef/gh+ij/kl=",
            "https://login.example/ab%2Fcd%2Bef%2Fgh%2Bij",
            "https://login.example/ab%2fcd%2bef%2fgh%2bij",
            "https://login.example/%61b%2fc%64%2Bef/%67h%2Bij",
            "https://login.example/hush/hush+hush&hush",
            "https://login.example/hush%2Fhush%2Bhush%26hush",
        ] {
            assert!(
                form.is_repeated_in(repeated.as_bytes()),
                "{auth:?} {repeated}"
            );
        }
        for other in ["", "https://login.example/saml", "application/json"] {
            assert!(!form.is_repeated_in(other.as_bytes()), "{auth:?} {other}");
        }
    }
    let token = SecretString::from("management-token");
    let form = Form::json(&token, r#"{"state":"a/b"}"#.to_owned());
    assert!(form.is_repeated_in(b"x management-token"));
    assert!(!form.is_repeated_in(b"https://login.example/saml"));
}
