//! Checks of the bytes of tokens and header fields. The checks for long texts have no branches, so that
//! the compiler can vectorize them.

/// Returns whether every byte is in `class`. The function `class` must use `|` and `&` instead of `||`
/// and `&&`: the compiled code then checks many bytes at a time.
pub(crate) fn all(bytes: &[u8], class: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & class(*byte))
}

pub(crate) fn is_alphanumeric(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    letter | digit
}

/// Returns whether the byte may be in a field name or an authentication scheme (RFC 9110 §5.6.2).
pub(crate) fn is_tchar(byte: u8) -> bool {
    let is_delimiter = matches!(
        byte,
        b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'[' | b'\\' | b']' | b'{' | b'}'
    );
    byte.is_ascii_graphic() && !is_delimiter
}

/// Returns whether the byte is in the base64url alphabet (RFC 4648 §5).
pub(crate) fn is_base64url(byte: u8) -> bool {
    is_alphanumeric(byte) | (byte == b'-') | (byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_classes_agree_with_the_standard_library() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_alphanumeric(byte), byte.is_ascii_alphanumeric());
            let base64url = byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert_eq!(is_base64url(byte), base64url);
        }
    }

    #[test]
    fn tchar_is_visible_and_not_a_delimiter() {
        for byte in 0..=u8::MAX {
            let delimiter = br#"(),/:;<=>?@[\]{}""#.contains(&byte);
            assert_eq!(is_tchar(byte), byte.is_ascii_graphic() && !delimiter);
        }
    }

    #[test]
    fn byte_outside_the_class_is_found_anywhere() {
        assert!(all(&[b'a'; 200], is_alphanumeric));
        assert!(all(&[], is_alphanumeric));
        for position in 0..200 {
            let mut bytes = [b'a'; 200];
            bytes[position] = b'.';
            assert!(!all(&bytes, is_alphanumeric));
        }
    }
}
