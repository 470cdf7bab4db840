//! [`DurationText`]: a duration in settings that are data, as text with units; and times as text.

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A duration as text, such as `"90s"` or `"1h 30m"`. The units are `ms`, `s`, `m` and `h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DurationText(pub(crate) Duration);

impl DurationText {
    fn parse(text: &str) -> Option<Self> {
        // humantime knows more units, among them `M` for a month, which must not pass for a minute.
        let mut units = text
            .split(|character: char| !character.is_alphabetic())
            .filter(|unit| !unit.is_empty());
        if !units.all(|unit| UNITS.contains(&unit)) {
            return None;
        }
        humantime::parse_duration(text).ok().map(Self)
    }
}

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = DurationText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<DurationText, E> {
                DurationText::parse(text)
                    .ok_or_else(|| E::custom(format_args!("duration {text:?}: write {EXPECTED}")))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

const UNITS: [&str; 4] = ["ms", "s", "m", "h"];
const EXPECTED: &str = "a number and a unit as text, such as \"10m\"; the units are ms, s, m and h";

/// Reads a time in UTC as RFC 3339 writes it, in seconds since 1970.
pub(crate) fn unix_time(text: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Duration> {
        serde_json::from_value::<DurationText>(text.into())
            .ok()
            .map(|duration| duration.0)
    }

    #[test]
    fn duration_text_is_a_number_and_a_unit() {
        for text in [
            "",
            " ",
            "10",
            "m",
            "-1m",
            "+1m",
            "10M",
            "10min",
            "10 minutes",
            "1d",
            "1w",
            "1y",
            "10us",
            "10µs",
            "10ns",
            "10S",
            "1e3s",
            "m10",
            "10m 5",
            "1h,5m",
            "0x10s",
            "18446744073709551616s",
            "18446744073709551615h",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("90s", 90_000),
            ("10m", 600_000),
            ("24h", 86_400_000),
            ("1h 30m", 5_400_000),
            ("1m30s", 90_000),
        ] {
            assert_eq!(read(text), Some(Duration::from_millis(millis)), "{text:?}");
        }
    }

    #[test]
    fn duration_that_is_a_number_or_malformed_is_an_error_that_says_what_to_write() {
        let error = |json: &str| {
            let error = serde_json::from_str::<DurationText>(json).expect_err("malformed");
            error.to_string()
        };
        for json in ["600", r#""10 min""#, "null", r#"["10m"]"#] {
            assert!(error(json).contains(r#"such as "10m""#), "{json}");
        }
        assert!(error(r#""10M""#).contains(r#"duration "10M""#));
    }
}
