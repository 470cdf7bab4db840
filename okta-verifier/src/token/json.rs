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

use crate::error::MalformedTokenError;

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
        let members = scanner.object(0)?;
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
    let mut scanner = Scanner::new(value);
    let mut more = scanner.opens(b'[', b']').ok()?;
    while more {
        texts.push(scanner.string().ok()?);
        more = scanner.goes_on(b']').ok()?;
    }
    Some(texts)
}

/// Reads a JSON array from JSON text, and returns the JSON text of each element. Returns `None` for any other value.
pub(crate) fn values(value: &str) -> Option<Vec<&str>> {
    let mut values = Vec::new();
    let mut scanner = Scanner::new(value);
    let mut more = scanner.opens(b'[', b']').ok()?;
    while more {
        values.push(scanner.value(1).ok()?);
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

/// A position in a JSON text. The methods validate the text from this position on. They build the members
/// of objects and the strings that a caller reads, but no other values.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Opens an array or an object, and returns whether it has any element.
    fn opens(&mut self, open: u8, close: u8) -> Result<bool, MalformedTokenError> {
        self.expect(open)?;
        Ok(!self.takes(close))
    }

    /// Returns whether another element follows; otherwise the array or object is closed.
    fn goes_on(&mut self, close: u8) -> Result<bool, MalformedTokenError> {
        if self.takes(b',') {
            return Ok(true);
        }
        self.expect(close)?;
        Ok(false)
    }

    /// Reads an object and returns its members, sorted by name. `depth` is the object's nesting level.
    fn object(&mut self, depth: usize) -> Result<Vec<Member<'a>>, MalformedTokenError> {
        let mut more = self.opens(b'{', b'}')?;
        // Sixteen members are enough for most tokens. An empty object allocates nothing, because an
        // attacker can send many of them.
        let mut members = Vec::with_capacity(if more { 16 } else { 0 });
        while more {
            let name = self.name()?;
            let value = self.value(depth + 1)?;
            members.push(Member { name, value });
            more = self.goes_on(b'}')?;
        }
        members.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        if members.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err(MalformedTokenError::DuplicateMember);
        }
        Ok(members)
    }

    /// Reads a member's name and the colon after it.
    fn name(&mut self) -> Result<Name<'a>, MalformedTokenError> {
        let name = Name::new(self.string()?);
        self.expect(b':')?;
        Ok(name)
    }

    /// Reads and unescapes a string.
    fn string(&mut self) -> Result<Cow<'a, str>, MalformedTokenError> {
        self.skip_blanks();
        let start = self.at;
        let escaped = self.skip_string()?;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]));
        }
        serde_json::from_str(&self.text[start..self.at])
            .map(Cow::Owned)
            .map_err(|_| MalformedTokenError::Json)
    }

    /// Reads the next value and returns its JSON text. `depth` is the nesting level of the value, which is
    /// limited.
    fn value(&mut self, depth: usize) -> Result<&'a str, MalformedTokenError> {
        self.skip_blanks();
        let start = self.at;
        self.skip_value(depth)?;
        Ok(&self.text[start..self.at])
    }

    /// Checks that only whitespace is left.
    fn ends(&mut self) -> Result<(), MalformedTokenError> {
        self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(MalformedTokenError::Json),
        }
    }

    fn skip_value(&mut self, depth: usize) -> Result<(), MalformedTokenError> {
        if depth > MAX_DEPTH {
            return Err(MalformedTokenError::TooDeep);
        }
        match self.peek() {
            Some(b'"') => self.skip_string().map(|_| ()),
            Some(b'{') => self.object(depth).map(|_| ()),
            Some(b'[') => self.skip_array(depth),
            Some(b't') => self.skip_word("true"),
            Some(b'f') => self.skip_word("false"),
            Some(b'n') => self.skip_word("null"),
            _ => self.skip_number(),
        }
    }

    fn skip_array(&mut self, depth: usize) -> Result<(), MalformedTokenError> {
        let mut more = self.opens(b'[', b']')?;
        while more {
            self.value(depth + 1)?;
            more = self.goes_on(b']')?;
        }
        Ok(())
    }

    fn skip_word(&mut self, word: &str) -> Result<(), MalformedTokenError> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(MalformedTokenError::Json);
        }
        self.at += word.len();
        Ok(())
    }

    /// Skips a number (RFC 8259 §6). A number whose absolute value is 10^308 or more is rejected, because
    /// `f64` cannot hold all such numbers.
    fn skip_number(&mut self) -> Result<(), MalformedTokenError> {
        let start = self.at;
        self.takes_here(b'-');
        let zero = self.takes_here(b'0');
        if !zero {
            self.skip_digits()?;
        }
        let has_fraction = self.takes_here(b'.');
        if has_fraction {
            self.skip_digits()?;
        }
        let has_exponent = self.takes_here(b'e') || self.takes_here(b'E');
        if has_exponent {
            let _ = self.takes_here(b'+') || self.takes_here(b'-');
            self.skip_digits()?;
        }
        let number = &self.text[start..self.at];
        // Integers of up to 16 characters, such as dates, are always in range.
        let is_small = number.len() <= 16 && !has_fraction && !has_exponent;
        if is_small || is_in_range(number) {
            Ok(())
        } else {
            Err(MalformedTokenError::Json)
        }
    }

    /// Skips one or more digits.
    fn skip_digits(&mut self) -> Result<(), MalformedTokenError> {
        let digits = self.rest().iter();
        let count = digits.take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 {
            return Err(MalformedTokenError::Json);
        }
        Ok(())
    }

    /// Skips a string (RFC 8259 §7) and returns whether it has an escape.
    fn skip_string(&mut self) -> Result<bool, MalformedTokenError> {
        if !self.takes_here(b'"') {
            return Err(MalformedTokenError::Json);
        }
        let mut escaped = false;
        loop {
            self.at += plain(self.rest());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => self.skip_escape()?,
                _ => return Err(MalformedTokenError::Json), // a control character, or the end
            }
            escaped = true;
        }
    }

    /// Skips an escape. An unpaired surrogate is rejected, because it is not a character (RFC 8725 §3.7
    /// requires UTF-8).
    fn skip_escape(&mut self) -> Result<(), MalformedTokenError> {
        let simple = self.rest().get(1).ok_or(MalformedTokenError::Json)?;
        if b"\"\\/bfnrt".contains(simple) {
            self.at += 2;
            return Ok(());
        }
        let unit = self.skip_unit()?;
        let is_pair = match unit {
            0xD800..0xDC00 => (0xDC00..0xE000).contains(&self.skip_unit()?),
            0xDC00..0xE000 => false,
            _ => true,
        };
        if is_pair {
            Ok(())
        } else {
            Err(MalformedTokenError::Json)
        }
    }

    /// Reads `\uXXXX` and returns its code unit.
    fn skip_unit(&mut self) -> Result<u32, MalformedTokenError> {
        let digits = match self.rest() {
            [b'\\', b'u', digits @ ..] => digits.first_chunk::<4>(),
            _ => None,
        };
        let unit = digits.and_then(|digits| {
            digits.iter().try_fold(0, |unit, digit| {
                let value = char::from(*digit).to_digit(16)?;
                Some(unit << 4 | value)
            })
        });
        self.at += 6;
        unit.ok_or(MalformedTokenError::Json)
    }

    fn expect(&mut self, byte: u8) -> Result<(), MalformedTokenError> {
        if self.takes(byte) {
            Ok(())
        } else {
            Err(MalformedTokenError::Json)
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        self.takes_here(byte)
    }

    fn takes_here(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}

/// Returns whether a number is between -10^308 and 10^308. The number is not parsed, because some numbers
/// take thousands of steps to convert.
fn is_in_range(number: &str) -> bool {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The place of the first significant digit, counted from the decimal point.
    let place = match fraction.find(|digit| digit != '0') {
        _ if whole != "0" => whole.len() as i64,
        Some(zeros) => -(zeros as i64),
        None => return true,
    };
    match exponent.parse::<i64>() {
        Ok(exponent) => place.saturating_add(exponent) <= 308,
        Err(_) => exponent.starts_with('-'), // out of the range of i64
    }
}

/// Returns the number of bytes before the next quote, backslash or control character in a string, reading
/// eight bytes at a time.
fn plain(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks();
    for (number, eight) in eights.iter().enumerate() {
        let found = special(u64::from_le_bytes(*eight));
        if found != 0 {
            return number * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &&u8| !(**byte < b' ' || matches!(byte, b'"' | b'\\'));
    bytes.len() - rest.len() + rest.iter().take_while(is_plain).count()
}

/// Sets the high bit of each byte that is a quote, a backslash or a control character. Bits above the first
/// match may be false positives.
fn special(eight: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // Sets the high bit of each byte below `limit`, because the subtraction borrows. `limit` must be at
    // most 128.
    let less = |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
    let flipped = |byte: u8| eight ^ (ONES * u64::from(byte));
    // Flipping the bit that distinguishes the quote from the space turns the quote into the first code
    // after the control characters. Control characters stay control characters.
    let control_or_quote = less(flipped(b'"' ^ b' '), b' ' + 1);
    (control_or_quote | less(flipped(b'\\'), 1)) & (ONES << 7)
}

/// The maximum nesting level. It is enough for delegation chains (RFC 8693 §4.1), and far below what
/// overflows a stack.
const MAX_DEPTH: usize = 16;
