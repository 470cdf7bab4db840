/// Random bytes for keys; `None` when the system has none to give.
pub(crate) fn random_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// For jitter only: without randomness it is 0 rather than an error.
pub(crate) fn random_u64() -> u64 {
    random_bytes().map_or(0, u64::from_le_bytes)
}
