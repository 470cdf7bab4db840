//! The table is sound, and its comparison finds every difference.

use std::collections::{BTreeSet, HashSet};

use okta_verifier::adapter::RequestCredentials;
use okta_verifier_testing::conformance::{self, Answer, Case, Issuers, Request};

fn case(name: &str) -> Case {
    let mut cases = conformance::cases().into_iter();
    cases.find(|case| case.name() == name).expect(name)
}

/// `ci/conformance` reads what it prints.
#[test]
fn the_requirements_of_each_table_are_printed() {
    for (test, cases) in [
        ("conformance_table_is_answered", conformance::cases()),
        (
            "conformance_table_of_bound_tokens_is_answered",
            conformance::bound_cases(),
        ),
        (
            "conformance_table_of_introspection_is_answered",
            conformance::asked_cases(),
        ),
        (
            "conformance_table_of_providers_is_answered",
            conformance::provider_cases(),
        ),
        (
            "conformance_table_of_resources_is_answered",
            conformance::resource_cases(),
        ),
    ] {
        let numbers = cases.iter().flat_map(|case| case.requirements());
        let numbers: BTreeSet<_> = numbers.copied().collect();
        assert!(!numbers.is_empty(), "{test}");
        let numbers: Vec<_> = numbers.iter().map(u16::to_string).collect();
        println!("requirements of {test}: {}", numbers.join(" "));
    }
}

#[test]
fn table_is_sound() {
    let cases = conformance::cases();
    assert!(cases.len() >= 120, "{}", cases.len());
    let names: HashSet<&str> = cases.iter().map(Case::name).collect();
    assert_eq!(names.len(), cases.len(), "names are unique");

    let status = |wanted| {
        cases
            .iter()
            .filter(move |case| case.expected().status() == wanted)
    };
    for wanted in [200, 400, 401, 403, 500, 503] {
        assert!(status(wanted).count() > 2, "{wanted}");
    }
    // The fourth failure would respond with `Retry-After: 2`.
    assert_eq!(status(503).count(), 3);
    for case in &cases {
        assert!(!case.requirements().is_empty(), "{case:?}");
    }
}

/// Requirements that no request shows: 16, 19, 21, 23, 26, 27 and 29 concern the writer of challenges
/// and are tested next to it; 59 concerns encrypted tokens; 78 to 80 thumbprints; 87 settings.
#[test]
fn table_covers_the_requirements_that_a_request_can_show() {
    let cases = conformance::cases();
    let covered: HashSet<u16> = cases
        .iter()
        .flat_map(|it| it.requirements().to_vec())
        .collect();
    let elsewhere = [16, 19, 21, 23, 26, 27, 29, 59, 78, 79, 80, 87];
    let missing: Vec<u16> = (1..=100)
        .chain(189..=192)
        .filter(|number| !elsewhere.contains(number) && !covered.contains(number))
        .collect();
    assert_eq!(missing, [] as [u16; 0]);
}

/// Requirements that no request shows. Bound tokens: 163, 164, 172 to 175, 180 and 181 concern
/// settings, nonces and the cache, 184 and 186 TLS and introspection. Introspection: 102, 103, 105,
/// 107 and 111 to 114 concern its request and time.
#[test]
fn other_tables_are_sound() {
    let bound: Vec<u16> = (152..=162).chain(165..=171).chain(176..=178).collect();
    let bound = [bound, vec![182, 183, 185, 187, 243, 244, 245]].concat();
    let introspection = vec![101, 104, 106, 108, 109, 110, 115, 116];
    let tables = [
        (conformance::bound_cases(), bound),
        (conformance::asked_cases(), introspection),
        (conformance::provider_cases(), (232..=241).collect()),
        (conformance::resource_cases(), (251..=258).collect()),
    ];
    for (cases, requirements) in tables {
        assert!(cases.len() > 20, "{}", cases.len());
        let mut names = HashSet::new();
        let twice = cases.iter().find(|case| !names.insert(case.name()));
        assert_eq!(twice.map(Case::name), None, "names are unique");
        let numbers = cases.iter().flat_map(|it| it.requirements().to_vec());
        let covered: HashSet<u16> = numbers.collect();
        let missing: Vec<&u16> = requirements
            .iter()
            .filter(|number| !covered.contains(number))
            .collect();
        assert_eq!(missing, [] as [&u16; 0]);
    }
}

#[test]
fn provider_case_that_expects_401_names_its_code() {
    for case in conformance::provider_cases() {
        assert!(!case.requirements().is_empty(), "{case:?}");
        let is_invalid = case.expected().status() == 401;
        assert_eq!(case.code().is_some(), is_invalid, "{case:?}");
    }
}

#[test]
fn challenges_of_two_schemes_match_to_the_byte() {
    const ALGS: &str = r#"algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA""#;
    let offered = format!(r#"DPoP realm="api", {ALGS}"#);
    let bearer = r#"Bearer realm="api""#.to_owned();
    let of = |error: &str, text: &str| format!(r#"error="{error}", error_description="{text}""#);
    let token = of(
        "invalid_token",
        "The access token is invalid or has expired",
    );
    let proof = of("invalid_dpop_proof", "The DPoP proof is missing or invalid");
    let malformed = of("invalid_request", "The request's credentials are malformed");
    let scope = of(
        "insufficient_scope",
        "The access token lacks a required scope",
    );
    let dpop = |error: &str| format!(r#"DPoP realm="api", {error}, {ALGS}"#);
    let rows = [
        ("DPoP: a valid proof => 200", vec![]),
        (
            "DPoP: no credentials => 401",
            vec![bearer.clone(), offered.clone()],
        ),
        (
            "DPoP: a bound token as Bearer => 401 invalid_token",
            vec![format!("{bearer}, {token}"), offered],
        ),
        (
            "DPoP: an expired token => 401 invalid_token",
            vec![bearer.clone(), dpop(&token)],
        ),
        (
            "DPoP: no proof => 401 invalid_dpop_proof",
            vec![bearer.clone(), dpop(&proof)],
        ),
        (
            "DPoP: two schemes => 400 invalid_request",
            vec![format!("{bearer}, {malformed}"), dpop(&malformed)],
        ),
        (
            "DPoP: no scope => 403 insufficient_scope",
            vec![dpop(&format!(r#"{scope}, scope="orders:read""#))],
        ),
    ];
    let cases = conformance::bound_cases();
    for (name, challenges) in rows {
        let expected = cases
            .iter()
            .find(|case| case.name() == name)
            .expect(name)
            .expected();
        assert_eq!(
            Vec::from_iter(expected.www_authenticate()),
            challenges,
            "{name}"
        );
    }
}

/// Drops or changes one part of the request at a time: at least one case fails each time.
#[tokio::test]
async fn gateway_that_drops_a_part_of_the_request_fails() {
    let issuers = Issuers::bound();
    let faults = [
        ("nothing", None),
        ("the proof", Some("DPoP: a valid proof => 200")),
        (
            "a second proof",
            Some("DPoP proof: twice => 401 invalid_dpop_proof"),
        ),
        (
            "the certificate",
            Some("certificate: a certificate-bound token => 200"),
        ),
        (
            "the peer",
            Some("certificate: a certificate-bound token => 200"),
        ),
        ("the method", Some("DPoP: a POST => 200")),
    ];
    for (forgets, notices) in faults {
        let verifier = issuers.verifier();
        let report = conformance::run(&issuers, async |request: &Request| {
            let target = request.target();
            let method = match forgets {
                "the method" => "GET",
                _ => request.method(),
            };
            let proofs = request.fields().filter(|(name, _)| *name == "DPoP");
            let proofs = proofs.map(|(_, value)| value).take(match forgets {
                "the proof" => 0,
                "a second proof" => 1,
                _ => 2,
            });
            let mut credentials = RequestCredentials::new(request.authorization())
                .request(method, &target)
                .dpop(proofs);
            if forgets != "the peer" {
                credentials = credentials.peer(request.peer());
            }
            if let Some(der) = request
                .client_certificate()
                .filter(|_| forgets != "the certificate")
            {
                credentials = credentials.client_certificate(der);
            }
            if request.path().starts_with("/maybe/expired") {
                credentials = credentials.expired_as_anonymous();
            }
            let is_open = request.path() == "/maybe/expired";
            Some(match verifier.authenticate(&credentials).await {
                Ok(_) => Answer::new(200, [("", ""); 0], ""),
                Err(rejection) if is_open && rejection.as_anonymous().is_some() => {
                    Answer::new(200, [("", ""); 0], "")
                }
                Err(rejection) => {
                    let fields = rejection
                        .headers()
                        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
                    Answer::new(rejection.status().as_u16(), fields, "")
                }
            })
        })
        .await;
        let failures: Vec<&str> = report.failures().collect();
        match notices {
            Some(name) => assert!(failures.contains(&name), "{forgets}: {report}"),
            // This gateway has no policies, so it serves what a policy would reject.
            None => assert_eq!(
                failures,
                [
                    "DPoP: no scope => 403 insufficient_scope",
                    "DPoP: no group => 403",
                    "DPoP: an unbound token where a binding is required => 401 invalid_token"
                ]
            ),
        }
    }
}

#[test]
fn outcomes_match_to_the_byte() {
    let rows = [
        ("credentials: a valid token => 200", 200, None, None),
        (
            "credentials: none for /me => 401",
            401,
            Some(r#"Bearer realm="api""#),
            None,
        ),
        (
            "malformed credentials: the same line twice => 400 invalid_request",
            400,
            Some(
                r#"Bearer realm="api", error="invalid_request", error_description="The request's credentials are malformed""#,
            ),
            None,
        ),
        (
            "dates: an expired token => 401 invalid_token",
            401,
            Some(
                r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#,
            ),
            None,
        ),
        (
            "scope: no scope => 403 insufficient_scope",
            403,
            Some(
                r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read""#,
            ),
            None,
        ),
        ("policy: no groups => 403", 403, None, None),
        (
            "step-up: no acr and no scope => 401 insufficient_user_authentication, with the scope",
            401,
            Some(
                r#"Bearer realm="api", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly", scope="orders:read", acr_values="phrh phr", max_age="300""#,
            ),
            None,
        ),
        (
            "unavailable keys: a valid token => 503",
            503,
            None,
            Some("1"),
        ),
        (
            "route: without a layer, a valid token => 500",
            500,
            None,
            None,
        ),
    ];
    for (name, status, challenge, retry_after) in rows {
        let expected = case(name).expected();
        assert_eq!(expected.status(), status, "{name}");
        let challenges: Vec<&str> = expected.www_authenticate().collect();
        assert_eq!(challenges, Vec::from_iter(challenge), "{name}");
        assert_eq!(expected.retry_after(), retry_after, "{name}");
        let no_store = (status != 200).then_some("no-store");
        assert_eq!(expected.cache_control(), no_store, "{name}");
    }
}

#[test]
fn comparison_finds_every_difference() {
    const PLAIN: (&str, &str) = ("www-authenticate", r#"Bearer realm="api""#);
    const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");
    let rejected = case("credentials: none for /me => 401");
    let right = || vec![PLAIN, NO_STORE, ("content-length", "0")];
    assert_eq!(rejected.compare(&Answer::new(401, right(), "")), Ok(()));

    let more = |field| [right(), vec![field]].concat();
    let wrong = [
        (
            Answer::new(403, right(), ""),
            "status: expected 401, received 403",
        ),
        (
            Answer::new(401, right(), "why"),
            r#"body: expected nothing, received "why""#,
        ),
        (
            Answer::new(401, vec![PLAIN], ""),
            r#"Cache-Control: expected "no-store", received nothing"#,
        ),
        (Answer::new(401, vec![NO_STORE], ""), "received nothing"),
        (Answer::new(401, more(PLAIN), ""), r#"\"api\"" and "Bearer"#),
        (
            Answer::new(401, more(("Retry-After", "1")), ""),
            r#"Retry-After: expected nothing, received "1""#,
        ),
        (
            Answer::new(401, more(NO_STORE), ""),
            r#"received "no-store" and "no-store""#,
        ),
        (
            Answer::new(401, vec![NO_STORE, (PLAIN.0, "bearer realm=\"api\"")], ""),
            "received \"bearer",
        ),
    ];
    for (response, says) in wrong {
        let difference = rejected.compare(&response).unwrap_err().to_string();
        assert!(difference.contains(says), "{difference}");
    }

    let served = case("credentials: a valid token => 200");
    assert_eq!(
        served.compare(&Answer::new(200, [("date", "x")], "ada")),
        Ok(())
    );
    for field in [PLAIN, NO_STORE, ("retry-after", "1")] {
        assert!(
            served.compare(&Answer::new(200, [field], "ada")).is_err(),
            "{field:?}"
        );
    }
}

/// Runs the table through the core alone, with one fault at a time: at least one case fails each time.
#[tokio::test]
async fn gateway_with_a_fault_fails() {
    let issuers = Issuers::new();
    let verifier = issuers.verifier();
    type Fault = fn(&mut Vec<Vec<u8>>);
    let faults: [(&str, Fault); 3] = [
        (
            "malformed credentials: the same line twice => 400 invalid_request",
            |lines| lines.truncate(1),
        ),
        (
            "malformed credentials: an empty line before a valid one => 400 invalid_request",
            |lines| lines.retain(|line| !line.is_empty()),
        ),
        (
            "malformed credentials: a tab after the scheme => 400 invalid_request",
            |lines| {
                lines
                    .iter_mut()
                    .flatten()
                    .filter(|byte| **byte == b'\t')
                    .for_each(|byte| *byte = b' ');
            },
        ),
    ];
    for (name, fault) in faults {
        let report = conformance::run(&issuers, async |request: &Request| {
            let mut lines: Vec<Vec<u8>> = request.authorization().map(<[u8]>::to_vec).collect();
            fault(&mut lines);
            let credentials =
                RequestCredentials::new(lines.iter().map(Vec::as_slice)).query(request.query());
            Some(match verifier.authenticate(&credentials).await {
                Ok(_) => Answer::new(200, [("", ""); 0], ""),
                Err(rejection) => {
                    let fields = rejection.headers();
                    let fields = fields
                        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
                    Answer::new(rejection.status().as_u16(), fields, "")
                }
            })
        })
        .await;
        assert!(
            report.failures().any(|failed| failed == name),
            "{name}: {report}"
        );
        assert!(!report.is_conformant());
    }
}

#[tokio::test]
async fn only_cases_that_http_cannot_carry_may_be_skipped() {
    let report = conformance::run(&Issuers::new(), async |_: &Request| None).await;
    let control = conformance::cases()
        .iter()
        .filter(|case| !case.is_http())
        .count();
    assert_eq!((report.passed(), report.skipped().count()), (0, control));
    assert!(
        report
            .to_string()
            .contains("response: expected one, received none")
    );
}
