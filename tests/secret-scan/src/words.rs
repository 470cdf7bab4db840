//! The set of secrets and the search for them.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    mem, str,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The number of consecutive bytes of a secret that count as the secret.
const LENGTH: usize = 16;
const LOOPBACK: &[u8] = b"127.0.0.1:";
/// The minimum number of windows that are kept: twice as many as any test program makes.
const KEPT: usize = 4_000_000;

#[derive(Debug)]
pub(crate) struct Words {
    secret: Set,
    /// The windows that were in `secret` when it became full.
    older: Set,
    public: Set,
}

type Set = HashSet<u64, BuildHasherDefault<Mixed>>;

impl Words {
    pub(crate) const fn new() -> Self {
        const NONE: Set = HashSet::with_hasher(BuildHasherDefault::new());
        Self {
            secret: NONE,
            older: NONE,
            public: NONE,
        }
    }

    /// Adds a token, a proof, claims as JSON, or a credential of any form, both encoded and decoded.
    pub(crate) fn secret(&mut self, bytes: &[u8]) {
        self.add(bytes);
        for part in bytes.split(|byte| b". =&:".contains(byte)) {
            if let Ok(part) = URL_SAFE_NO_PAD.decode(part) {
                self.add(&part);
            }
        }
    }

    pub(crate) fn public(&mut self, text: &str) {
        self.public.extend(windows(text.as_bytes()));
    }

    /// Returns the first secret in `text`, with the text around it. The secret may appear literally or as a
    /// list of numbers, which is how bytes are printed.
    pub(crate) fn seen_in(&self, text: &[u8]) -> Option<Vec<u8>> {
        let seen = |text: &[u8]| {
            let start = windows(text).position(|word| {
                (self.secret.contains(&word) || self.older.contains(&word))
                    && !self.public.contains(&word)
            })?;
            let end = text.len().min(start + 4 * LENGTH);
            Some(text[start.saturating_sub(4 * LENGTH)..end].to_vec())
        };
        seen(text)
            .or_else(|| seen(&numbers(text, 10, 3)))
            .or_else(|| seen(&numbers(text, 16, 2)))
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.secret.len() > KEPT {
            self.older = mem::take(&mut self.secret);
        }
        // JSON, well-formed or not, is split into names and values. PEM is split into lines without the lines
        // that say that it is a key.
        let texts = bytes.split(|byte| b"\"\\\n".contains(byte));
        for text in texts.filter(|text| !text.starts_with(b"-----")) {
            // What remains of a window beside the address of loopback is some digits of a port, which the URLs of two
            // tests may have in common.
            let is_loopback =
                |window: &[u8]| window.windows(LOOPBACK.len()).any(|it| it == LOOPBACK);
            let secret = windows(text).zip(text.windows(LENGTH));
            let secret = secret.filter(|(_, window)| !is_loopback(window));
            self.secret.extend(secret.map(|(hash, _)| hash));
        }
    }
}

/// Returns the bytes that `text` lists, with at most `digits` digits each: `[101, 121]`, `[65 79]`, `6579`.
fn numbers(text: &[u8], radix: u32, digits: usize) -> Vec<u8> {
    let words = text.split(|byte| !byte.is_ascii_alphanumeric());
    let numbers = words.flat_map(|word| word.chunks(digits));
    let numbers = numbers.filter_map(|number| str::from_utf8(number).ok());
    numbers
        .filter_map(|number| u8::from_str_radix(number, radix).ok())
        .collect()
}

/// Returns each window of consecutive bytes as a hash. Two windows share one only by chance.
fn windows(text: &[u8]) -> impl Iterator<Item = u64> {
    text.windows(LENGTH).map(|window| {
        let [low, high] = [&window[..8], &window[8..]]
            .map(|half| half.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)));
        let product =
            u128::from(low ^ 0x243F_6A88_85A3_08D3) * u128::from(high ^ 0x1319_8A2E_0370_7344);
        (product >> 64) as u64 ^ product as u64
    })
}

/// A hasher that returns the number unchanged, because it is already a hash.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("numbers only");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_not_found_by_the_digits_of_a_loopback_port() {
        let mut words = Words::new();
        words.secret(br#"{"htu":"http://127.0.0.1:37531/orders/confidential"}"#);
        assert!(
            words
                .seen_in(b"issuer=https://127.0.0.1:37534/oauth2/default")
                .is_none()
        );
        assert!(words.seen_in(b"path=/orders/confidential").is_some());
    }

    #[test]
    fn secret_is_found_by_any_sixteen_bytes_of_it() {
        let mut words = Words::new();
        words.secret(b"eyJzdWIiOiJhZGEubG92ZWxhY2VAZXhhbXBsZS5jb20ifQ.e30.c2lnbmF0dXJl");
        words.secret(br#"{"deep":[{"of an opaque token":"grace.hopper@example.com","iss":"https://issuer.test"#);
        words.public("https://issuer.test");
        for seen in [
            "token eyJzdWIiOiJhZGEubG92ZWxhY2V",
            "SI6 JhZGEubG92ZWxhY2U",
            r#"claims {"sub":"ada.lovelace@exam"}"#,
            "a name: f an opaque token",
            "grace.hopper@exa",
        ] {
            let seen_in = words.seen_in(seen.as_bytes());
            assert_eq!(seen_in, Some(seen.as_bytes().to_vec()), "{seen}");
            let bytes = seen.as_bytes();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            for listed in [
                format!("{bytes:?}"),
                format!("{bytes:#?}"),
                format!("{bytes:02x?}"),
                hex,
            ] {
                let seen_in = words.seen_in(listed.as_bytes());
                assert_eq!(seen_in.as_deref(), Some(bytes), "{listed}");
            }
        }
        for unseen in [
            "https://issuer.test",
            "ada.lovelace@exa short of one",
            "short",
            "",
        ] {
            let seen_in = words.seen_in(&unseen.as_bytes()[..unseen.len().min(15)]);
            assert_eq!(seen_in, None, "{unseen}");
        }
        assert_eq!(words.seen_in(b"https://issuer.test"), None);
    }
}
