//! `Position`: where a read continues, and what the log must still have for that.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
};

/// The name of a log and the last entry that was read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) birth: Tag,
    /// `None` if the log had no entry yet.
    pub(super) last: Option<(EntryId, Tag)>,
}

/// A random number that names a log, or the append that stored an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tag(u64);

/// The ID of an entry of a stream. The server numbers entries in the order in which it stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId {
    millis: u64,
    sequence: u64,
}

impl Position {
    /// Parses a position that `to_string` returned. Returns `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let birth = Tag::parse(words.next()?)?;
        let last = match words.next() {
            None => None,
            Some(id) => Some((EntryId::parse(id)?, Tag::parse(words.next()?)?)),
        };
        words.next().is_none().then_some(Self { birth, last })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            None => write!(f, "{}", self.birth),
            Some((id, tag)) => write!(f, "{} {id} {tag}", self.birth),
        }
    }
}

impl Tag {
    /// Returns a number that no other call returns, in any instance. It need not be secret: the server sees it.
    pub(super) fn random() -> Self {
        Self(RandomState::new().hash_one(()))
    }

    /// Parses exactly 16 lower-case hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let tag = Self(u64::from_str_radix(text, 16).ok()?);
        (tag.to_string() == text).then_some(tag)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl EntryId {
    /// Parses `<milliseconds>-<sequence>` as the server writes it. An entry never has the ID `0-0`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (millis, sequence) = text.split_once('-')?;
        let id = Self {
            millis: millis.parse().ok()?,
            sequence: sequence.parse().ok()?,
        };
        (id.to_string() == text && text != "0-0").then_some(id)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "0123456789abcdef";

    #[test]
    fn position_that_this_crate_did_not_write_is_rejected() {
        for text in [
            "",
            " ",
            "0123456789ABCDEF",
            "123456789abcdef",
            "+123456789abcdef",
            "00123456789abcdef",
            "0123456789abcdef ",
            "0123456789abcdef 1-0",
            "0123456789abcdef 1-0 ",
            "0123456789abcdef 0-0 0123456789abcdef",
            "0123456789abcdef 1 0123456789abcdef",
            "0123456789abcdef 01-0 0123456789abcdef",
            "0123456789abcdef +1-0 0123456789abcdef",
            "0123456789abcdef 1-+0 0123456789abcdef",
            "0123456789abcdef 18446744073709551616-0 0123456789abcdef",
            "0123456789abcdef 1-0 0123456789abcdef 1",
            "0123456789abcdef  1-0 0123456789abcdef",
            "0123456789abcde\u{e9}",
        ] {
            assert_eq!(Position::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn position_is_read_as_it_was_written() {
        let last = format!("{TAG} 18446744073709551615-18446744073709551615 {TAG}");
        for text in [TAG, &format!("{TAG} 0-1 {TAG}"), &last] {
            let position = Position::parse(text).expect(text);
            assert_eq!(position.to_string(), text);
        }
    }

    #[test]
    fn entry_ids_are_in_the_order_of_their_numbers() {
        let ids = ["0-1", "9-0", "9-10", "10-2"].map(|text| EntryId::parse(text).expect(text));
        assert!(ids.is_sorted());
    }

    #[test]
    fn tags_differ() {
        let tags: std::collections::HashSet<_> = (0..1_000).map(|_| Tag::random()).collect();
        assert_eq!(tags.len(), 1_000);
    }
}
