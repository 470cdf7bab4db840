//! Random rules and requests, compared with a model that forgets nothing and searches everything.
//!
//! ```sh
//! # REVOCATION_SEED repeats a run.
//! REVOCATION_STEPS=1000000 cargo test -p okta-verifier --lib model_of_revocation
//! ```

use std::{collections::HashSet, env, sync::Arc, time::UNIX_EPOCH};

use super::*;
use crate::{
    crypto::{random_u64, xorshift},
    revocation::{IssuerRules, Revocations, Rule, rule::Kind},
    sync::clock::Now,
};

const URL: &str = "https://issuer.test";
const LEEWAY: u64 = 60;
const LONGEST_TOKEN: u64 = 3_600;
const LONGEST_LOGIN: u64 = 10_000;
const START: u64 = 1_790_000_000;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = xorshift(self.0);
        (self.0 >> 11) % limit
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// Returns one of a few names, so that rules and tokens often have the same.
    fn name(&mut self) -> String {
        self.below(5).to_string()
    }

    fn maybe_name(&mut self) -> Option<String> {
        (self.below(4) > 0).then(|| self.name())
    }
}

/// A process: its rules, and the tokens in its cache.
struct Process {
    revocations: Revocations,
    rules: Arc<IssuerRules>,
    measures_logins: bool,
    tokens: Vec<(Claims, TokenMarks)>,
}

/// A rule that was applied, and the time up to which tokens must be rejected.
struct Applied {
    kind: Kind,
    time: u64,
}

/// How a rule matches a token.
#[derive(PartialEq)]
enum Match {
    No,
    /// Whenever it was issued.
    Always,
    ByIssue,
    ByLogin,
}

impl Process {
    fn new(capacity: usize, measures_logins: bool) -> Self {
        let measure = match measures_logins {
            false => Measure::IssuedAt,
            true => Measure::AuthTime {
                longest_login: Duration::from_secs(LONGEST_LOGIN),
            },
        };
        let revocations = Revocations::new(Settings {
            capacity,
            measure,
            ..settings()
        });
        let rules = revocations.rules_of([URL].into_iter(), LEEWAY);
        Self {
            revocations,
            rules,
            measures_logins,
            tokens: Vec::new(),
        }
    }

    /// Returns the next process, which has the rules of this one.
    fn restart(&self, capacity: usize) -> Self {
        let text = serde_json::to_string(&self.revocations.snapshot()).unwrap();
        let mut next = Self::new(capacity, self.measures_logins);
        next.revocations
            .restore(&serde_json::from_str(&text).unwrap());
        for (claims, _) in &self.tokens {
            next.insert(claims.clone());
        }
        next
    }

    fn insert(&mut self, claims: Claims) {
        let login = match claims.is_service {
            true => Login::NotMeasured,
            false => self.rules.login(claims.auth_time),
        };
        let mut marks = claims.marks(login);
        marks.last_second = self.rules.last_second(claims.iat, login, LEEWAY);
        self.tokens.push((claims, marks));
    }

    /// Makes the check of a cache hit.
    fn is_rejected(&self, token: &TokenMarks, now: u64) -> bool {
        !self.rules.is_seen(token, now) && self.rules.find(token, now).is_some()
    }
}

impl Claims {
    fn random(random: &mut Random, now: u64) -> Self {
        let iat = (now + 30).saturating_sub(random.below(LONGEST_TOKEN));
        let logged_in = iat.saturating_sub(random.below(LONGEST_LOGIN / 2));
        Self {
            jti: random.maybe_name(),
            sub: random.maybe_name(),
            uid: random.maybe_name(),
            email: random.maybe_name(),
            sid: random.maybe_name(),
            client: random.maybe_name(),
            iat,
            auth_time: (random.below(4) > 0).then_some(logged_in),
            is_service: random.below(4) == 0,
        }
    }

    fn user(&self, claim: SubjectClaim) -> Option<&str> {
        match claim {
            SubjectClaim::Subject => self.sub.as_deref(),
            SubjectClaim::OktaUserId => self.uid.as_deref(),
            SubjectClaim::Email => self.email.as_deref(),
        }
    }
}

impl Applied {
    fn of(&self, token: &Claims, measures_logins: bool) -> Match {
        let of_user = |is_matching| match (is_matching, measures_logins && !token.is_service) {
            (false, _) => Match::No,
            (true, false) => Match::ByIssue,
            (true, true) => Match::ByLogin,
        };
        let always = |is_matching| {
            if is_matching {
                Match::Always
            } else {
                Match::No
            }
        };
        match &self.kind {
            Kind::Token { jti } => always(token.jti.as_deref() == Some(jti)),
            Kind::Subject { claim, value } => of_user(token.user(*claim) == Some(value)),
            Kind::Session { id, user } => match (token.sid.as_deref(), user) {
                (Some(sid), _) => always(*sid == **id),
                (None, Some((claim, value))) => of_user(token.user(*claim) == Some(value)),
                (None, None) => Match::No,
            },
            Kind::Client { id } if token.client.as_deref() == Some(id) => Match::ByIssue,
            Kind::SubjectAtClient {
                claim,
                value,
                client,
            } => of_user(
                token.user(*claim) == Some(value) && token.client.as_deref() == Some(client),
            ),
            Kind::Issuer => Match::ByIssue,
            Kind::Client { .. } => Match::No,
        }
    }

    /// Returns whether the token must be rejected, whatever was collapsed and however the clock was set.
    fn rejects(&self, token: &Claims, now: u64, measures_logins: bool) -> bool {
        match self.of(token, measures_logins) {
            Match::No => false,
            Match::Always | Match::ByIssue => token.iat <= self.time,
            Match::ByLogin => match token.auth_time {
                Some(time) => time <= self.time,
                None => token.iat <= self.time || now <= self.time + LONGEST_LOGIN + LEEWAY,
            },
        }
    }

    /// Returns whether the token may be rejected because of the rule while nothing was collapsed or forgotten.
    fn may_reject(&self, token: &Claims, now: u64, measures_logins: bool) -> bool {
        match self.of(token, measures_logins) {
            Match::Always => true,
            Match::ByLogin if token.auth_time.is_none() => true,
            _ => self.rejects(token, now, measures_logins),
        }
    }
}

fn rule(random: &mut Random, now: u64) -> Rule {
    let claim = random.one_of(&[
        SubjectClaim::Subject,
        SubjectClaim::OktaUserId,
        SubjectClaim::Email,
    ]);
    let rule = match random.below(24) {
        0..4 => Rule::token(URL, random.name()),
        4..10 => Rule::subject(URL, claim, random.name()),
        10..12 => Rule::session(URL, random.name()),
        12..16 => Rule::session_of(URL, random.name(), claim, random.name()),
        16..19 => Rule::client(URL, random.name()),
        19..23 => Rule::subject_at_client(URL, claim, random.name(), random.name()),
        _ => Rule::issuer(URL),
    };
    // Late, out of order, and sometimes by a clock that is ahead.
    let before = (now + 100).saturating_sub(random.below(LONGEST_TOKEN));
    rule.before(UNIX_EPOCH + Duration::from_secs(before))
}

#[test]
fn model_of_revocation_agrees_with_the_rules_after_every_step() {
    let steps = env::var("REVOCATION_STEPS").map_or(100_000, |text| text.parse().unwrap());
    secret_scan::public(URL);
    let seed =
        env::var("REVOCATION_SEED").map_or_else(|_| random_u64() | 1, |text| text.parse().unwrap());
    let mut random = Random(seed);
    let mut done = 0;
    let mut counts = [0_u32; 3];
    while done < steps {
        done += history(&mut random, seed, &mut counts);
    }
    let [rejected, accepted, collapsed] = counts;
    assert!(
        rejected > 1_000 && accepted > 1_000 && collapsed > 10,
        "{counts:?}"
    );
}

/// Runs one history, and returns its number of steps.
fn history(random: &mut Random, seed: u64, counts: &mut [u32; 3]) -> u32 {
    let measures_logins = random.below(2) == 0;
    let capacity = random.one_of(&[16, 32, 1_024]);
    let mut process = Process::new(capacity, measures_logins);
    let instant = Now::read();
    let mut now = START;
    let mut applied: Vec<Applied> = Vec::new();
    let mut marks = HashSet::new();
    for _ in 0..HISTORY {
        match random.below(100) {
            0..3 => {
                // The clock is set, or the process was idle.
                let by = random.one_of(&[10, 600, 5_000, 40_000]);
                now = match random.below(3) {
                    0 => now - by.min(now - START / 2),
                    _ => now + by,
                };
            }
            3..4 => process = process.restart(capacity),
            4..24 => now += random.below(3),
            24..34 => process.insert(Claims::random(random, now)),
            34..46 => {
                let rule = rule(random, now);
                let before = rule.before.min(now + LEEWAY);
                let ignores_dates = matches!(rule.kind, Kind::Token { .. } | Kind::Session { .. });
                let at = Now {
                    unix: now,
                    ..instant
                };
                process
                    .revocations
                    .apply_at(std::slice::from_ref(&rule), at);
                marks.extend(rule.kind.marks().into_iter().flatten().flatten());
                if marks.len() <= capacity {
                    let again = process
                        .revocations
                        .apply_at(std::slice::from_ref(&rule), at);
                    assert!(
                        !again.is_changed,
                        "a repeated rule changes something: seed {seed}"
                    );
                }
                // A session is rejected whenever its tokens were issued, and its user's by the time of the rule.
                if let Kind::Session {
                    user: Some(user), ..
                } = &rule.kind
                {
                    let (claim, value) = user.clone();
                    let kind = Kind::Session {
                        id: "no token has it".into(),
                        user: Some((claim, value)),
                    };
                    applied.push(Applied { kind, time: before });
                }
                let kind = match rule.kind {
                    Kind::Session { id, .. } => Kind::Session { id, user: None },
                    kind => kind,
                };
                let time = if ignores_dates { now + LEEWAY } else { before };
                applied.push(Applied { kind, time });
            }
            _ if process.tokens.is_empty() => {}
            _ => {
                let place = random.below(process.tokens.len().min(8) as u64) as usize;
                let place = process.tokens.len() - 1 - place;
                let (claims, token) = &process.tokens[place];
                let is_rejected = process.is_rejected(token, now);
                let is_too_old = now > token.last_second;
                let must = |it: &Applied| it.rejects(claims, now, measures_logins);
                let may = |it: &Applied| it.may_reject(claims, now, measures_logins);
                let context = || format!("seed {seed}, now {now}, {claims:?}, {capacity}");
                if is_too_old || applied.iter().any(must) {
                    assert!(is_rejected, "a revoked token is accepted: {}", context());
                }
                let is_exact = marks.len() <= capacity;
                if is_rejected && is_exact {
                    let is_justified = is_too_old || applied.iter().any(may);
                    assert!(is_justified, "a valid token is rejected: {}", context());
                } else if is_rejected {
                    // Collapsed rules are about all tokens that are as old as the rules were.
                    let latest = applied.iter().map(|it| it.time).max().unwrap_or(0);
                    let is_justified = claims.iat <= latest
                        || claims.auth_time.is_none_or(|time| time <= latest)
                        || is_too_old
                        || applied.iter().any(may);
                    assert!(is_justified, "a newer token is rejected: {}", context());
                    counts[2] += 1;
                }
                counts[usize::from(!is_rejected)] += 1;
            }
        }
    }
    HISTORY
}

const HISTORY: u32 = 400;
