//! [`Mark`]: what a rule names and what a token has, as 16 bytes, so that neither is stored as text.

use std::fmt;

use super::rule::{Kind, SubjectClaim};
use crate::crypto::sha256;

/// One value that a rule can name: the kind, and 120 bits of the SHA-256 hash of the kind and the value.
///
/// The hash has no key, so that a snapshot can be restored by another process. Two values with the same mark cannot be
/// found for a given one (2^120 attempts). If there were two, more tokens would be rejected, never fewer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    kind: MarkKind,
    hash: [u8; 15],
}

/// The kind of a mark. The numbers are part of the format of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum MarkKind {
    /// A `jti`.
    Token = 1,
    /// A user, by one claim.
    Subject = 2,
    /// A session.
    Session = 3,
    Client = 4,
    /// A user at one client.
    SubjectAtClient = 5,
    /// A user's tokens that have no session claim.
    WithoutSession = 6,
}

impl MarkKind {
    /// Returns whether a rule of this kind rejects a token whenever the token was issued.
    pub(crate) const fn ignores_dates(self) -> bool {
        matches!(self, Self::Token | Self::Session)
    }

    /// Returns whether a rule of this kind is about a user.
    pub(crate) const fn is_about_user(self) -> bool {
        matches!(
            self,
            Self::Subject | Self::SubjectAtClient | Self::WithoutSession
        )
    }
}

impl Mark {
    pub(crate) fn token(jti: &str) -> Self {
        Self::new(MarkKind::Token, &[jti.as_bytes()])
    }

    pub(crate) fn subject(claim: SubjectClaim, value: &str) -> Self {
        Self::new(MarkKind::Subject, &[claim.name(), value.as_bytes()])
    }

    pub(crate) fn session(id: &str) -> Self {
        Self::new(MarkKind::Session, &[id.as_bytes()])
    }

    pub(crate) fn client(id: &str) -> Self {
        Self::new(MarkKind::Client, &[id.as_bytes()])
    }

    /// Combines the mark of a user with that of a client.
    pub(crate) fn at_client(self, client: Self) -> Self {
        Self::new(MarkKind::SubjectAtClient, &[&self.hash, &client.hash])
    }

    /// Returns the mark of this user's tokens without a session claim.
    pub(crate) fn without_session(self) -> Self {
        Self::new(MarkKind::WithoutSession, &[&self.hash])
    }

    pub(crate) const fn kind(self) -> MarkKind {
        self.kind
    }

    fn new(kind: MarkKind, parts: &[&[u8]]) -> Self {
        let length = parts.iter().map(|part| 8 + part.len()).sum::<usize>();
        let mut text = Vec::with_capacity(1 + length);
        text.push(kind as u8);
        for part in parts {
            // With its length, so that ("ab", "c") and ("a", "bc") differ.
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        let mut hash = [0; 15];
        hash.copy_from_slice(&sha256(&text)[..15]);
        Self { kind, hash }
    }

    /// Returns the mark as bytes, for a snapshot.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [self.kind as u8; 16];
        bytes[1..].copy_from_slice(&self.hash);
        bytes
    }

    /// Reads a mark of a snapshot. Returns `None` if no kind has this number.
    pub(super) fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let [number, hash @ ..] = bytes;
        let kind = MARK_KINDS.into_iter().find(|it| *it as u8 == number)?;
        Some(Self { kind, hash })
    }
}

/// Omits the hash: the value could be guessed from it.
impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mark").field(&self.kind).finish()
    }
}

pub(crate) const MARK_KINDS: [MarkKind; 6] = [
    MarkKind::Token,
    MarkKind::Subject,
    MarkKind::Session,
    MarkKind::Client,
    MarkKind::SubjectAtClient,
    MarkKind::WithoutSession,
];

impl SubjectClaim {
    /// A name for hashes. It stays the same if the setting for the email claim changes.
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Subject => b"sub",
            Self::OktaUserId => b"uid",
            Self::Email => b"email",
        }
    }
}

impl Kind {
    /// Returns what the rule names: at most two marks. `None` stands for every token of the issuer.
    pub(super) fn marks(&self) -> Option<[Option<Mark>; 2]> {
        let one = |mark| Some([Some(mark), None]);
        match self {
            Self::Token { jti } => one(Mark::token(jti)),
            Self::Subject { claim, value } => one(Mark::subject(*claim, value)),
            Self::Session { id, user } => {
                let of_user = |(claim, value): &(SubjectClaim, Box<str>)| {
                    Mark::subject(*claim, value).without_session()
                };
                Some([Some(Mark::session(id)), user.as_ref().map(of_user)])
            }
            Self::Client { id } => one(Mark::client(id)),
            Self::SubjectAtClient {
                claim,
                value,
                client,
            } => one(Mark::subject(*claim, value).at_client(Mark::client(client))),
            Self::Issuer => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_one_value_differ_by_kind_and_by_claim() {
        let subject = |claim| Mark::subject(claim, "a");
        let marks = [
            Mark::token("a"),
            Mark::session("a"),
            Mark::client("a"),
            subject(SubjectClaim::Subject),
            subject(SubjectClaim::OktaUserId),
            subject(SubjectClaim::Email),
            subject(SubjectClaim::Subject).without_session(),
            subject(SubjectClaim::OktaUserId).without_session(),
            subject(SubjectClaim::Subject).at_client(Mark::client("a")),
            subject(SubjectClaim::Subject).at_client(Mark::client("b")),
        ];
        for (place, one) in marks.iter().enumerate() {
            assert_eq!(Mark::from_bytes(one.to_bytes()), Some(*one));
            assert!(marks[..place].iter().all(|other| other != one), "{place}");
        }
    }

    #[test]
    fn mark_with_an_unknown_kind_is_not_read() {
        assert_eq!(Mark::from_bytes([0; 16]), None);
        assert_eq!(Mark::from_bytes([7; 16]), None);
    }

    #[test]
    fn mark_takes_16_bytes_also_if_it_is_optional() {
        assert_eq!(size_of::<Option<Mark>>(), 16);
    }
}
