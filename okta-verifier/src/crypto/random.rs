/// Random bytes for keys; `None` when the system has none to give.
pub(crate) fn random_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// What follows `number` in a sequence that never comes to 0, unless it begins there (xorshift64).
/// No secret may rest on it: whoever knows one knows the next.
pub(crate) const fn xorshift(mut number: u64) -> u64 {
    number ^= number << 13;
    number ^= number >> 7;
    number ^ number << 17
}

/// For jitter only: without randomness it is 0 rather than an error.
pub(crate) fn random_u64() -> u64 {
    random_bytes().map_or(0, u64::from_le_bytes)
}
