//! The token cache and its slots.

use std::time::Duration;

use super::*;
use crate::{
    sync::clock::Now,
    token::tests::{HEADER, compact},
    verified_token::tests::verified,
};

/// Returns an entry whose digest selects a slot that no other entry has, if there are enough slots.
fn entry(name: u8) -> Arc<Entry<u8>> {
    let mut digest = [0; 16];
    digest[0] = name;
    Arc::new(Entry {
        token: verified(),
        verification: name,
        digest: Digest(digest),
        until: Now::read().plus(Duration::from_secs(60)),
    })
}

fn finds(front: &Front<u8>, entry: &Entry<u8>) -> bool {
    let found = front.find(entry.digest);
    found.is_some_and(|found| found.verification == entry.verification)
}

#[test]
fn token_cache_slot_serves_its_own_digest_only() {
    let front = Front::new(1);
    let [one, other] = [entry(1), entry(2)];
    assert!(!finds(&front, &one));
    front.store(&one);
    assert!(front.find(other.digest).is_none());
    front.remove(other.digest);
    assert!(finds(&front, &one));
    front.remove(one.digest);
    assert!(!finds(&front, &one));
}

#[test]
fn token_cache_slot_keeps_nothing_in_memory() {
    let front = Front::new(1);
    let (one, other) = (entry(1), entry(2));
    front.store(&one);
    let digest = one.digest;
    assert_eq!(Arc::strong_count(&one), 1);
    drop(one);
    assert!(front.find(digest).is_none());
    front.store(&other);
    assert!(finds(&front, &other), "an empty slot is taken at once");
}

#[test]
fn token_cache_slot_is_taken_by_a_token_used_often_enough() {
    let front = Front::new(1);
    let [one, other] = [entry(1), entry(2)];
    front.store(&one);
    let offers = (1..1_000).find(|_| {
        front.store(&other);
        finds(&front, &other)
    });
    // The probability of any other result is 1 in 10^57.
    assert!(offers.is_some());
    assert!(!finds(&front, &one));
}

#[test]
fn token_cache_slot_is_replaced_by_one_in_eight() {
    let [one, other] = [entry(1), entry(2)];
    let at_once = |_: &u32| {
        let front = Front::new(1);
        front.store(&one);
        front.store(&other);
        finds(&front, &other)
    };
    // The expected count is 1,250, one in eight.
    let count = (0..10_000).filter(at_once).count();
    assert!((800..1_800).contains(&count), "{count}");
}

#[test]
fn token_cache_slot_is_replaced_at_once_by_the_same_token() {
    let front = Front::new(1);
    let (old, mut new) = (entry(1), entry(1));
    Arc::get_mut(&mut new).unwrap().verification = 2;
    front.store(&old);
    front.store(&new);
    assert!(finds(&front, &new));
}

#[test]
fn token_cache_slots_drop_removed_entries() {
    let front = Front::new(1_000_000);
    assert_eq!(front.0.len() as u64, MAX_SLOTS);
    assert_eq!(Front::<u8>::new(100).0.len(), 64, "no more than entries");
    let entries: Vec<_> = (0..100).map(entry).collect();
    entries.iter().for_each(|entry| front.store(entry));
    assert!(entries.iter().all(|entry| finds(&front, entry)));
    front.remove_retired(|name| *name >= 10);
    let left = entries.iter().filter(|entry| finds(&front, entry));
    assert_eq!(left.map(|entry| entry.verification).max(), Some(9));
}

#[test]
fn one_in_chooses_with_its_probability() {
    let chosen = (0..10_000).filter(|_| one_in(16)).count();
    assert!((400..900).contains(&chosen), "{chosen}");
    assert!((0..100).all(|_| one_in(1)));
}

// Zitadel keys its cache by the raw token, so that a memory dump lists usable tokens. These digests
// cannot be compared with a token outside the process.
#[test]
fn token_cache_digest_is_keyed_and_not_the_token() {
    let cache = || TokenCache::<()>::new(10, Duration::from_secs(60)).unwrap();
    let (one, other) = (cache(), cache());
    let token = compact(HEADER, r#"{"sub":"ada"}"#);
    let digest = one.digest(token.as_bytes()).unwrap();
    assert_eq!(size_of_val(&digest), 16);
    assert_eq!(one.digest(token.as_bytes()), Some(digest));
    assert_ne!(other.digest(token.as_bytes()), Some(digest), "keyed");
}

#[test]
fn token_cache_does_not_store_a_token_above_4_kib() {
    let cache = TokenCache::<()>::new(10, Duration::from_secs(60)).unwrap();
    assert!(cache.digest(&[b'x'; 4096]).is_some());
    assert_eq!(cache.digest(&[b'x'; 4097]), None);
}

#[test]
fn token_cache_does_not_find_a_removed_token() {
    let cache = TokenCache::new(10, Duration::from_secs(60)).unwrap();
    let now = Now::read();
    let digests = [1, 2, 3].map(|proof| {
        let digest = cache.digest(&[proof]).unwrap();
        cache.insert(digest, verified(), proof, now);
        digest
    });
    cache.evict(digests[0]);
    cache.evict_if(|proof| *proof == 2);
    let found = digests.map(|digest| cache.find(digest, now).is_some());
    assert_eq!(found, [false, false, true]);
}
