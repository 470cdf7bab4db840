//! JSON objects, stricter than RFC 8259 asks: a member that occurs twice is rejected at every depth
//! (RFC 7515 §4, RFC 7519 §4), and so is what is nested too deep. Objects may have any number of
//! members: one of n bytes has fewer than n / 5, and they are sorted once, so that the cost of a text
//! is bounded by its bytes times their logarithm, which the cap on its bytes bounds.
//!
//! Names are compared after unescaping (RFC 7515 §5.3), so `"\u0061lg"` is `alg`.

mod scan;

use std::borrow::Cow;

use memchr::memchr;

use self::scan::Scanner;
use crate::error::MalformedToken;

/// The members of one object, in order, with their values as they are written.
pub(crate) struct Object<'a>(Vec<Member<'a>>);

struct Member<'a> {
    name: Name<'a>,
    /// One whole value, well-formed to the last byte.
    value: &'a str,
}

/// Names are ordered by their first bytes, as one number: any total order would do, and few of
/// the names of one object begin with the same eight.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    start: u64,
    text: Cow<'a, str>,
}

impl<'a> Object<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, MalformedToken> {
        let mut scanner = Scanner::new(text);
        let members = scanner.object(0)?;
        scanner.ends()?;
        Ok(Self(members))
    }

    /// The member's value as JSON text.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let wanted = Name::new(Cow::Borrowed(name));
        let order = |member: &Member<'a>| member.name.cmp(&wanted);
        let place = self.0.binary_search_by(order).ok()?;
        Some(self.0[place].value)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The member's value as JSON text; `None` for a null too, which stands for an absent member
    /// wherever a member is optional.
    pub(crate) fn present(&self, name: &str) -> Option<&'a str> {
        self.get(name).filter(|value| *value != "null")
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> Name<'a> {
    fn new(text: Cow<'a, str>) -> Self {
        Self {
            start: start(&text),
            text,
        }
    }
}

fn start(name: &str) -> u64 {
    match name.as_bytes().first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight),
        None => name
            .bytes()
            .fold(0, |start, byte| start << 8 | u64::from(byte)),
    }
}

/// A JSON string; borrowed where it holds no escape. `value` is JSON text.
pub(crate) fn string(value: &str) -> Option<Cow<'_, str>> {
    let text = value.strip_prefix('"')?;
    if memchr(b'\\', text.as_bytes()).is_none() {
        return text.strip_suffix('"').map(Cow::Borrowed);
    }
    Scanner::new(value).string().ok()
}

/// A JSON array of strings. `value` is JSON text.
pub(crate) fn strings(value: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut texts = Vec::new();
    let mut scanner = Scanner::new(value);
    let mut more = scanner.opens(b'[', b']').ok()?;
    while more {
        texts.push(scanner.string().ok()?);
        more = scanner.goes_on(b']').ok()?;
    }
    Some(texts)
}
