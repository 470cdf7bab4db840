//! SHA-256, HMAC-SHA256 and the keyed fingerprint of texts.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hmac,
};

use super::random_bytes;

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    output.copy_from_slice(digest(&SHA256, bytes).as_ref());
    output
}

/// An HMAC-SHA256 key (RFC 2104), for nonces that this process or another instance of the service issues
/// and verifies. Such a key never verifies tokens.
#[derive(Clone)]
pub(crate) struct MacKey(hmac::Key);

const MAC_LENGTH: usize = 32;

impl MacKey {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; MAC_LENGTH] {
        let mut output = [0; MAC_LENGTH];
        output.copy_from_slice(hmac::sign(&self.0, message).as_ref());
        output
    }

    /// Returns whether `tag` is the MAC of `message`. The comparison takes constant time.
    pub(crate) fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

/// Computes 128-bit fingerprints of texts with a random key that is never revealed.
///
/// A fingerprint is the GHASH of AES-GCM (NIST SP 800-38D §6.4) over the text. GHASH is a polynomial in the
/// hash key with one coefficient per block of 16 bytes and one for the length. Two texts that are chosen
/// without knowledge of a uniform hash key therefore have the same fingerprint with a probability of at
/// most the number of those blocks over 2^128: 257 blocks, about 2^-119.99, for the 4,096 bytes of the
/// largest cached token, and 4,097 blocks, about 2^-116, for the 64 KiB of the largest token that the
/// introspector can be configured to accept. The bound holds for any computing power. Only the uniform hash
/// key is an assumption: it is the AES-128 encryption of a block of zeros.
///
/// Nothing is encrypted, so the nonce may be constant as long as no fingerprint leaves the process.
pub(crate) struct Fingerprints(LessSafeKey);

pub(crate) type Fingerprint = [u8; 16];

impl Fingerprints {
    /// Generates a random key. Returns `None` if the random number generator is unavailable.
    pub(crate) fn new() -> Option<Self> {
        let key = UnboundKey::new(&AES_128_GCM, &random_bytes::<16>()?).ok()?;
        Some(Self(LessSafeKey::new(key)))
    }

    pub(crate) fn of(&self, text: &[u8]) -> Option<Fingerprint> {
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(text), &mut [])
            .ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Returns one fingerprint of several texts, or `None` if it cannot be computed. The fingerprint
    /// includes the lengths of the texts, so that ("ab", "c") and ("a", "bc") differ.
    pub(crate) fn of_all(&self, texts: &[&str]) -> Option<Fingerprint> {
        let lengths = texts.iter().flat_map(|text| text.len().to_be_bytes());
        let bytes = texts.iter().flat_map(|text| text.bytes());
        self.of(&lengths.chain(bytes).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_matches_rfc_4231_test_case_2() {
        let tag = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95,
            0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9,
            0x64, 0xec, 0x38, 0x43,
        ];
        let key = MacKey::new(b"Jefe");
        let message = b"what do ya want for nothing?";
        assert_eq!(key.sign(message), tag);
        assert!(key.verifies(message, &tag));
        assert!(!key.verifies(message, &tag[..31]));
        assert!(!key.verifies(&message[1..], &tag));
        assert!(!key.verifies(message, &[]));
    }

    #[test]
    fn fingerprint_changes_with_every_byte() {
        let fingerprints = Fingerprints::new().unwrap();
        let text = vec![b'a'; 1000];
        let one = fingerprints.of(&text).unwrap();
        assert_eq!(fingerprints.of(&text), Some(one));
        for position in 0..text.len() {
            let mut changed = text.clone();
            changed[position] = b'b';
            assert_ne!(fingerprints.of(&changed), Some(one));
            assert_ne!(fingerprints.of(&text[..position]), Some(one));
        }
    }

    #[test]
    fn fingerprint_depends_on_the_key() {
        let of = || Fingerprints::new().unwrap().of(b"text").unwrap();
        assert_ne!(of(), of());
    }

    #[test]
    fn fingerprint_depends_on_trailing_zeros() {
        // GHASH pads the last block with zeros and ends with the length.
        let fingerprints = Fingerprints::new().unwrap();
        assert_ne!(fingerprints.of(b"a"), fingerprints.of(b"a\0"));
        assert_ne!(fingerprints.of(b""), fingerprints.of(&[0; 16]));
    }

    #[test]
    fn fingerprint_of_several_texts_depends_on_where_each_ends() {
        let fingerprints = Fingerprints::new().unwrap();
        let of = |texts: &[&str]| fingerprints.of_all(texts).unwrap();
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        for other in [&["a", "bc"][..], &["abc", ""], &["abc"], &["c", "ab"]] {
            assert_ne!(of(&["ab", "c"]), of(other), "{other:?}");
        }
    }
}
