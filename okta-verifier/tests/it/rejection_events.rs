//! The event about a rejection: one for each, with its code, and nothing of the token but what the settings
//! allow.

use okta_verifier::{
    Issuer, Policy, Rejection, Verifier,
    adapter::{Mount, RequestCredentials},
};
use okta_verifier_testing::{Client, TestIssuer, TokenBuilder};
use secret_scan::Line;
use tracing::Level;

use crate::support::pinned_keys::{AUDIENCE, authenticate, okta, verifier};

const TARGET: &str = "okta_verifier::rejected";

/// Returns the lines of this crate that `act` logs.
fn lines(act: impl FnOnce()) -> Vec<Line> {
    let lines = secret_scan::logged(act).into_iter();
    lines
        .filter(|line| line.target.starts_with("okta_verifier"))
        .collect()
}

/// Returns the text of the only line, which must be an event about a rejection.
#[track_caller]
fn event(act: impl FnOnce()) -> String {
    let lines = lines(act);
    let [line] = &lines[..] else {
        panic!("one event: {lines:?}");
    };
    assert_eq!((line.level, &*line.target), (Level::DEBUG, TARGET));
    let text = line.text.trim_end().replacen("message=", "", 1);
    let printable = |it: char| it.is_ascii_graphic() || it == ' ' || it == '…' || it == '§';
    assert!(text.chars().all(printable), "{text}");
    assert!(text.len() < 2_500, "{}", text.len());
    text
}

fn reject(verifier: &Verifier, token: TokenBuilder) -> String {
    let jwt = token.sign();
    event(|| drop(authenticate(verifier, &jwt).expect_err("a rejected token")))
}

// conformance 20, 44
#[test]
fn event_has_the_code_the_status_and_the_policy_of_each_rejection() {
    let okta = okta();
    secret_scan::public(okta.issuer_url());
    let verifier = verifier(&okta);
    let token = authenticate(&verifier, &okta.token("ada").group("5ecret").sign()).unwrap();
    let send = |line: &str| {
        let credentials = RequestCredentials::new([line.as_bytes()]);
        let result = verifier.authenticate(&credentials).into_ready();
        assert!(result.expect("decided without I/O").is_err());
    };
    let bearer = |jwt: &str| send(&format!("Bearer {jwt}"));
    let require = |policy| drop(token.require(policy).unwrap_err());
    let of_issuer = format!(r#"issuer="{}" "#, okta.issuer_url());
    let of_issuer = of_issuer.as_str();
    let cases: [(&str, &dyn Fn()); 12] = [
        (
            r#"code="no_credentials" status=401 reason=the scheme of "#,
            &|| send("Basic 5ecret"),
        ),
        (
            r#"code="no_credentials" status=401 reason=the request has no "#,
            &|| drop(Policy::any_token().admit(None, Some(&verifier.anonymous()))),
        ),
        (
            r#"code="invalid_request" status=400 reason=the token has a character "#,
            &|| bearer("5ecret 5ecret"),
        ),
        (
            r#"code="malformed" reason_code="too_large" status=400 reason=the token is malformed: "#,
            &|| bearer(&"5ecret".repeat(10_000)),
        ),
        (
            r#"code="malformed" reason_code="parts" status=401 reason=the token is malformed: "#,
            &|| bearer("5ecret"),
        ),
        (
            &format!(r#"code="expired" status=401 {of_issuer}reason=the token has expired"#),
            &|| bearer(&okta.token("ada").expired().sign()),
        ),
        (
            &format!(
                r#"code="missing_claim" status=401 {of_issuer}claim="sub" reason=the claim `sub` is missing"#
            ),
            &|| bearer(&okta.token("ada").without("sub").sign()),
        ),
        (
            &format!(
                r#"code="insufficient_scope" status=403 {of_issuer}policy=scope "orders:write" reason=the token lacks a required scope"#
            ),
            &|| require(Policy::scope("orders:write")),
        ),
        (
            &format!(
                r#"code="insufficient_scope" status=403 {of_issuer}reason=the token lacks a required scope"#
            ),
            &|| {
                drop(token.insufficient_scope("orders:write"));
                assert!(token.insufficient_scope("5ecret \"").is_err());
            },
        ),
        (
            r#"code="insufficient_scope" status=403 reason=the token lacks a required scope"#,
            &|| drop(Rejection::insufficient_scope("orders:write")),
        ),
        (
            &format!(
                r#"code="insufficient_user_authentication" status=401 {of_issuer}policy=acr one of ["phr"] reason=the user must "#
            ),
            &|| require(Policy::acr(&["phr"])),
        ),
        (
            &format!(
                r#"code="forbidden" status=403 {of_issuer}policy=group "Admins" reason=the token does not meet the policy"#
            ),
            &|| require(Policy::group("Admins")),
        ),
    ];
    for (expected, act) in cases {
        let text = event(act);
        let expected = format!("request rejected {expected}");
        assert!(text.starts_with(&expected), "{text}\n{expected}");
        assert!(!text.contains("5ecret"), "{text}");
    }
    assert!(lines(|| drop(token.require(Policy::group("5ecret")))).is_empty());
}

// conformance 20
#[test]
fn event_of_unreadable_claims_and_of_a_missing_layer_comes_beside_their_cause() {
    let okta = okta();
    let token = authenticate(&verifier(&okta), &okta.token("ada").sign()).unwrap();
    let unreadable = token.claim::<u8>("sub").unwrap_err();
    for (act, cause, code) in [
        (
            &(|| drop(token.unreadable_claims(&unreadable))) as &dyn Fn(),
            Level::WARN,
            r#"code="unreadable_claims" status=403 "#,
        ),
        (
            &|| drop(Rejection::missing_layer()),
            Level::ERROR,
            r#"code="missing_layer" status=500 "#,
        ),
    ] {
        let lines = lines(act);
        let [first, second] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert_eq!(first.level, cause);
        assert!(!first.text.contains("ada"), "{first:?}");
        assert_eq!((second.level, &*second.target), (Level::DEBUG, TARGET));
        assert!(second.text.contains(code), "{second:?}");
    }
}

// conformance 44
#[test]
fn event_shows_no_claim_before_the_signature_was_verified() {
    let okta = okta();
    secret_scan::public(okta.issuer_url());
    let issuer = okta.issuer().client_id("0oaweb");
    let verifier = Verifier::builder().issuer(issuer);
    let verifier = verifier.log_claims(["department", "sub"]).build().unwrap();
    let token = || {
        let token = okta.token("5ecret-subject").audience("api://5ecret");
        token
            .client_id("5ecret-client")
            .claim("department", "5ecret")
    };
    for token in [
        token().tampered(),
        token().foreign_key(),
        token().unpublished_key(),
        token().without_header("kid"),
        token().typ("dpop+jwt"),
        token().claim("iss", "https://5ecret.test/oauth2/default"),
        token().claim("exp", "5ecret"),
        token().header("crit", ["5ecret"]),
    ] {
        let text = reject(&verifier, token);
        assert!(!text.contains("5ecret"), "{text}");
        assert!(
            !text.contains("aud=") && !text.contains("client_id="),
            "{text}"
        );
    }
}

#[test]
fn event_of_a_wrong_audience_shows_it_beside_the_accepted_ones() {
    let okta = okta();
    let verifier = verifier(&okta);
    for (aud, shown) in [
        (serde_json::json!("api://billing"), r#"["api://billing"]"#),
        (
            serde_json::json!(["a", "b", "c", "d"]),
            r#"["a", "b", "c", …]"#,
        ),
    ] {
        let text = reject(&verifier, okta.token("ada").claim("aud", aud));
        let expected = format!(r#" aud={shown} accepted_aud=["api://orders"] reason="#);
        assert!(text.contains(&expected), "{text}");
    }
    // The layer of a route accepts one audience of the settings.
    let both = okta.issuer().audience("api://billing").any_client_id();
    let both = Verifier::builder().issuer(both).build().unwrap();
    let authorization = format!("Bearer {}", okta.token("ada").sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let billing = Mount::new(both).audience("api://billing");
    for _ in 0..2 {
        let text = event(|| {
            let result = billing.authenticate(&credentials).into_ready().unwrap();
            assert_eq!(result.unwrap_err().code(), "wrong_audience");
        });
        let expected = r#" aud=["api://orders"] accepted_aud=["api://billing"] reason="#;
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn event_of_a_client_that_is_not_allowed_shows_its_id() {
    let okta = okta();
    let issuer = okta.issuer().client_id("0oaweb");
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let text = reject(&verifier, okta.token("ada").client_id("0oaother"));
    assert!(text.contains(r#" client_id="0oaother" reason="#), "{text}");
    assert!(!text.contains("aud="), "{text}");

    let rfc9068 = TestIssuer::rfc9068(AUDIENCE);
    let issuer = Issuer::rfc9068(rfc9068.issuer_url(), AUDIENCE).client_id("web");
    let issuer = issuer.keys(rfc9068.jwks());
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let text = reject(&verifier, rfc9068.token("ada").client_id("other"));
    assert!(text.contains(r#" client_id="other" reason="#), "{text}");
}

// conformance 44
#[test]
fn event_never_shows_subject_token_id_key_id_scopes_or_groups() {
    let okta = okta();
    let issuer = okta.issuer().client_id("0oaweb");
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let token = || {
        let token = okta.token("5ecret-subject").client_id("0oaweb");
        let token = token.scope("5ecret:scope").group("5ecret-group");
        token
            .claim("jti", "AT.5ecret")
            .claim("department", "5ecret")
            .claim("uid", "5ecret")
    };
    for token in [
        token().audience("api://billing"),
        token().client_id("0oaother"),
        token().expired(),
        token().bound_to_key(),
        token().key_id("5ecret"),
    ] {
        let text = reject(&verifier, token);
        assert!(!text.contains("5ecret") && !text.contains("eyJ"), "{text}");
    }
    let token = authenticate(&verifier, &token().sign()).unwrap();
    let text = event(|| drop(token.require(Policy::group("Admins"))));
    assert!(!text.contains("5ecret"), "{text}");
}

#[test]
fn event_shows_the_claims_that_the_settings_name() {
    let okta = okta();
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = builder.log_claims(["department", "level", "absent"]);
    let verifier = verifier.client_certificates().build().unwrap();
    let token = || {
        let token = okta.token("ada").claim("department", ["sales", "eu"]);
        token.claim("level", 3).claim("other", "5ecret")
    };
    let shown = r#" claims={"department": ["sales", "eu"], "level": ["3"]} reason="#;
    let jwt = Client::new().bind(token()).sign();
    let twice = || drop(authenticate(&verifier, &jwt).unwrap_err());
    for text in [
        reject(&verifier, token().expired()),
        reject(&verifier, token().audience("api://billing")),
        event(twice),
        event(twice), // the token is cached now
    ] {
        assert!(text.contains(shown) && !text.contains("5ecret"), "{text}");
    }
    let token = authenticate(&verifier, &token().sign()).unwrap();
    let text = event(|| drop(token.require(Policy::group("Admins"))));
    assert!(text.contains(shown) && !text.contains("5ecret"), "{text}");
    let text = event(|| drop(token.insufficient_scope("orders:write")));
    assert!(text.contains(shown), "{text}");
    // An accepted token leaves no event.
    assert!(lines(|| drop(token.require(Policy::any_token()))).is_empty());
}

#[test]
fn logged_claims_of_the_settings_have_names() {
    let okta = okta();
    let build = |names: &[&str]| {
        let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
        builder.log_claims(names.iter().copied()).build()
    };
    for (names, problem) in [
        (
            &[""][..],
            "log_claims: a name is empty; write the names of claims, such as [\"department\"]",
        ),
        (&["x"; 17], "log_claims: write at most 16 names"),
    ] {
        assert_eq!(build(names).unwrap_err().to_string(), problem);
    }
    // The subject is personal data, but the operator decides.
    for names in [&[][..], &["sub"], &["x"; 16]] {
        assert!(build(names).is_ok());
    }
}

const HOSTILE: [&str; 6] = [
    "a\r\nrejected code=\"ok\"",
    "\u{1b}[31mred\u{1b}[0m\u{7}",
    "\" reason=\"none\" x=\"",
    "\u{202e}lias\u{2066}\u{200b}\u{feff}",
    "\u{0}\u{85}\u{2028}\u{2029}",
    "\\n\\u001b é 漢 🦀",
];

/// `event` asserts that the text is one line, printable and bounded.
#[test]
fn event_escapes_hostile_text_in_every_part_of_a_token() {
    let okta = okta();
    let issuer = okta.issuer().client_id("0oaweb");
    let verifier = Verifier::builder().issuer(issuer);
    let names = ["x", "department"];
    let verifier = verifier.log_claims(names).build().unwrap();
    let token = || okta.token("ada").client_id("0oaweb");
    for hostile in HOSTILE {
        // The values are shown, so the scan must not take them for a leak.
        let expected = okta_verifier_text(hostile);
        for text in [
            reject(&verifier, token().audience(hostile)),
            reject(&verifier, token().client_id(hostile)),
        ] {
            assert!(text.contains(&expected), "{text}\n{expected}");
        }
        secret_scan::public(&expected);
        let text = reject(&verifier, token().claim("x", hostile).expired());
        assert!(text.contains(&expected), "{text}");
        for token in [
            token().claim("iss", format!("https://evil.test/{hostile}")),
            token().claim("sub", hostile).expired(),
            token().claim("jti", hostile).expired(),
            token().claim("scp", [hostile]).expired(),
            token().claim(hostile, hostile).expired(),
            token().key_id(hostile),
            token().typ(hostile),
            token().header("alg", hostile),
            token().header(hostile, hostile).expired(),
            token().header("crit", [hostile]),
            token().raw_payload(hostile),
            token().raw_header(hostile),
        ] {
            let text = reject(&verifier, token);
            assert!(!text.contains(&expected), "{text}");
        }
    }
}

/// Returns the text as an event shows it.
fn okta_verifier_text(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'"' => "\\\"".to_owned(),
        _ => byte.escape_ascii().to_string(),
    };
    let text: String = text.bytes().map(escape).collect();
    text.replace("\\'", "'")
}

#[test]
fn event_of_long_text_is_bounded() {
    let okta = okta();
    let issuer = okta.issuer().client_id("0oaweb");
    let verifier = Verifier::builder().issuer(issuer).max_token_size(64 * 1024);
    let verifier = verifier.log_claims(["x"]).build().unwrap();
    let token = || okta.token("ada").client_id("0oaweb");
    for piece in ["a", "\n", "é", "\u{202e}", "\""] {
        let long = piece.repeat(20_000 / piece.len());
        let list = vec![piece.repeat(5_000 / piece.len()); 4];
        for token in [
            token().audience(&long),
            token().claim("aud", &list),
            token().client_id(&long),
            token().claim("iss", &long),
            token().key_id(&long),
            token().raw_payload(long.clone()),
        ] {
            reject(&verifier, token);
        }
    }
    // A token above the limit is not decoded, and a field line of 1 MB is not shown.
    let huge = "Bearer ".to_owned() + &"a".repeat(1_000_000);
    for line in [huge.as_str(), &huge[7..], &huge.replace(' ', "\t")] {
        let credentials = RequestCredentials::new([line.as_bytes()]);
        let text = event(|| drop(verifier.authenticate(&credentials).into_ready()));
        assert!(text.len() < 400, "{text}");
    }
}

#[test]
fn unmet_policy_is_the_part_that_is_not_met() {
    const READ: Policy = Policy::scope("orders:read");
    const WRITE: Policy = Policy::scope("orders:write");
    const ADMINS: Policy = Policy::group("Admins");
    const BOTH: Policy = Policy::all(&[READ, WRITE]);
    const EITHER: Policy = Policy::any(&[WRITE, ADMINS]);
    const LONG: Policy = Policy::any(&[Policy::group(
        "é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group é long group",
    )]);
    let okta = okta();
    let jwt = okta.token("ada").scope("orders:read").sign();
    let token = authenticate(&verifier(&okta), &jwt).unwrap();
    let unmet = |policy: Policy| {
        let rejection = token.require(policy).unwrap_err();
        rejection.unmet_policy().map(str::to_owned)
    };
    for (policy, expected) in [
        (WRITE, r#"scope "orders:write""#),
        (Policy::all(&[READ, ADMINS, WRITE]), r#"group "Admins""#),
        (
            Policy::all(&[READ, EITHER]),
            r#"any of [scope "orders:write", group "Admins"]"#,
        ),
        (Policy::all(&[READ, BOTH]), r#"scope "orders:write""#),
        (
            Policy::any(&[ADMINS, BOTH]),
            r#"any of [group "Admins", all of [scope "orders:read", scope "orders:write"]]"#,
        ),
        (Policy::service(), "a service"),
    ] {
        assert_eq!(unmet(policy).as_deref(), Some(expected));
    }
    let long = unmet(LONG).unwrap();
    assert!(long.len() <= 256 && long.ends_with('…'), "{long}");
    assert!(
        long.starts_with(r#"any of [group "é long group é"#),
        "{long}"
    );
}
