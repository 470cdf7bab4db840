use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use tokio::time::Instant;

use super::*;
use crate::caller::CallerKey;

const IDLE: Duration = Duration::from_secs(60);
const CAPACITY: usize = 4;
const SHARE: usize = 3;

fn owner(subject: &str) -> Owner {
    let key = CallerKey::of_process().expect("random bytes");
    Owner::Caller(key.caller(["issuer", "client", subject]))
}

/// The holder of the sessions of an owner, who has one client only.
fn holder(owner: Owner) -> Holder {
    match owner {
        Owner::Caller(caller) => Holder::Subject(caller),
        Owner::Anonymous => Holder::Anonymous,
    }
}

fn start() -> Now {
    Now {
        unix: 1_000_000,
        instant: Instant::now(),
    }
}

fn id(number: u8) -> Fingerprint {
    [number; 16]
}

impl Store {
    fn takes(&mut self, owner: Owner, now: Now) -> bool {
        self.reserve(holder(owner), CAPACITY, SHARE, now)
    }

    fn binds(&mut self, id: Fingerprint, owner: Owner, now: Now) -> Binding {
        self.bind(id, owner, holder(owner), IDLE, now)
    }

    fn gives_back(&mut self, owner: Owner) {
        self.give_back(holder(owner));
    }

    /// Begins a session, and returns whether there was room for it.
    fn begins(&mut self, id: Fingerprint, owner: Owner, now: Now) -> bool {
        self.takes(owner, now) && self.binds(id, owner, now) == Binding::New
    }

    fn assert_consistent(&self) {
        assert_eq!(self.by_last_use.len(), self.sessions.len());
        for (id, session) in &self.sessions {
            assert!(self.by_last_use.contains(&(session.last_use, *id)));
        }
        let places: usize = self.places.values().sum();
        assert_eq!(places, self.sessions.len() + self.reserved);
        assert!(self.places.values().all(|places| *places > 0));
    }
}

#[test]
fn session_of_another_owner_is_rejected_and_not_renewed() {
    let (mut store, start) = (Store::default(), start());
    let (ada, bob) = (owner("ada"), owner("bob"));
    assert!(store.begins(id(1), ada, start));
    let later = start.after(IDLE / 2);
    assert!(!store.renew(id(1), bob, IDLE, later));
    assert!(!store.renew(id(1), Owner::Anonymous, IDLE, later));
    assert!(!store.renew(id(1), ada, IDLE, start.after(IDLE)));
    store.assert_consistent();
}

#[test]
fn session_cannot_be_bound_to_a_second_owner() {
    let (mut store, start) = (Store::default(), start());
    let (ada, bob) = (owner("ada"), owner("bob"));
    assert!(store.begins(id(1), ada, start));
    assert!(store.takes(bob, start));
    assert_eq!(store.binds(id(1), bob, start), Binding::OfAnother);
    store.gives_back(bob);
    assert!(store.renew(id(1), ada, IDLE, start));
    store.assert_consistent();
}

#[test]
fn session_that_is_bound_twice_by_its_owner_has_one_place() {
    let (mut store, start) = (Store::default(), start());
    let ada = owner("ada");
    assert!(store.begins(id(1), ada, start));
    assert!(store.takes(ada, start));
    assert_eq!(store.binds(id(1), ada, start), Binding::Renewed);
    store.gives_back(ada);
    assert_eq!((store.sessions.len(), store.reserved), (1, 0));
    store.assert_consistent();
}

#[test]
fn session_is_unknown_after_its_owner_has_removed_it() {
    let (mut store, start) = (Store::default(), start());
    let (ada, bob) = (owner("ada"), owner("bob"));
    assert!(store.begins(id(1), ada, start));
    store.remove(id(1), bob);
    assert!(store.renew(id(1), ada, IDLE, start));
    store.remove(id(1), ada);
    assert!(!store.renew(id(1), ada, IDLE, start));
    store.remove(id(1), ada);
    store.assert_consistent();
    assert!(store.places.is_empty());
}

#[test]
fn session_expires_after_the_idle_timeout_on_either_clock() {
    let ada = owner("ada");
    let start = start();
    let second = Duration::from_secs(1);
    for (now, is_live) in [
        (start.after(IDLE - second), true),
        (start.after(IDLE), false),
        // The machine was suspended, so only the wall clock went on.
        (
            Now {
                unix: start.unix + 60,
                ..start
            },
            false,
        ),
        // The wall clock was set back.
        (
            Now {
                unix: 10,
                instant: start.instant + IDLE,
            },
            false,
        ),
        (
            Now {
                unix: 10,
                instant: start.instant + second,
            },
            true,
        ),
    ] {
        let mut store = Store::default();
        assert!(store.begins(id(1), ada, start));
        assert_eq!(store.renew(id(1), ada, IDLE, now), is_live, "{now:?}");
        store.assert_consistent();
        assert_eq!(store.sessions.len(), usize::from(is_live), "{now:?}");
    }
}

#[test]
fn session_that_is_used_does_not_expire() {
    let (mut store, mut now) = (Store::default(), start());
    let ada = owner("ada");
    assert!(store.begins(id(1), ada, now));
    for _ in 0..10 {
        now = now.after(IDLE / 2);
        assert!(store.renew(id(1), ada, IDLE, now));
    }
    assert!(!store.renew(id(1), ada, IDLE, now.after(IDLE)));
}

#[test]
fn session_that_is_live_is_not_evicted_by_a_full_store() {
    let (mut store, start) = (Store::default(), start());
    let (ada, bob, eve) = (owner("ada"), owner("bob"), owner("eve"));
    assert!(store.begins(id(1), ada, start) && store.begins(id(2), ada, start));
    assert!(store.begins(id(3), bob, start) && store.begins(id(4), bob, start));
    for _ in 0..100 {
        assert!(!store.begins(id(5), eve, start.after(IDLE / 2)));
    }
    assert!(store.renew(id(1), ada, IDLE, start.after(IDLE / 2)));

    // The expired sessions make room, and the renewed one stays.
    assert!(store.begins(id(5), eve, start.after(IDLE)));
    assert!(store.renew(id(1), ada, IDLE, start.after(IDLE)));
    assert_eq!(store.sessions.len(), 2);
    store.assert_consistent();
}

#[test]
fn share_of_a_subject_leaves_room_for_others() {
    let (mut store, start) = (Store::default(), start());
    let eve = owner("eve");
    for number in 0..SHARE {
        assert!(store.begins(id(number as u8), eve, start));
    }
    assert!(!store.takes(eve, start));
    assert!(store.takes(owner("ada"), start));
    assert!(!store.takes(owner("bob"), start), "the store is full");
    store.assert_consistent();
}

#[test]
fn share_is_that_of_the_subject_with_all_its_clients() {
    let (mut store, start) = (Store::default(), start());
    let eve = holder(owner("eve"));
    for number in 0..SHARE as u8 {
        assert!(store.reserve(eve, CAPACITY, SHARE, start));
        // Each session has a client of its own, so the owners differ.
        let by_client = owner(&format!("eve by client {number}"));
        let binding = store.bind(id(number), by_client, eve, IDLE, start);
        assert_eq!(binding, Binding::New);
    }
    assert!(!store.reserve(eve, CAPACITY, SHARE, start));
    store.remove(id(0), owner("eve by client 0"));
    assert!(store.reserve(eve, CAPACITY, SHARE, start));
    store.assert_consistent();
}

#[test]
fn share_counts_reservations_and_is_given_back() {
    let (mut store, start) = (Store::default(), start());
    let eve = owner("eve");
    for _ in 0..SHARE {
        assert!(store.takes(eve, start));
    }
    assert!(!store.takes(eve, start));
    store.gives_back(eve);
    assert!(store.takes(eve, start));
    for _ in 0..SHARE {
        store.gives_back(eve);
    }
    store.assert_consistent();
    assert!(store.places.is_empty());
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin(u8, u8),
    Reserve(u8),
    GiveBack,
    Use(u8, u8),
    Remove(u8, u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6u8, 0..3u8).prop_map(|(id, owner)| Step::Begin(id, owner)),
        (0..3u8).prop_map(Step::Reserve),
        Just(Step::GiveBack),
        (0..6u8, 0..3u8).prop_map(|(id, owner)| Step::Use(id, owner)),
        (0..6u8, 0..3u8).prop_map(|(id, owner)| Step::Remove(id, owner)),
        (1..40u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// A list of all sessions, without an index and without counters.
    #[test]
    fn store_agrees_with_a_list_of_sessions(steps in vec(step(), 1..200)) {
        let (mut store, mut now) = (Store::default(), start());
        let mut list: Vec<(u8, u8, u64)> = Vec::new(); // ID, owner, end
        let mut reservations: Vec<u8> = Vec::new();
        let owners = [owner("ada"), owner("bob"), Owner::Anonymous];
        for step in steps {
            list.retain(|(_, _, end)| now.unix < *end);
            let has_room = |list: &[(u8, u8, u64)], reservations: &[u8], owner: u8| {
                let own = list.iter().filter(|(_, one, _)| *one == owner).count()
                    + reservations.iter().filter(|one| **one == owner).count();
                list.len() + reservations.len() < CAPACITY && own < SHARE
            };
            match step {
                Step::Begin(number, by) => {
                    let expected = has_room(&list, &reservations, by);
                    let owner = owners[usize::from(by)];
                    prop_assert_eq!(store.takes(owner, now), expected);
                    if !expected {
                        continue;
                    }
                    let end = now.unix + 60;
                    let known = list.iter_mut().find(|(one, _, _)| *one == number);
                    let (binding, expected) = match known {
                        None => {
                            list.push((number, by, end));
                            (store.binds(id(number), owner, now), Binding::New)
                        }
                        Some(session) if session.1 == by => {
                            session.2 = end;
                            (store.binds(id(number), owner, now), Binding::Renewed)
                        }
                        Some(_) => (store.binds(id(number), owner, now), Binding::OfAnother),
                    };
                    if expected != Binding::New {
                        store.gives_back(owner);
                    }
                    prop_assert_eq!(binding, expected);
                }
                Step::Reserve(by) => {
                    let expected = has_room(&list, &reservations, by);
                    prop_assert_eq!(store.takes(owners[usize::from(by)], now), expected);
                    if expected {
                        reservations.push(by);
                    }
                }
                Step::GiveBack => {
                    if let Some(by) = reservations.pop() {
                        store.gives_back(owners[usize::from(by)]);
                    }
                }
                Step::Use(number, by) => {
                    let known = list.iter_mut().find(|(one, owner, _)| (*one, *owner) == (number, by));
                    let expected = known.is_some();
                    if let Some(session) = known {
                        session.2 = now.unix + 60;
                    }
                    let is_own = store.renew(id(number), owners[usize::from(by)], IDLE, now);
                    prop_assert_eq!(is_own, expected);
                }
                Step::Remove(number, by) => {
                    store.remove(id(number), owners[usize::from(by)]);
                    list.retain(|(one, owner, _)| (*one, *owner) != (number, by));
                }
                Step::Wait(seconds) => now = now.after(Duration::from_secs(seconds)),
            }
            store.assert_consistent();
            prop_assert!(store.sessions.len() + store.reserved <= CAPACITY);
        }
    }
}
