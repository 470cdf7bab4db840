//! The freshness lifetime of a response in a private cache (RFC 9111 §4.2).

use std::time::Duration;

/// Returns the lifetime from the values of `Cache-Control` and `Age`. Without `max-age`, and with
/// `no-store` or `no-cache`, the lifetime is zero; the key schedule applies a minimum.
pub(crate) fn fresh_for<'h>(
    cache_control: impl Iterator<Item = &'h str>,
    age: impl Iterator<Item = &'h str>,
) -> Duration {
    let mut max_age = None;
    for directive in cache_control.flat_map(|value| value.split(',')) {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Duration::ZERO,
            // Only the first `max-age` counts. `s-maxage` is for shared caches and is ignored.
            "max-age" if max_age.is_none() => {
                max_age = Some(delta_seconds(argument.trim().trim_matches('"')).unwrap_or(0));
            }
            _ => {}
        }
    }
    let age = age
        .filter_map(|value| delta_seconds(value.trim()))
        .max()
        .unwrap_or(0);
    Duration::from_secs(max_age.unwrap_or(0).saturating_sub(age))
}

/// Parses seconds. Returns `None` unless the text consists of digits. A number that overflows is
/// treated as a very large number, not as an error (RFC 9111 §1.2.2).
pub(super) fn delta_seconds(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(LARGE).min(LARGE))
}

const LARGE: u64 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(cache_control: &[&str], age: &[&str]) -> u64 {
        fresh_for(cache_control.iter().copied(), age.iter().copied()).as_secs()
    }

    // conformance 135, 137, 138, 139, 144, 145
    #[test]
    fn cache_control_gives_the_lifetime() {
        for (cache_control, expected) in [
            (&["max-age=3832304, must-revalidate"][..], 3_832_304),
            (&["Max-Age=\"60\""], 60),
            (&["s-maxage=10,max-age=100"], 100),
            (&["max-age=60", "max-age=10"], 60),
            (&["max-age=60, no-cache"], 0),
            (&["no-store"], 0),
            (&["max-age=-1"], 0),
            (&["max-age=soon"], 0),
            (&["max-age=99999999999999999999999"], LARGE),
            (&["private, community=\"UCI\", max-age = 7"], 7),
            (&[], 0),
        ] {
            assert_eq!(seconds(cache_control, &[]), expected, "{cache_control:?}");
        }
    }

    // conformance 136
    #[test]
    fn age_shortens_the_lifetime() {
        assert_eq!(seconds(&["max-age=3600"], &["3500"]), 100);
        assert_eq!(seconds(&["max-age=3600"], &["4000"]), 0);
        assert_eq!(seconds(&["max-age=3600"], &["x", "10"]), 3590);
    }
}
