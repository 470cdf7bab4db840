//! The cost of a rejection by a policy, and that its challenge names enough.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use okta_verifier::{Algorithm, Policy, Rejection, VerifiedToken};
use okta_verifier_testing::TokenBuilder;
use proptest::prelude::*;

use crate::support::pinned_keys::{okta, verifier, verify};

const UNMET: Policy = Policy::group("Admins");

fn ada() -> VerifiedToken {
    let okta = okta();
    verify(&verifier(&okta), &okta.token("ada").sign()).expect("a valid token")
}

fn leak(policies: Vec<Policy>) -> &'static [Policy] {
    policies.leak()
}

// finding 12
#[test]
fn policy_rejection_evaluates_each_rule_at_most_twice() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    const YES: Policy = Policy::when("counted", |_| {
        CALLS.fetch_add(1, Ordering::Relaxed);
        true
    });
    const NO: Policy = Policy::when("counted", |_| {
        CALLS.fetch_add(1, Ordering::Relaxed);
        false
    });
    const MET: Policy = Policy::any(&[YES, YES]);
    const SECOND: Policy = Policy::any(&[NO, YES]);
    const NEITHER: Policy = Policy::any(&[NO, NO]);
    // Alternatives that a scope would satisfy, behind rules that are counted.
    const BY_SCOPE: Policy = Policy::any(&[
        Policy::all(&[YES, Policy::scope("a")]),
        Policy::all(&[YES, Policy::scope("b")]),
    ]);
    let token = ada();
    let count = |policy: Policy| {
        CALLS.store(0, Ordering::Relaxed);
        let rejection = token.require(policy).expect_err("rejected");
        assert_eq!(rejection.status(), 403);
        CALLS.load(Ordering::Relaxed)
    };
    for any in [MET, SECOND, NEITHER, BY_SCOPE] {
        for n in [1, 5, 10, 20, 40] {
            let mut policies = vec![any; n];
            policies.push(UNMET);
            let last = count(Policy::all(leak(policies.clone())));
            assert!(last <= 2 * 2 * n, "{any:?}: {last} calls for n = {n}");
            policies.rotate_right(1);
            let first = count(Policy::all(leak(policies)));
            assert!(first <= 2 * 2 * n, "{any:?}: {first} calls for n = {n}");
        }
    }
    // An unmet group, nested at the maximum depth.
    let mut nested = Policy::all(leak(vec![MET, UNMET]));
    for _ in 0..20 {
        nested = Policy::all(leak(vec![Policy::any(leak(vec![NO, nested])), MET]));
    }
    let deep = count(nested);
    assert!(deep <= 2 * (21 * 3), "{deep} calls");
}

// finding 12
#[test]
fn policy_rule_without_remedy_rejects_before_any_alternative_is_tried() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    const COUNTED: Policy = Policy::when("counted", |_| {
        CALLS.fetch_add(1, Ordering::Relaxed);
        false
    });
    const RULE: Policy = Policy::all(&[
        UNMET,
        Policy::any(&[COUNTED, Policy::scope("a")]),
        Policy::all(&[Policy::any(&[COUNTED, Policy::scope("b")])]),
    ]);
    assert_eq!(ada().require(RULE).unwrap_err().status(), 403);
    assert_eq!(CALLS.load(Ordering::Relaxed), 0);
}

#[test]
fn policy_alternative_is_chosen_to_fit_the_rules_beside_it() {
    const WEAK_OR_STRONG: Policy = Policy::any(&[Policy::acr(&["weak"]), Policy::acr(&["strong"])]);
    const NESTED: Policy = Policy::all(&[
        Policy::any(&[
            Policy::all(&[Policy::acr(&["weak"]), Policy::scope("a")]),
            Policy::all(&[Policy::acr(&["strong"]), Policy::scope("b")]),
        ]),
        WEAK_OR_STRONG,
        Policy::all(&[Policy::acr(&["strong", "strongest"])]),
    ]);
    let challenge = Challenge::read(&ada().require(NESTED).unwrap_err()).expect("a challenge");
    assert_eq!(challenge.acr, ["strong"]);
    assert_eq!(challenge.scopes, ["b"]);
}

/// The requirements that a challenge names.
struct Challenge {
    scopes: Vec<String>,
    acr: Vec<String>,
    max_age: Option<u64>,
}

impl Challenge {
    /// Returns `None` if the rejection has no challenge.
    fn read(rejection: &Rejection) -> Option<Self> {
        let mut headers = rejection.headers();
        let (_, challenge) = headers.find(|(name, _)| name == "www-authenticate")?;
        let challenge = challenge.to_str().expect("ASCII").to_owned();
        let parameter = |name: &str| {
            let (_, rest) = challenge.split_once(&format!(", {name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let words = |name| {
            let value = parameter(name).unwrap_or_default();
            value.split_whitespace().map(str::to_owned).collect()
        };
        Some(Self {
            scopes: words("scope"),
            acr: words("acr_values"),
            max_age: parameter("max_age").map(|seconds| seconds.parse().expect("seconds")),
        })
    }

    /// Returns the token with everything that the challenge names, once for each acr value.
    fn granted(&self, token: impl Fn() -> TokenBuilder) -> Vec<TokenBuilder> {
        let with_scopes = || {
            let token = self
                .scopes
                .iter()
                .fold(token(), |token, scope| token.scope(scope));
            match self.max_age {
                Some(max_age) => token.claim("auth_time", seconds_ago(max_age)),
                None => token,
            }
        };
        match self.acr.is_empty() {
            true => vec![with_scopes()],
            false => (self.acr.iter().map(|acr| with_scopes().claim("acr", acr))).collect(),
        }
    }
}

fn seconds_ago(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs() - seconds
}

fn rule() -> impl Strategy<Value = Policy> {
    const ACRS: [&[&str]; 4] = [&["x"], &["y"], &["x", "y"], &["z", "x"]];
    let leaf = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(Policy::scope),
        2 => prop::sample::select(ACRS.to_vec()).prop_map(Policy::acr),
        2 => (1..4u64).prop_map(|minutes| Policy::max_age(Duration::from_secs(60 * minutes))),
        1 => prop::sample::select(vec!["Admins", "Staff"]).prop_map(Policy::group),
        1 => Just(Policy::user()),
        1 => Just(Policy::service()),
        1 => Just(Policy::when("met", |_| true)),
        1 => Just(Policy::when("unmet", |_| false)),
        1 => Just(Policy::any_token()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let some = prop::collection::vec(inner, 1..4).prop_map(leak);
        prop_oneof![
            some.clone().prop_map(Policy::all),
            some.prop_map(Policy::any)
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A token with everything that the challenge names is accepted.
    #[test]
    fn policy_challenge_is_sufficient(
        policy in rule(),
        scopes in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..3),
        acr in prop::option::of(prop::sample::select(vec!["x", "y", "w"])),
        ago in prop::option::of(prop::sample::select(vec![0_u64, 90, 400])),
        staff in any::<bool>(),
        is_service in any::<bool>(),
    ) {
        let okta = shared();
        let verifier = verifier(okta);
        let build = || {
            let mut token = okta.token("ada").algorithm(Algorithm::EdDSA).without("auth_time");
            if is_service {
                token = token.service();
            }
            if staff {
                token = token.group("Staff");
            }
            if let Some(acr) = acr {
                token = token.claim("acr", acr);
            }
            if let Some(ago) = ago {
                token = token.claim("auth_time", seconds_ago(ago));
            }
            scopes.iter().fold(token, |token, scope| token.scope(*scope))
        };
        let token = verify(&verifier, &build().sign()).expect("a valid token");
        let Err(rejection) = token.require(policy) else { return Ok(()) };
        let Some(challenge) = Challenge::read(&rejection) else { return Ok(()) };
        if is_service {
            prop_assert_eq!(rejection.status(), 403);
        }
        for granted in challenge.granted(build) {
            let granted = verify(&verifier, &granted.sign()).expect("a valid token");
            prop_assert!(granted.require(policy).is_ok(), "{:?}", policy);
        }
    }
}

fn shared() -> &'static okta_verifier_testing::TestIssuer {
    use std::sync::LazyLock;
    static OKTA: LazyLock<okta_verifier_testing::TestIssuer> = LazyLock::new(okta);
    &OKTA
}
