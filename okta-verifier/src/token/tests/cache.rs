//! What stands for a token in the cache.

use std::time::Duration;

use super::{HEADER, compact};
use crate::token::cache::TokenCache;

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
