//! [`Record`]: what an entry of the shared log says.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::LogEntry;
use crate::revocation::{StreamStatus, mark::Mark};

/// What one entry says. All times are in seconds since 1970.
///
/// The line begins with the version of the format and the kind, and ends with the name, which is the only part that
/// may contain spaces: `1 r TIME MARK ISSUER`. Another version of this crate may write other kinds, so a kind that is
/// not known is not an error of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::revocation) enum Record<'e> {
    /// A rule about tokens of an issuer.
    Rule(IssuerRecord<'e>),
    /// The status of the stream of a transmitter, and when the transmitter reported it.
    Status {
        transmitter: &'e str,
        status: StreamStatus,
        said: u64,
    },
    /// When the last verification event of a transmitter arrived.
    Verified { transmitter: &'e str, at: u64 },
}

/// A rule about tokens of one issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::revocation) struct IssuerRecord<'e> {
    /// The URL or an alias of the issuer.
    pub(in crate::revocation) issuer: &'e str,
    pub(in crate::revocation) limit: Limit,
    pub(in crate::revocation) time: u64,
}

/// Which tokens a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::revocation) enum Limit {
    Mark(Mark),
    /// A token that its issuer reported as inactive. It takes only room that rules do not need.
    Inactive(Mark),
    /// All tokens that were issued at this time or before.
    Tokens,
    /// All tokens of users whose login was at this time or before.
    Logins,
}

impl<'e> Record<'e> {
    /// Returns what the entry says, or `None` if this version cannot read it.
    pub(in crate::revocation) fn read(entry: &'e LogEntry) -> Option<Self> {
        let mut parts = entry.as_str().splitn(3, ' ');
        if parts.next()? != VERSION {
            return None;
        }
        let (kind, rest) = (parts.next()?, parts.next()?);
        let (time, rest) = rest.split_once(' ')?;
        let time = decimal(time)?;
        let rule = |limit, issuer| {
            Some(Self::Rule(IssuerRecord {
                issuer: name(issuer)?,
                limit,
                time,
            }))
        };
        let mark = |limit: fn(Mark) -> Limit| {
            let (text, issuer) = rest.split_once(' ')?;
            rule(limit(mark(text)?), issuer)
        };
        match kind {
            RULE => mark(Limit::Mark),
            INACTIVE => mark(Limit::Inactive),
            TOKENS => rule(Limit::Tokens, rest),
            LOGINS => rule(Limit::Logins, rest),
            STATUS => {
                let (status, transmitter) = rest.split_once(' ')?;
                Some(Self::Status {
                    transmitter: name(transmitter)?,
                    status: StreamStatus::named(status)?,
                    said: time,
                })
            }
            VERIFIED => Some(Self::Verified {
                transmitter: name(rest)?,
                at: time,
            }),
            _ => None,
        }
    }

    /// Returns the entry, or `None` if the name cannot be written, because it is too long or not ASCII.
    pub(in crate::revocation) fn entry(&self) -> Option<LogEntry> {
        let text = match *self {
            Self::Rule(IssuerRecord {
                issuer,
                limit,
                time,
            }) => match limit {
                Limit::Mark(mark) => format!("{VERSION} {RULE} {time} {} {issuer}", text(mark)),
                Limit::Inactive(mark) => {
                    format!("{VERSION} {INACTIVE} {time} {} {issuer}", text(mark))
                }
                Limit::Tokens => format!("{VERSION} {TOKENS} {time} {issuer}"),
                Limit::Logins => format!("{VERSION} {LOGINS} {time} {issuer}"),
            },
            Self::Status {
                transmitter,
                status,
                said,
            } => format!("{VERSION} {STATUS} {said} {} {transmitter}", status.name()),
            Self::Verified { transmitter, at } => {
                format!("{VERSION} {VERIFIED} {at} {transmitter}")
            }
        };
        LogEntry::parse(&text)
    }
}

fn text(mark: Mark) -> String {
    URL_SAFE_NO_PAD.encode(mark.to_bytes())
}

fn mark(text: &str) -> Option<Mark> {
    // Two texts of one mark would be two entries, so the length is exact.
    let bytes = (text.len() == MARK_TEXT).then(|| URL_SAFE_NO_PAD.decode(text).ok())??;
    Mark::from_bytes(bytes.try_into().ok()?)
}

fn name(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Reads a number as it is written: digits without a sign and without leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let is_written = text == "0" || !text.starts_with(['0', '+']);
    is_written.then(|| text.parse().ok())?
}

const VERSION: &str = "1";
const RULE: &str = "r";
const INACTIVE: &str = "i";
const TOKENS: &str = "t";
const LOGINS: &str = "l";
const STATUS: &str = "s";
const VERIFIED: &str = "v";
/// The length of 16 bytes in Base64 without padding.
const MARK_TEXT: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://a.test/oauth2/default";

    fn rule(limit: Limit) -> Record<'static> {
        Record::Rule(IssuerRecord {
            issuer: ISSUER,
            limit,
            time: 1_790_000_000,
        })
    }

    #[test]
    fn entry_that_no_version_writes_is_not_read() {
        for text in [
            "1",
            "1 ",
            "1 r",
            "1 r 5",
            "1 r 5 https://a.test",
            "1 r 5 AAAAAAAAAAAAAAAAAAAAAA https://a.test", // a mark without a kind
            "1 r 5 AQAAAAAAAAAAAAAAAAAAAB https://a.test", // the last bits are not zero
            "1 r 5 AQAAAAAAAAAAAAAAAAAA https://a.test",
            "1 r x AQAAAAAAAAAAAAAAAAAAAA https://a.test",
            "1 r -5 AQAAAAAAAAAAAAAAAAAAAA https://a.test",
            "1 r +5 AQAAAAAAAAAAAAAAAAAAAA https://a.test",
            "1 r 05 AQAAAAAAAAAAAAAAAAAAAA https://a.test",
            "1 r 5 AQAAAAAAAAAAAAAAAAAAAA ",
            "1 t 18446744073709551616 https://a.test",
            "1 t 5 ",
            "1 s 5 resting https://a.test",
            "1 z 5 https://a.test",
            "2 t 5 https://a.test",
            " 1 t 5 https://a.test",
        ] {
            let entry = LogEntry::parse(text).unwrap();
            assert_eq!(Record::read(&entry), None, "{text}");
        }
        for text in ["", "\n", "1 t 5 https://a.test\n", "1 t 5 https://ä.test"] {
            assert!(LogEntry::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn entry_is_read_as_it_was_written() {
        let mark = Mark::token("token-1");
        for record in [
            rule(Limit::Mark(mark)),
            rule(Limit::Inactive(mark)),
            rule(Limit::Tokens),
            rule(Limit::Logins),
            Record::Status {
                transmitter: ISSUER,
                status: StreamStatus::Paused,
                said: u64::MAX,
            },
            Record::Verified {
                transmitter: ISSUER,
                at: 0,
            },
        ] {
            let entry = record.entry().unwrap();
            assert_eq!(Record::read(&entry), Some(record), "{}", entry.as_str());
        }
    }

    #[test]
    fn entry_with_a_name_that_cannot_be_written_is_not_made() {
        for issuer in ["https://ä.test", "https://a.test\n", &"a".repeat(5_000)] {
            let record = Record::Rule(IssuerRecord {
                issuer,
                limit: Limit::Tokens,
                time: 1,
            });
            assert_eq!(record.entry(), None);
        }
    }
}
