//! The fingerprint of CVE-2017-15361 (ROCA), in a file of its own because it concerns RSA and not JWKs.
//!
//! The affected chips chose their primes as `k * M + (65537^a mod M)`, where `M` is the product of
//! the first primes: of at least 39, so up to 167. The modulus is then a power of 65537 modulo
//! each of them, and can be factored.

/// Whether `modulus`, big-endian, is a power of 65537 modulo every prime up to 167.
///
/// That is so for about 1 of 240 million other moduli (2^-27.8: the product, over the 17 of these
/// primes where 65537 generates a proper subgroup, of its share of the whole group).
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    // Ends at the first prime that does not fit, for nearly every other modulus 11.
    PRIMES
        .into_iter()
        .all(|prime| is_power_of_65537(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime)
}

/// Walks through the subgroup that 65537 generates modulo `prime`.
fn is_power_of_65537(number: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == number {
            return true;
        }
        power = power * (65537 % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

/// From 3 to 167: an odd number is always a power of 65537 modulo 2.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];
