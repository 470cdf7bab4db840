//! Base64url without padding (RFC 7515 §2). Stray trailing bits are rejected, so that each token has only
//! one encoding, because tokens are compared and hashed as they were sent.

use base64::{
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::error::MalformedTokenError;

/// The codec for encoding, and for decoding short texts.
pub(crate) const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(false),
);

/// Decodes a part of a token with tables, sixteen characters at a time. This takes fewer instructions than
/// the crate base64, which matters because every token that is not cached is decoded. The tests compare
/// this decoder with that crate.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, MalformedTokenError> {
    let (sixteens, rest) = text.as_chunks();
    let mut bytes = vec![0; text.len().div_ceil(16) * 12];
    let (twelves, _) = bytes.as_chunks_mut();
    let mut strange = 0;
    for (sixteen, twelve) in sixteens.iter().zip(&mut *twelves) {
        strange |= decode_sixteen(sixteen, twelve);
    }
    if let (false, Some(twelve)) = (rest.is_empty(), twelves.last_mut()) {
        let mut sixteen = [b'A'; 16];
        sixteen[..rest.len()].copy_from_slice(rest);
        strange |= decode_sixteen(&sixteen, twelve);
    }
    if strange & STRANGE != 0 {
        return Err(MalformedTokenError::Alphabet);
    }
    // A trailing group of one character is invalid; trailing bits must be zero (RFC 4648 §3.5).
    let length = text.len() / 4 * 3 + (text.len() % 4).saturating_sub(1);
    let over = bytes.get(length..).unwrap_or_default();
    if text.len() % 4 == 1 || over.iter().any(|byte| *byte != 0) {
        return Err(MalformedTokenError::Base64);
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Decodes sixteen characters to twelve bytes. Sets [`STRANGE`] in the result if any character is outside
/// the alphabet.
fn decode_sixteen(sixteen: &[u8; 16], twelve: &mut [u8; 12]) -> u32 {
    let three = |at: usize| {
        let byte = |place: usize| TABLES[place][usize::from(sixteen[at + place])];
        byte(0) | byte(1) | byte(2) | byte(3)
    };
    let (first, second, third, fourth) = (three(0), three(4), three(8), three(12));
    let low = u64::from(first) | u64::from(second) << 24 | u64::from(third) << 48;
    let high = third << 8 >> 24 | fourth << 8;
    twelve[..8].copy_from_slice(&low.to_le_bytes());
    twelve[8..].copy_from_slice(&high.to_le_bytes());
    first | second | third | fourth
}

/// One table for each place in a group of four characters. An entry has the bits that a character at this
/// place sets in the three decoded bytes. The first decoded byte is the lowest byte of the entry.
static TABLES: [[u32; 256]; 4] = {
    let mut tables = [[STRANGE; 256]; 4];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut value = 0;
    while value < 64 {
        let mut place = 0;
        while place < 4 {
            let bits = (value as u32) << (18 - 6 * place);
            tables[place][alphabet[value] as usize] = bits.swap_bytes() >> 8;
            place += 1;
        }
        value += 1;
    }
    tables
};

const STRANGE: u32 = 1 << 31;
