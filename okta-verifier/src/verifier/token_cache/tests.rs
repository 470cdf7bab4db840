use std::time::Duration;

use super::*;
use crate::{
    sync::clock::Now,
    token::tests::{HEADER, compact},
    verified_token::tests::verified,
};

/// Of a digest that names a seat of its own, where there are enough.
fn entry(name: u8) -> Arc<Entry<u8>> {
    let mut digest = [0; 16];
    digest[0] = name;
    Arc::new(Entry {
        token: verified(),
        proof: name,
        digest: Digest(digest),
        until: Now::read().plus(Duration::from_secs(60)),
    })
}

fn finds(front: &Front<u8>, entry: &Entry<u8>) -> bool {
    let found = front.find(entry.digest);
    found.is_some_and(|found| found.proof == entry.proof)
}

#[test]
fn a_seat_answers_for_its_own_digest_only() {
    let front = Front::new(1);
    let [one, other] = [entry(1), entry(2)];
    assert!(!finds(&front, &one));
    front.offer(&one);
    assert!(front.find(other.digest).is_none());
    front.forget(other.digest);
    assert!(finds(&front, &one));
    front.forget(one.digest);
    assert!(!finds(&front, &one));
}

#[test]
fn a_seat_keeps_nothing_in_memory() {
    let front = Front::new(1);
    let (one, other) = (entry(1), entry(2));
    front.offer(&one);
    let digest = one.digest;
    assert_eq!(Arc::strong_count(&one), 1);
    drop(one);
    assert!(front.find(digest).is_none());
    front.offer(&other);
    assert!(finds(&front, &other), "an empty seat is taken at once");
}

#[test]
fn who_is_asked_for_long_enough_gets_the_seat() {
    let front = Front::new(1);
    let [one, other] = [entry(1), entry(2)];
    front.offer(&one);
    let offers = (1..1_000).find(|_| {
        front.offer(&other);
        finds(&front, &other)
    });
    // The odds of any other outcome: one in 10^57.
    assert!(offers.is_some());
    assert!(!finds(&front, &one));
}

#[test]
fn who_sits_there_gives_way_to_some_only() {
    let [one, other] = [entry(1), entry(2)];
    let at_once = |_: &u32| {
        let front = Front::new(1);
        front.offer(&one);
        front.offer(&other);
        finds(&front, &other)
    };
    // 1,250 of them on average.
    let count = (0..10_000).filter(at_once).count();
    assert!((800..1_800).contains(&count), "{count}");
}

#[test]
fn a_new_entry_of_the_same_token_takes_its_place_at_once() {
    let front = Front::new(1);
    let (old, mut new) = (entry(1), entry(1));
    Arc::get_mut(&mut new).unwrap().proof = 2;
    front.offer(&old);
    front.offer(&new);
    assert!(finds(&front, &new));
}

#[test]
fn all_that_are_gone_leave() {
    let front = Front::new(1_000_000);
    assert_eq!(front.0.len() as u64, MOST_SEATS);
    assert_eq!(Front::<u8>::new(100).0.len(), 64, "no more than entries");
    let entries: Vec<_> = (0..100).map(entry).collect();
    entries.iter().for_each(|entry| front.offer(entry));
    assert!(entries.iter().all(|entry| finds(&front, entry)));
    front.forget_all(|name| *name >= 10);
    let left = entries.iter().filter(|entry| finds(&front, entry));
    assert_eq!(left.map(|entry| entry.proof).max(), Some(9));
}

#[test]
fn one_in_so_many_is_chosen() {
    let chosen = (0..10_000).filter(|_| one_in(16)).count();
    assert!((400..900).contains(&chosen), "{chosen}");
    assert!((0..100).all(|_| one_in(1)));
}

/// A dump of the memory of such a cache is a list of tokens to use. Ours is a list of numbers that
/// nobody outside the process can compare with a token.
#[test]
fn zitadel_keys_its_cache_by_the_raw_token() {
    let cache = || TokenCache::<()>::new(10, Duration::from_secs(60)).unwrap();
    let (one, other) = (cache(), cache());
    let token = compact(HEADER, r#"{"sub":"ada"}"#);
    let digest = one.digest(token.as_bytes()).unwrap();
    assert_eq!(size_of_val(&digest), 16);
    assert_eq!(one.digest(token.as_bytes()), Some(digest));
    assert_ne!(other.digest(token.as_bytes()), Some(digest), "keyed");
}

#[test]
fn a_token_beyond_4_kib_is_not_remembered() {
    let cache = TokenCache::<()>::new(10, Duration::from_secs(60)).unwrap();
    assert!(cache.digest(&[b'x'; 4096]).is_some());
    assert_eq!(cache.digest(&[b'x'; 4097]), None);
}

#[test]
fn what_was_let_go_is_not_found() {
    let cache = TokenCache::new(10, Duration::from_secs(60)).unwrap();
    let now = Now::read();
    let digests = [1, 2, 3].map(|proof| {
        let digest = cache.digest(&[proof]).unwrap();
        cache.remember(digest, verified(), proof, now);
        digest
    });
    cache.forget(digests[0]);
    cache.forget_all(|proof| *proof == 2);
    let found = digests.map(|digest| cache.find(digest, now).is_some());
    assert_eq!(found, [false, false, true]);
}
