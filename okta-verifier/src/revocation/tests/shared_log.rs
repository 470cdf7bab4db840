//! The shared log with faults: one log, several instances, each with a connection of its own.

use std::{
    future::{Future, pending, ready},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::time::{Instant, sleep_until};

use super::*;
use crate::{
    revocation::{
        Doubt, IssuerRules, LogAnswer, LogEntry, LogPosition, LogRead, RevocationLog, Revocations,
        RevokeError, Rule,
    },
    sync::clock::Now,
};

pub(super) const URL: &str = "https://issuer.test";
pub(super) const MAX_LAG: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// What the log has stored.
#[derive(Default)]
pub(super) struct Store {
    pub(super) entries: Vec<LogEntry>,
    pub(super) losses: u64,
}

/// What is wrong with a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// Nothing is sent.
    Refused,
    /// No answer comes.
    Hangs,
    /// Entries are stored, but the answer is lost.
    AnswerLost,
}

/// How a connection answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) fault: Fault,
    /// The number of entries of one answer.
    pub(super) page: usize,
    /// Whether each answer has its entries twice, and the last one first.
    pub(super) disorder: bool,
    /// Whether the answer never says that it is complete, and repeats its entries.
    pub(super) endless: bool,
    /// The number of entries that are made up beside the stored ones.
    pub(super) invented: usize,
}

/// One connection to the log. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) store: Arc<Mutex<Store>>,
    manner: Arc<Mutex<Manner>>,
    reads: Arc<Mutex<u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    pub(super) fn to(store: &Arc<Mutex<Store>>) -> Self {
        Self {
            store: store.clone(),
            manner: Arc::new(Mutex::new(Manner {
                fault: Fault::None,
                page: 1_000,
                disorder: false,
                endless: false,
                invented: 0,
            })),
            reads: Arc::default(),
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Manner)) {
        change(&mut lock(&self.manner));
    }

    fn fault(&self, fault: Fault) {
        self.change(|manner| manner.fault = fault);
    }

    fn reads(&self) -> u64 {
        *lock(&self.reads)
    }

    fn stored(&self) -> usize {
        lock(&self.store).entries.len()
    }

    fn answer(&self, after: Option<&LogPosition>, manner: Manner) -> LogRead {
        let store = lock(&self.store);
        let start = after.map_or(Some(0), |position| {
            let (losses, start) = position.as_str().split_once(' ')?;
            (losses == store.losses.to_string()).then(|| start.parse::<usize>().ok())?
        });
        let is_continuous = start.is_some_and(|start| start <= store.entries.len());
        let start = start.filter(|_| is_continuous).unwrap_or(0);
        let start = if manner.endless { 0 } else { start };
        let end = store.entries.len().min(start + manner.page);
        let mut entries = store.entries[start..end].to_vec();
        if manner.disorder {
            entries.reverse();
            entries.extend_from_within(..);
        }
        let invented = (0..manner.invented).filter_map(|_| LogEntry::parse("9 of another version"));
        entries.extend(invented);
        LogRead {
            entries,
            position: LogPosition::new(format!("{} {end}", store.losses)),
            is_complete: end == store.entries.len() && !manner.endless,
            is_continuous,
        }
    }
}

impl RevocationLog for Link {
    fn append<'a>(&'a self, entries: &'a [LogEntry], keep: Duration) -> LogAnswer<'a, ()> {
        assert!(keep > Duration::from_secs(3_600) && !entries.is_empty());
        let fault = lock(&self.manner).fault;
        if matches!(fault, Fault::None | Fault::AnswerLost) {
            lock(&self.store).entries.extend_from_slice(entries);
        }
        match fault {
            Fault::None => Box::pin(ready(Ok(()))),
            Fault::Hangs => Box::pin(pending()),
            Fault::Refused | Fault::AnswerLost => Box::pin(ready(Err("refused".into()))),
        }
    }

    fn read<'a>(&'a self, after: Option<&'a LogPosition>) -> LogAnswer<'a, LogRead> {
        *lock(&self.reads) += 1;
        let manner = *lock(&self.manner);
        match manner.fault {
            Fault::None => Box::pin(ready(Ok(self.answer(after, manner)))),
            Fault::Hangs => Box::pin(pending()),
            Fault::Refused | Fault::AnswerLost => Box::pin(ready(Err("refused".into()))),
        }
    }
}

/// One instance of a service.
pub(super) struct Instance {
    pub(super) link: Link,
    pub(super) revocations: Revocations,
    pub(super) rules: Arc<IssuerRules>,
}

/// What becomes of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    Revoked,
    Doubted,
}

impl Instance {
    pub(super) fn new(link: Link) -> Self {
        Self::with(link, MAX_LAG, false)
    }

    fn with(link: Link, max_lag: Duration, share_inactive: bool) -> Self {
        let builder = Revocations::builder()
            .log(link.clone())
            .session_claim("sid");
        let builder = builder.max_lag(max_lag).in_doubt(Doubt::Reject);
        let revocations = builder.share_inactive(share_inactive).build().unwrap();
        let rules = revocations.rules_of([URL].into_iter(), 60);
        Self {
            link,
            revocations,
            rules,
        }
    }

    /// Decides about a token with this `jti` that was issued a minute ago, as a request does.
    pub(super) fn outcome(&self, jti: &str) -> Outcome {
        let now = Now::read();
        let claims = Claims {
            jti: Some(jti.into()),
            sub: Some(jti.into()),
            iat: now.unix - 60,
            ..Claims::default()
        };
        let marks = claims.marks(Login::NotMeasured);
        let doubt = self.rules.doubt(now);
        match (self.rules.find(&marks, now.unix), doubt) {
            (Some(_), _) => Outcome::Revoked,
            (None, Some(_)) => Outcome::Doubted,
            (None, None) => Outcome::Accepted,
        }
    }

    pub(super) async fn revoke(&self, jti: &str) -> Result<(), RevokeError> {
        self.revocations.revoke(Rule::token(URL, jti)).await
    }
}

pub(super) async fn pass(time: Duration) {
    sleep_until(Instant::now() + time).await;
}

fn pair() -> (Instance, Instance) {
    let store = Arc::default();
    let new = || Instance::new(Link::to(&store));
    (new(), new())
}

fn entry(text: &str) -> LogEntry {
    LogEntry::parse(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn shared_log_that_hangs_leads_to_a_doubt_and_recovers() {
    for fault in [Fault::Hangs, Fault::Refused] {
        let (one, two) = pair();
        assert_eq!(one.outcome("a"), Outcome::Doubted); // nothing was read yet
        pass(SECOND).await;
        assert_eq!(one.outcome("a"), Outcome::Accepted);
        one.link.fault(fault);
        assert_eq!(one.revoke("a").await, Err(RevokeError::LogUnavailable));
        assert_eq!(one.outcome("a"), Outcome::Revoked);
        pass(5 * SECOND).await;
        assert_eq!(one.outcome("b"), Outcome::Accepted);
        pass(6 * SECOND).await;
        assert_eq!(one.outcome("b"), Outcome::Doubted);
        one.link.fault(Fault::None);
        // A read that hangs ends first.
        pass(7 * SECOND).await;
        assert_eq!(one.outcome("b"), Outcome::Accepted);
        two.outcome("a");
        pass(SECOND).await;
        assert_eq!(two.outcome("a"), Outcome::Revoked, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn shared_log_that_stored_an_entry_without_an_answer_reports_a_failure() {
    let (one, two) = pair();
    one.link.fault(Fault::AnswerLost);
    assert_eq!(one.revoke("a").await, Err(RevokeError::LogUnavailable));
    one.link.fault(Fault::None);
    two.outcome("a");
    pass(3 * SECOND).await;
    assert_eq!(two.outcome("a"), Outcome::Revoked);
    assert!(one.link.stored() >= 2, "stored again");
}

#[tokio::test(start_paused = true)]
async fn shared_log_gets_only_what_was_not_stored_after_an_append_has_failed() {
    let (one, two) = pair();
    for jti in ["a", "b", "c"] {
        one.outcome(jti);
        one.revoke(jti).await.unwrap();
    }
    two.outcome("a");
    pass(3 * SECOND).await;
    let stored = one.link.stored();
    one.link.fault(Fault::Refused);
    // A sender repeats what has failed.
    for _ in 0..10 {
        assert_eq!(one.revoke("d").await, Err(RevokeError::LogUnavailable));
    }
    assert_eq!(two.outcome("d"), Outcome::Accepted);
    one.link.fault(Fault::None);
    pass(3 * SECOND).await;
    assert_eq!(two.outcome("d"), Outcome::Revoked);
    assert_eq!(one.link.stored(), stored + 1);
    // A repetition of what is stored is confirmed without another entry.
    assert_eq!(one.revoke("d").await, Ok(()));
    assert_eq!(one.link.stored(), stored + 1);
}

#[tokio::test(start_paused = true)]
async fn shared_log_with_small_and_disordered_answers_is_read_to_its_end() {
    let (one, two) = pair();
    for number in 0..30 {
        one.revoke(&number.to_string()).await.unwrap();
    }
    two.link.change(|manner| {
        (manner.page, manner.disorder, manner.invented) = (7, true, 2);
    });
    assert_eq!(two.outcome("29"), Outcome::Doubted);
    pass(SECOND).await;
    for number in 0..30 {
        assert_eq!(two.outcome(&number.to_string()), Outcome::Revoked);
    }
    assert_eq!(two.outcome("30"), Outcome::Accepted);
}

#[tokio::test(start_paused = true)]
async fn shared_log_whose_answers_never_end_is_in_doubt_and_blocks_nothing() {
    let (one, _) = pair();
    one.revoke("a").await.unwrap();
    one.link.change(|manner| manner.endless = true);
    let two = Instance::new(one.link.clone());
    for _ in 0..20 {
        two.outcome("b");
        tokio::task::yield_now().await;
    }
    assert_eq!(two.outcome("b"), Outcome::Doubted);
    assert_eq!(two.outcome("a"), Outcome::Revoked);
    one.link.change(|manner| manner.endless = false);
    pass(SECOND).await;
    assert_eq!(two.outcome("b"), Outcome::Accepted);
}

#[tokio::test(start_paused = true)]
async fn shared_log_with_an_oversized_answer_counts_as_failed() {
    let (one, _) = pair();
    one.link.change(|manner| manner.invented = 100_001);
    one.outcome("a");
    pass(3 * SECOND).await;
    assert_eq!(one.outcome("a"), Outcome::Doubted);
    one.link.change(|manner| manner.invented = 0);
    pass(3 * SECOND).await;
    assert_eq!(one.outcome("a"), Outcome::Accepted);
}

#[tokio::test(start_paused = true)]
async fn shared_log_entry_with_a_time_in_the_future_is_limited_to_the_leeway() {
    let (one, _) = pair();
    let latest = u64::MAX;
    lock(&one.link.store).entries = vec![
        entry(&format!("1 t {latest} {URL}")),
        entry(&format!("1 l {latest} {URL}")),
    ];
    one.outcome("a");
    pass(SECOND).await;
    let now = Now::read();
    assert_eq!(one.outcome("a"), Outcome::Revoked);
    let later = Claims {
        iat: now.unix + 70,
        ..Claims::default()
    };
    let later = later.marks(Login::NotMeasured);
    assert!(one.rules.find(&later, now.unix + 70).is_none());
}

#[tokio::test(start_paused = true)]
async fn shared_log_with_rules_of_many_unknown_issuers_keeps_a_bounded_number() {
    let (one, _) = pair();
    let time = Now::read().unix - 60;
    let rule = |number: u32| entry(&format!("1 t {time} https://{number}.test"));
    lock(&one.link.store).entries = (0..3_000).map(rule).collect();
    one.outcome("a");
    pass(3 * SECOND).await;
    assert_eq!(one.outcome("a"), Outcome::Accepted);
    assert!(one.revocations.snapshot().issuers.len() <= 1_025);
    // An issuer that is configured later begins with the rules that were kept.
    let of_first = one.revocations.rules_of(["https://0.test"].into_iter(), 60);
    assert!(of_first.health(Now::read()).rejected_before.is_some());
    // So does one whose rules were not kept: the log is loaded again.
    let of_last = (one.revocations).rules_of(["https://2999.test"].into_iter(), 60);
    assert_eq!(one.outcome("a"), Outcome::Doubted);
    pass(3 * SECOND).await;
    assert_eq!(one.outcome("a"), Outcome::Accepted);
    assert!(of_last.health(Now::read()).rejected_before.is_some());
}

#[tokio::test(start_paused = true)]
async fn shared_log_that_lost_its_entries_is_in_doubt_until_it_is_read_again() {
    let (one, two) = pair();
    one.revoke("a").await.unwrap();
    two.outcome("a");
    pass(SECOND).await;
    {
        let mut store = lock(&one.link.store);
        store.entries.clear();
        store.losses += 1;
    }
    pass(SECOND).await;
    assert!(one.link.stored() >= 1, "appended again");
    let three = Instance::new(Link::to(&one.link.store));
    three.outcome("a");
    pass(SECOND).await;
    assert_eq!(three.outcome("a"), Outcome::Revoked);
    assert_eq!(three.outcome("b"), Outcome::Accepted);
}

#[tokio::test(start_paused = true)]
async fn shared_log_gets_the_rule_of_a_caller_that_went_away() {
    let (one, two) = pair();
    one.outcome("a");
    pass(SECOND).await;
    one.link.fault(Fault::Hangs);
    {
        let mut revoke = pin!(one.revoke("a"));
        let poll = revoke
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(poll, Poll::Pending);
    }
    assert_eq!(one.outcome("a"), Outcome::Revoked);
    one.link.fault(Fault::None);
    two.outcome("a");
    pass(8 * SECOND).await;
    assert_eq!(two.outcome("a"), Outcome::Revoked);
}

#[tokio::test(start_paused = true)]
async fn shared_log_reader_ends_with_the_last_handle() {
    let (one, _) = pair();
    one.outcome("a");
    pass(SECOND).await;
    let (link, reads) = (one.link.clone(), one.link.reads());
    assert!((3..10).contains(&reads), "{reads} reads in a second");
    drop(one);
    pass(10 * SECOND).await;
    assert!(link.reads() <= reads + 1);
    assert_eq!(Arc::strong_count(&link.reads), 1, "the log is dropped");
}

#[tokio::test(start_paused = true)]
async fn shared_log_has_inactive_tokens_only_if_the_settings_say_so() {
    for share in [false, true] {
        let store = Arc::default();
        let new = || Instance::with(Link::to(&store), MAX_LAG, share);
        let (one, two) = (new(), new());
        one.outcome("a");
        two.outcome("a");
        pass(SECOND).await;
        one.rules.revoke_inactive(Mark::token("a"), Now::read());
        pass(SECOND).await;
        assert_eq!(one.outcome("a"), Outcome::Revoked);
        let expected = [Outcome::Accepted, Outcome::Revoked][usize::from(share)];
        assert_eq!(two.outcome("a"), expected);
        // A rule about the same token is no longer local.
        one.revoke("a").await.unwrap();
        pass(SECOND).await;
        assert_eq!(two.outcome("a"), Outcome::Revoked);
    }
}

/// Takes some real seconds, because a blocked runtime stops its own time only.
#[test]
fn shared_log_is_read_by_another_runtime_if_that_of_the_reader_has_ended_or_is_blocked() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let store = Arc::default();
    let one = Instance::with(Link::to(&store), 2 * SECOND, false);
    let becomes = |runtime: &tokio::runtime::Runtime, outcome: Outcome| {
        let begin = Instant::now();
        while begin.elapsed() < 10 * SECOND {
            if runtime.block_on(async { one.outcome("a") }) == outcome {
                return true;
            }
            runtime.block_on(pass(SECOND / 20));
        }
        false
    };
    let ended = runtime();
    assert!(becomes(&ended, Outcome::Accepted));
    drop(ended);
    let blocked = runtime(); // blocked whenever nothing runs on it
    assert!(becomes(&blocked, Outcome::Doubted) && becomes(&blocked, Outcome::Accepted));
    let other = runtime();
    assert!(becomes(&other, Outcome::Doubted) && becomes(&other, Outcome::Accepted));
    // The former reader ends, and changes nothing.
    blocked.block_on(pass(SECOND));
    assert!(becomes(&other, Outcome::Accepted));
}
