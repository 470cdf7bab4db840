//! What stands for a token in the cache.

use std::time::Duration;

use super::{HEADER, compact, verified};
use crate::{time::Now, token::cache::TokenCache};

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
