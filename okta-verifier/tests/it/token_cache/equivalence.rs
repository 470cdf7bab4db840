//! A verifier with a token cache gives the same results as one without, whatever happens in between.

use std::time::{Duration, Instant};

use okta_verifier::{Algorithm, Issuer, Verifier};
use okta_verifier_testing::{CLIENT_ID, MockOkta, Rotation, TestIssuer, TokenBuilder};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::support::{
    mock_issuer,
    verifier_pair::{Outcome, VerifierPair},
};

#[derive(Clone, Debug)]
enum Step {
    Rotate(Rotation),
    Withdraw(Index),
    Refresh,
    ChangeSettings(usize),
    /// Signs a new token with the current keys.
    Mint(Kind, usize),
    /// Verifies an earlier token this many times.
    Verify(Index, usize),
}

const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Valid,
    /// Expires within this second or the next.
    Ending,
    Expired,
    NotYetValid,
    Tampered,
    ForeignKey,
    UnpublishedKey,
    OtherAudience,
    Bound,
}

impl Kind {
    fn of(self, token: TokenBuilder) -> TokenBuilder {
        match self {
            Self::Valid => token.scope("orders:read").group("Everyone"),
            Self::Ending => token.issued_at(1_000).expires_in(Duration::from_secs(1)),
            Self::Expired => token.expired(),
            Self::NotYetValid => token.not_before(33_000_000_000),
            Self::Tampered => token.tampered(),
            Self::ForeignKey => token.foreign_key(),
            Self::UnpublishedKey => token.unpublished_key(),
            Self::OtherAudience => token.audience("api://other"),
            Self::Bound => token.bound_to_key(),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let rotation = prop_oneof![
        Just(Rotation::Overlap),
        Just(Rotation::Append),
        Just(Rotation::Hard),
    ];
    let kind = prop_oneof![
        4 => Just(Kind::Valid),
        2 => Just(Kind::Ending),
        1 => Just(Kind::Expired),
        1 => Just(Kind::NotYetValid),
        1 => Just(Kind::Tampered),
        1 => Just(Kind::ForeignKey),
        1 => Just(Kind::UnpublishedKey),
        1 => Just(Kind::OtherAudience),
        1 => Just(Kind::Bound),
    ];
    prop_oneof![
        1 => rotation.prop_map(Step::Rotate),
        1 => any::<Index>().prop_map(Step::Withdraw),
        1 => Just(Step::Refresh),
        2 => (0..SETTINGS.len()).prop_map(Step::ChangeSettings),
        4 => (kind, 0..ALGORITHMS.len()).prop_map(|(kind, algorithm)| Step::Mint(kind, algorithm)),
        8 => (any::<Index>(), 1..3_usize).prop_map(|(token, times)| Step::Verify(token, times)),
    ]
}

/// Each may change the results of another one, or the claims that are read.
const SETTINGS: [fn(&MockOkta) -> Issuer; 5] = [
    mock_issuer::issuer,
    |okta| okta.issuer(mock_issuer::AUDIENCE).client_id(CLIENT_ID),
    |okta| okta.issuer(mock_issuer::AUDIENCE).client_id("0oaother"),
    |okta| okta.issuer("api://other").any_client_id(),
    |okta| mock_issuer::issuer(okta).groups_claim("teams"),
];

fn settings(okta: &MockOkta, number: usize) -> Issuer {
    SETTINGS[number](okta).leeway(Duration::ZERO)
}

struct Fixture {
    okta: MockOkta,
    pair: VerifierPair,
    tokens: Vec<String>,
}

impl Fixture {
    async fn new() -> Self {
        let okta = MockOkta::start().await;
        let pair = VerifierPair::new(|token_cache_capacity| {
            Verifier::builder()
                .issuer(settings(&okta, 0))
                .fetch_timeout(Duration::from_secs(10))
                .token_cache_capacity(token_cache_capacity)
                .build()
                .unwrap()
        });
        let mut fixture = Self {
            okta,
            pair,
            tokens: Vec::new(),
        };
        for algorithm in 0..ALGORITHMS.len() {
            fixture.mint(Kind::Valid, algorithm);
        }
        fixture
    }

    async fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Rotate(rotation) => self.okta.rotate(rotation),
            Step::Withdraw(key) => {
                let published = self.okta.key_ids();
                // The first key signs by default and stays: without it, no token could be signed.
                if published.len() > 1 {
                    self.okta
                        .withdraw(&published[1 + key.index(published.len() - 1)]);
                }
            }
            Step::Refresh => self.pair.refresh().await?,
            Step::ChangeSettings(number) => self.pair.set_issuer(&settings(&self.okta, number)),
            Step::Mint(kind, algorithm) => self.mint(kind, algorithm),
            Step::Verify(token, times) => {
                let jwt = &self.tokens[token.index(self.tokens.len())];
                for _ in 0..times {
                    self.pair.agreed_result(jwt).await?;
                }
            }
        }
        Ok(())
    }

    fn mint(&mut self, kind: Kind, algorithm: usize) {
        let token = self.okta.token(format!("user {}", self.tokens.len()));
        self.tokens
            .push(kind.of(token.algorithm(ALGORITHMS[algorithm])).sign());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // conformance 149, 151
    #[test]
    fn token_cache_gives_the_results_of_a_verifier_without_one(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut fixture = Fixture::new().await;
            for step in steps {
                fixture.take(step).await?;
            }
            for jwt in &fixture.tokens {
                fixture.pair.agreed_result(jwt).await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }
}

/// Returns two verifiers with pinned keys.
fn pair_of(okta: &TestIssuer) -> VerifierPair {
    VerifierPair::new(|token_cache_capacity| {
        Verifier::builder()
            .issuer(okta.issuer().any_client_id().leeway(Duration::ZERO))
            .token_cache_capacity(token_cache_capacity)
            .build()
            .unwrap()
    })
}

// conformance 151
#[tokio::test]
async fn token_cache_rejects_expiring_tokens_as_a_verifier_without_one_does() {
    let okta = TestIssuer::new("api://orders");
    let pair = pair_of(&okta);
    let tokens: Vec<_> = (1..=3)
        .map(|seconds| {
            okta.token("ada")
                .algorithm(Algorithm::EdDSA)
                .issued_at(1_000)
                .expires_in(Duration::from_secs(seconds))
                .sign()
        })
        .collect();
    let began = Instant::now();
    let mut ended = 0;
    while ended < tokens.len() {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "a token never expires"
        );
        ended = 0;
        for jwt in &tokens {
            let result = pair.agreed_result(jwt).await.unwrap();
            ended += usize::from(result == Outcome::Rejected("expired"));
        }
    }
}

// conformance 114
#[tokio::test]
async fn token_cache_keeps_similar_tokens_apart() {
    let okta = TestIssuer::new("api://orders");
    let pair = pair_of(&okta);
    let other = |byte: u8| if byte == b'A' { b'B' } else { b'A' };
    for algorithm in ALGORITHMS {
        let valid = okta.token("ada").algorithm(algorithm).sign();
        assert!(matches!(
            pair.agreed_result(&valid).await.unwrap(),
            Outcome::Accepted(_)
        ));
        let dots: Vec<_> = valid.match_indices('.').map(|(at, _)| at).collect();
        // The whole signature is shared, then its tail, then a long prefix.
        for at in [
            0,
            dots[0] - 2,
            dots[0] + 1,
            dots[1] - 9,
            dots[1] + 1,
            valid.len() - 9,
        ] {
            let mut bytes = valid.clone().into_bytes();
            bytes[at] = other(bytes[at]);
            let similar = String::from_utf8(bytes).unwrap();
            for _ in 0..2 {
                let result = pair.agreed_result(&similar).await.unwrap();
                assert!(matches!(result, Outcome::Rejected(_)), "{result:?}");
            }
        }
        for (from, to) in [(1, valid.len()), (0, dots[1]), (dots[0], valid.len())] {
            let result = pair.agreed_result(&valid[from..to]).await.unwrap();
            assert_eq!(result, Outcome::Rejected("malformed"));
        }
        let longer = pair.agreed_result(&format!("{valid}A")).await.unwrap();
        assert!(matches!(longer, Outcome::Rejected(_)), "{longer:?}");
    }
}
