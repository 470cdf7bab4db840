//! [`Rule`]: one rule of a policy, in code or in data, and what makes a rule malformed.

use std::{
    fmt::{self, Write as _},
    ops::Deref,
    time::Duration,
};

use super::Policy;
use crate::{http::is_scope_token, token::SubjectKind, verified_token::VerifiedToken};

/// One rule of a policy. `S` says how its texts and lists are stored.
#[derive(Clone, Copy)]
pub(super) enum Rule<S: Storage> {
    AnyToken,
    Scope(S::Text),
    Group(S::Text),
    Claim(S::Text, S::Text),
    ClaimPath(S::Texts, S::Text),
    Subject(SubjectKind),
    Bound,
    Acr(S::Texts),
    MaxAge(Duration),
    All(S::Policies),
    Any(S::Policies),
    When(&'static str, fn(&VerifiedToken) -> bool),
}

/// How a policy stores its texts and lists.
pub(super) trait Storage: Sized {
    type Text: Deref<Target = str>;
    type Texts: Deref<Target = [Self::Text]>;
    type Policy;
    type Policies: Deref<Target = [Self::Policy]>;

    fn rule(policy: &Self::Policy) -> &Rule<Self>;
}

/// The storage of a [`Policy`]: constants.
#[derive(Clone, Copy)]
pub(super) enum Constant {}

impl Storage for Constant {
    type Text = &'static str;
    type Texts = &'static [&'static str];
    type Policy = Policy;
    type Policies = &'static [Policy];

    fn rule(policy: &Policy) -> &Rule<Self> {
        &policy.0
    }
}

/// The storage of an [`OwnedPolicy`](super::OwnedPolicy): data that the policy owns.
pub(super) enum Owned {}

impl Storage for Owned {
    type Text = Box<str>;
    type Texts = Box<[Box<str>]>;
    type Policy = Rule<Self>;
    type Policies = Box<[Rule<Self>]>;

    fn rule(policy: &Rule<Self>) -> &Rule<Self> {
        policy
    }
}

impl<S: Storage> Rule<S> {
    /// Returns the text of the rule, in at most [`MAX_TEXT`] bytes. It ends with an ellipsis if it was
    /// shortened.
    pub(super) fn to_text(&self) -> String {
        let mut text = Start(String::new());
        // The only error is that the text is full.
        if write!(text, "{self:?}").is_err() {
            text.0.push(ELLIPSIS);
        }
        text.0
    }
}

/// The start of a text, with room for an ellipsis.
struct Start(String);

impl fmt::Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let length = self.0.len() + character.len_utf8();
            if length > MAX_TEXT - ELLIPSIS.len_utf8() {
                return Err(fmt::Error);
            }
            self.0.push(character);
        }
        Ok(())
    }
}

const MAX_TEXT: usize = 256;
const ELLIPSIS: char = '…';

impl<S: Storage> fmt::Debug for Rule<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyToken => f.write_str("any token"),
            Self::Scope(scope) => write!(f, "scope {:?}", &**scope),
            Self::Group(group) => write!(f, "group {:?}", &**group),
            Self::Claim(name, value) => write!(f, "claim {:?} is {:?}", &**name, &**value),
            Self::ClaimPath(path, value) => {
                f.write_str("claim ")?;
                list(f, path.iter().map(Deref::deref))?;
                write!(f, " is {:?}", &**value)
            }
            Self::Subject(SubjectKind::User) => f.write_str("a user"),
            Self::Subject(SubjectKind::Service) => f.write_str("a service"),
            Self::Subject(SubjectKind::Unknown) => f.write_str("a subject of unknown kind"),
            Self::Bound => f.write_str("a bound token"),
            Self::Acr(values) => {
                f.write_str("acr one of ")?;
                list(f, values.iter().map(Deref::deref))
            }
            Self::MaxAge(max_age) => write!(f, "authenticated within {max_age:?}"),
            Self::All(policies) => {
                f.write_str("all of ")?;
                list(f, policies.iter().map(S::rule))
            }
            Self::Any(policies) => {
                f.write_str("any of ")?;
                list(f, policies.iter().map(S::rule))
            }
            Self::When(name, _) => write!(f, "when {name:?}"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, entries: impl Iterator<Item = impl fmt::Debug>) -> fmt::Result {
    f.debug_list().entries(entries).finish()
}

// The checks return what to write instead. They are `const`, because a malformed literal must not compile.

pub(super) const fn check_scope(scope: &str) -> Result<(), &'static str> {
    if is_scope_token(scope) {
        Ok(())
    } else {
        Err("write one scope token, such as \"orders:read\"")
    }
}

pub(super) const fn check_group(group: &str) -> Result<(), &'static str> {
    if group.is_empty() {
        Err("write the group's name")
    } else {
        Ok(())
    }
}

pub(super) const fn check_claim(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("write the claim's name")
    } else {
        Ok(())
    }
}

pub(super) const fn check_acr(values: &[&str]) -> Result<(), &'static str> {
    if values.is_empty() {
        return Err("write at least one acr value");
    }
    let mut index = 0;
    while index < values.len() {
        if !is_scope_token(values[index]) {
            return Err("write one acr value, such as \"urn:okta:loa:2fa:any\"");
        }
        index += 1;
    }
    Ok(())
}

/// Checks the number of policies in an `all`, which would otherwise accept every token, or in an `any`, which
/// would otherwise reject every token.
pub(super) const fn check_count(policies: usize) -> Result<(), &'static str> {
    if policies == 0 {
        Err("write at least one policy")
    } else {
        Ok(())
    }
}
