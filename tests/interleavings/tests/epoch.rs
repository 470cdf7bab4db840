//! Revocation rules under loom, which runs every interleaving of the threads below.

#[path = "../../../okta-verifier/src/revocation/epoch.rs"]
mod epoch;

// `epoch` takes these from its parent.
use loom::sync::{
    RwLock,
    atomic::{AtomicU64, Ordering},
};

use loom::{model, sync::Arc, thread};

use self::epoch::{Epoch, Seen};

/// The rules: whether each of two tokens is revoked.
type Rules = Epoch<[bool; 2]>;

/// What one request with the token does: a cache hit looks at the rules only if they have changed.
fn is_rejected(rules: &Rules, seen: &Seen, token: usize) -> bool {
    !rules.is_seen(seen)
        && rules
            .find(seen, |rules| rules[token].then_some(()))
            .is_some()
}

fn revoke(rules: &Rules, token: usize) {
    rules.change(|rules| {
        rules[token] = true;
        true
    });
}

/// A request that begins after `revoke` has returned is rejected, whatever a request with the same token does meanwhile.
#[test]
fn revoked_token_is_rejected_by_every_later_request() {
    model(|| {
        let rules = Arc::new(Rules::new([false; 2]));
        let seen = Arc::new(Seen::default());
        let request = request(&rules, &seen);
        revoke(&rules, 0);
        assert!(
            is_rejected(&rules, &seen, 0),
            "in the thread that revoked it"
        );
        request.join().unwrap();
        // Nothing that the other request stored hides the rule.
        assert!(is_rejected(&rules, &seen, 0));
    });
}

/// The same with an entry that was seen before, and is out of date because of a rule about another token.
#[test]
fn revoked_token_is_rejected_beside_a_rule_about_another_token() {
    model(|| {
        let rules = Arc::new(Rules::new([false; 2]));
        let seen = Arc::new(Seen::default());
        assert!(!is_rejected(&rules, &seen, 0));
        revoke(&rules, 1);
        let request = request(&rules, &seen);
        revoke(&rules, 0);
        request.join().unwrap();
        assert!(is_rejected(&rules, &seen, 0));
    });
}

/// Two requests store what they have seen in any order: neither store hides the rule. Every interleaving in which each
/// thread is interrupted up to three times.
#[test]
fn revoked_token_is_rejected_after_two_requests_at_once() {
    let mut bounded = loom::model::Builder::new();
    bounded.preemption_bound = Some(3);
    bounded.check(|| {
        let rules = Arc::new(Rules::new([false; 2]));
        let seen = Arc::new(Seen::default());
        let requests = [request(&rules, &seen), request(&rules, &seen)];
        revoke(&rules, 0);
        for request in requests {
            request.join().unwrap();
        }
        assert!(is_rejected(&rules, &seen, 0));
    });
}

/// The number of changes is counted after the change: a reader that has seen the number has seen the change.
#[test]
fn seen_rules_are_those_of_the_last_finished_change() {
    model(|| {
        let rules = Arc::new(Rules::new([false; 2]));
        let seen = Arc::new(Seen::default());
        let request = request(&rules, &seen);
        revoke(&rules, 0);
        // A request that found nothing looked before the change, and marked the number before it.
        assert!(!rules.is_seen(&seen));
        request.join().unwrap();
        assert!(!rules.is_seen(&seen));
    });
}

fn request(rules: &Arc<Rules>, seen: &Arc<Seen>) -> thread::JoinHandle<()> {
    let (rules, seen) = (rules.clone(), seen.clone());
    thread::spawn(move || {
        is_rejected(&rules, &seen, 0);
    })
}
