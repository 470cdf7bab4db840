//! The table is sound, and its judge misses nothing.

use std::collections::HashSet;

use okta_verifier::Presented;
use okta_verifier_testing::conformance::{self, Answer, Case, Issuers, Request};

fn case(name: &str) -> Case {
    let mut cases = conformance::cases().into_iter();
    cases.find(|case| case.name() == name).expect(name)
}

#[test]
fn the_table_is_sound() {
    let cases = conformance::cases();
    assert!(cases.len() >= 120, "{}", cases.len());
    let names: HashSet<&str> = cases.iter().map(Case::name).collect();
    assert_eq!(names.len(), cases.len(), "every name is there once");

    let status = |wanted| {
        cases
            .iter()
            .filter(move |case| case.expected().status() == wanted)
    };
    for wanted in [200, 400, 401, 403, 500, 503] {
        assert!(status(wanted).count() > 2, "{wanted}");
    }
    // From the fourth on the answer would be `Retry-After: 2`.
    assert_eq!(status(503).count(), 3);
    for case in &cases {
        assert!(!case.requirements().is_empty(), "{case:?}");
        assert!(
            case.requirements().iter().all(|it| (1..=223).contains(it)),
            "{case:?}"
        );
    }
}

/// Not in the table: 16, 19, 21, 23, 26, 27 and 29 are of the writer of challenges and proved
/// beside it; 59 is of encrypted tokens; 78 to 80 are of thumbprints; 87 is of settings.
#[test]
fn the_table_covers_the_requirements_that_a_request_can_show() {
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

#[test]
fn each_outcome_is_written_once_to_the_byte() {
    let rows = [
        ("a good token", 200, None, None),
        (
            "no credentials for /me",
            401,
            Some(r#"Bearer realm="api""#),
            None,
        ),
        (
            "the same line twice",
            400,
            Some(
                r#"Bearer realm="api", error="invalid_request", error_description="The request's credentials are malformed""#,
            ),
            None,
        ),
        (
            "an expired token",
            401,
            Some(
                r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#,
            ),
            None,
        ),
        (
            "no scope",
            403,
            Some(
                r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read""#,
            ),
            None,
        ),
        ("no groups", 403, None, None),
        (
            "step-up: no acr and no scope",
            401,
            Some(
                r#"Bearer realm="api", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly", scope="orders:read", acr_values="phrh phr", max_age="300""#,
            ),
            None,
        ),
        ("no keys: a good token", 503, None, Some("1")),
        ("without a layer: a good token", 500, None, None),
    ];
    for (name, status, challenge, retry_after) in rows {
        let expected = case(name).expected();
        assert_eq!(expected.status(), status, "{name}");
        assert_eq!(expected.www_authenticate(), challenge, "{name}");
        assert_eq!(expected.retry_after(), retry_after, "{name}");
        let no_store = (status != 200).then_some("no-store");
        assert_eq!(expected.cache_control(), no_store, "{name}");
    }
}

#[test]
fn the_judge_sees_every_difference() {
    const PLAIN: (&str, &str) = ("www-authenticate", r#"Bearer realm="api""#);
    const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");
    let refused = case("no credentials for /me");
    let right = || vec![PLAIN, NO_STORE, ("content-length", "0")];
    assert_eq!(refused.judge(&Answer::new(401, right(), "")), Ok(()));

    let more = |field| [right(), vec![field]].concat();
    let wrong = [
        (
            Answer::new(403, right(), ""),
            "status: expected 401, came 403",
        ),
        (
            Answer::new(401, right(), "why"),
            r#"body: expected nothing, came "why""#,
        ),
        (
            Answer::new(401, vec![PLAIN], ""),
            r#"Cache-Control: expected "no-store", came nothing"#,
        ),
        (Answer::new(401, vec![NO_STORE], ""), "came nothing"),
        (Answer::new(401, more(PLAIN), ""), r#"\"api\"" and "Bearer"#),
        (
            Answer::new(401, more(("Retry-After", "1")), ""),
            r#"Retry-After: expected nothing, came "1""#,
        ),
        (
            Answer::new(401, more(NO_STORE), ""),
            r#"came "no-store" and "no-store""#,
        ),
        (
            Answer::new(401, vec![NO_STORE, (PLAIN.0, "bearer realm=\"api\"")], ""),
            "came \"bearer",
        ),
    ];
    for (answer, says) in wrong {
        let difference = refused.judge(&answer).unwrap_err().to_string();
        assert!(difference.contains(says), "{difference}");
    }

    let served = case("a good token");
    assert_eq!(
        served.judge(&Answer::new(200, [("date", "x")], "ada")),
        Ok(())
    );
    for field in [PLAIN, NO_STORE, ("retry-after", "1")] {
        assert!(
            served.judge(&Answer::new(200, [field], "ada")).is_err(),
            "{field:?}"
        );
    }
}

/// The table through the core alone, each mistake planted in turn: some case notices it.
#[tokio::test]
async fn a_gateway_with_a_fault_fails() {
    let issuers = Issuers::new();
    let verifier = issuers.verifier();
    type Fault = fn(&mut Vec<Vec<u8>>);
    let faults: [(&str, Fault); 3] = [
        ("the same line twice", |lines| lines.truncate(1)),
        ("an empty line before a good one", |lines| {
            lines.retain(|line| !line.is_empty())
        }),
        ("a tab after the scheme", |lines| {
            lines
                .iter_mut()
                .flatten()
                .filter(|byte| **byte == b'\t')
                .for_each(|byte| *byte = b' ');
        }),
    ];
    for (name, fault) in faults {
        let report = conformance::run(&issuers, async |request: &Request| {
            let mut lines: Vec<Vec<u8>> = request.authorization().map(<[u8]>::to_vec).collect();
            fault(&mut lines);
            let presented = Presented::new(lines.iter().map(Vec::as_slice)).query(request.query());
            Some(match verifier.authenticate(&presented).await {
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
async fn only_what_http_cannot_carry_may_go_unanswered() {
    let report = conformance::run(&Issuers::new(), async |_: &Request| None).await;
    let control = conformance::cases()
        .iter()
        .filter(|case| !case.is_http())
        .count();
    assert_eq!((report.passed(), report.skipped().count()), (0, control));
    assert!(
        report
            .to_string()
            .contains("answer: expected one, came none")
    );
}
