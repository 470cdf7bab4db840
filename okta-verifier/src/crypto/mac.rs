use aws_lc_rs::hmac;

/// An HMAC-SHA256 key (RFC 2104). For what this process says to itself, or to its siblings: no
/// token is ever judged by one.
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

    /// In a time that says nothing of the right tag.
    pub(crate) fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::MacKey;

    #[test]
    fn rfc_4231_test_case_2() {
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
}
