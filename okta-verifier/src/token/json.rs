//! Parses JSON objects more strictly than RFC 8259. Duplicate members are rejected at every depth (RFC 7515
//! §4, RFC 7519 §4), and deep nesting is rejected. The number of members is not limited. An object of n
//! bytes has fewer than n / 5 members. They are sorted once, so the cost is O(n log n). The size n of a
//! token is limited.
//!
//! serde_json would need a second pass for duplicates and depth, and its feature `arbitrary_precision`,
//! which any crate of the process can enable, changes how serde_json reads numbers. The tests compare this
//! parser with serde_json.
//!
//! Names are compared after unescaping (RFC 7515 §5.3): `"\u0061lg"` is `alg`.

use std::{borrow::Cow, fmt};

use memchr::memchr;

use crate::{
    error::MalformedTokenError,
    json::{Rules, Scanner, Syntax},
};

/// The members of one object, sorted by name, with their values as JSON text.
pub(crate) struct Object<'a>(Vec<Member<'a>>);

struct Member<'a> {
    name: Name<'a>,
    /// The JSON text of one complete, well-formed value.
    value: &'a str,
}

/// Names are ordered by their first eight bytes as one number, and then by the whole text. Any total order
/// would do. This order is fast, because few names in one object have the same first eight bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    start: u64,
    text: Cow<'a, str>,
}

impl<'a> Object<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, MalformedTokenError> {
        let mut scanner = Scanner::new(text);
        let members = members(&mut scanner, 0)?;
        scanner.ends()?;
        Ok(Self(members))
    }

    /// Returns the member's value as JSON text, or `None` if the member is absent.
    #[inline] // `start` of a constant name is then computed at compile time
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.find(start(name), name)
    }

    fn find(&self, start: u64, name: &str) -> Option<&'a str> {
        let place = self.0.partition_point(|member| member.name.start < start);
        // Even if all names begin with the same bytes, a look-up costs less than sorting the names.
        self.0[place..]
            .iter()
            .take_while(|member| member.name.start == start)
            .find(|member| member.name.text == name)
            .map(|member| member.value)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns the member's value as JSON text, or `None` if the member is absent or null. A null is
    /// treated as an absent member where the member is optional.
    #[inline] // as for `get`
    pub(crate) fn present(&self, name: &str) -> Option<&'a str> {
        self.get(name).filter(|value| *value != "null")
    }

    /// Returns the names and values of the members, in no particular order.
    pub(crate) fn members(&self) -> impl ExactSizeIterator<Item = (&str, &'a str)> {
        (self.0.iter()).map(|member| (&*member.name.text, member.value))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").finish_non_exhaustive()
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

/// Returns the first eight bytes of a name as a number, or all bytes of a shorter name.
#[inline]
fn start(name: &str) -> u64 {
    match name.as_bytes().first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight),
        None => name
            .bytes()
            .fold(0, |start, byte| start << 8 | u64::from(byte)),
    }
}

/// Reads a JSON string from JSON text. Returns `None` for any other value. The result is borrowed if the
/// string has no escape.
pub(crate) fn string(value: &str) -> Option<Cow<'_, str>> {
    let text = value.strip_prefix('"')?;
    if memchr(b'\\', text.as_bytes()).is_none() {
        return text.strip_suffix('"').map(Cow::Borrowed);
    }
    Scanner::new(value).string().ok()
}

/// Reads a JSON array of strings from JSON text. Returns `None` for any other value.
pub(crate) fn strings(value: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut texts = Vec::new();
    for_each_string(value, |text| texts.push(text))?;
    Some(texts)
}

/// Calls `read` for each element of a JSON array of strings, from JSON text. Returns `None` for any other value, possibly
/// after it has called `read` for the first elements.
pub(crate) fn for_each_string<'v>(
    value: &'v str,
    mut read: impl FnMut(Cow<'v, str>),
) -> Option<()> {
    let mut scanner = Scanner::new(value);
    let mut more = scanner.opens(b'[', b']').ok()?;
    while more {
        read(scanner.string().ok()?);
        more = scanner.goes_on(b']').ok()?;
    }
    Some(())
}

/// Reads a JSON array from JSON text, and returns the JSON text of each element. Returns `None` for any other value.
pub(crate) fn values(value: &str) -> Option<Vec<&str>> {
    let mut values = Vec::new();
    let mut scanner = Scanner::new(value);
    let mut more = scanner.opens(b'[', b']').ok()?;
    while more {
        values.push(scanner.value::<InTokens>(1).ok()?);
        more = scanner.goes_on(b']').ok()?;
    }
    scanner.ends().ok()?;
    Some(values)
}

/// Checks a path of member names, from the outermost object down. Returns what to write instead of a malformed
/// path.
pub(crate) const fn check_path(path: &[&str]) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("the path is empty; write the name of the claim and of each member below it");
    }
    // A longer path would never match.
    if path.len() > MAX_DEPTH {
        return Err("the path is longer than claims are nested; write at most 16 names");
    }
    let mut index = 0;
    while index < path.len() {
        if path[index].is_empty() {
            return Err("a name of the path is empty; write the name of a claim or of a member");
        }
        index += 1;
    }
    Ok(())
}

/// The rules for JSON in tokens.
enum InTokens {}

impl Rules for InTokens {
    type Error = MalformedTokenError;

    const MAX_DEPTH: usize = MAX_DEPTH;
    const TOO_DEEP: MalformedTokenError = MalformedTokenError::TooDeep;
    const LIMITS_NUMBERS: bool = true;

    fn object(scanner: &mut Scanner<'_>, depth: usize) -> Result<(), MalformedTokenError> {
        members(scanner, depth).map(|_| ())
    }
}

impl From<Syntax> for MalformedTokenError {
    fn from(_: Syntax) -> Self {
        Self::Json
    }
}

/// Reads an object and returns its members, sorted by name. `depth` is the object's nesting level.
fn members<'a>(
    scanner: &mut Scanner<'a>,
    depth: usize,
) -> Result<Vec<Member<'a>>, MalformedTokenError> {
    let mut more = scanner.opens(b'{', b'}')?;
    // Sixteen members are enough for most tokens. An empty object allocates nothing, because an
    // attacker can send many of them.
    let mut members = Vec::with_capacity(if more { 16 } else { 0 });
    while more {
        let name = Name::new(scanner.string()?);
        scanner.expect(b':')?;
        let value = scanner.value::<InTokens>(depth + 1)?;
        members.push(Member { name, value });
        more = scanner.goes_on(b'}')?;
    }
    members.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    if members.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return Err(MalformedTokenError::DuplicateMember);
    }
    Ok(members)
}

/// The maximum nesting level. It is enough for delegation chains (RFC 8693 §4.1), and far below what
/// overflows a stack.
const MAX_DEPTH: usize = 16;
