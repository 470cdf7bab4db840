//! JSON objects, stricter than RFC 8259 asks: a member that occurs twice is rejected at every depth
//! (RFC 7515 §4, RFC 7519 §4), and so is what is nested too deep. Objects may have any number of
//! members: one of n bytes has fewer than n / 5, and they are sorted once, so that the cost of a text
//! is bounded by its bytes times their logarithm, which the cap on its bytes bounds.
//!
//! Names are compared after unescaping (RFC 7515 §5.3), so `"\u0061lg"` is `alg`.

use std::{borrow::Cow, fmt};

use memchr::memchr;

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

/// A place in a JSON text. Blanks before what is asked for are passed over.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// An array or an object begins; whether there is something in it.
    fn opens(&mut self, open: u8, close: u8) -> Result<bool, MalformedToken> {
        self.expect(open)?;
        Ok(!self.takes(close))
    }

    /// Whether another element follows, or else the array or object is closed.
    fn goes_on(&mut self, close: u8) -> Result<bool, MalformedToken> {
        if self.takes(b',') {
            return Ok(true);
        }
        self.expect(close)?;
        Ok(false)
    }

    /// The members of an object that is `depth` levels down, in order of their names.
    fn object(&mut self, depth: usize) -> Result<Vec<Member<'a>>, MalformedToken> {
        let mut more = self.opens(b'{', b'}')?;
        // Of a token's own objects none grows; an empty one, of which many fit into a token, is free.
        let mut members = Vec::with_capacity(if more { 16 } else { 0 });
        while more {
            let name = Name::new(self.name()?);
            let value = self.value(depth + 1)?;
            members.push(Member { name, value });
            more = self.goes_on(b'}')?;
        }
        members.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        if members.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err(MalformedToken::DuplicateMember);
        }
        Ok(members)
    }

    /// A member's name, and the colon behind it.
    fn name(&mut self) -> Result<Cow<'a, str>, MalformedToken> {
        let name = self.string()?;
        self.expect(b':')?;
        Ok(name)
    }

    /// A string, unescaped.
    fn string(&mut self) -> Result<Cow<'a, str>, MalformedToken> {
        self.skip_blanks();
        let start = self.at;
        let escaped = self.skip_string()?;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]));
        }
        serde_json::from_str(&self.text[start..self.at])
            .map(Cow::Owned)
            .map_err(|_| MalformedToken::Json)
    }

    /// One value as it is written, `depth` levels down.
    fn value(&mut self, depth: usize) -> Result<&'a str, MalformedToken> {
        self.skip_blanks();
        let start = self.at;
        self.skip_value(depth)?;
        Ok(&self.text[start..self.at])
    }

    /// Nothing but blanks is left.
    fn ends(&mut self) -> Result<(), MalformedToken> {
        self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(MalformedToken::Json),
        }
    }

    fn skip_value(&mut self, depth: usize) -> Result<(), MalformedToken> {
        if depth > MAX_DEPTH {
            return Err(MalformedToken::TooDeep);
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

    fn skip_array(&mut self, depth: usize) -> Result<(), MalformedToken> {
        let mut more = self.opens(b'[', b']')?;
        while more {
            self.value(depth + 1)?;
            more = self.goes_on(b']')?;
        }
        Ok(())
    }

    fn skip_word(&mut self, word: &str) -> Result<(), MalformedToken> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(MalformedToken::Json);
        }
        self.at += word.len();
        Ok(())
    }

    /// RFC 8259 §6. A number beyond every type is refused too: 10^308 and more.
    fn skip_number(&mut self) -> Result<(), MalformedToken> {
        let start = self.at;
        self.takes_here(b'-');
        let zero = self.takes_here(b'0');
        if !zero {
            self.skip_digits()?;
        }
        if self.takes_here(b'.') {
            self.skip_digits()?;
        }
        if self.takes_here(b'e') || self.takes_here(b'E') {
            let _ = self.takes_here(b'+') || self.takes_here(b'-');
            self.skip_digits()?;
        }
        let number = &self.text[start..self.at];
        // So few digits reach no limit, and dates have fewer.
        let is_small = number.len() <= 16 && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_small || is_in_range(number) {
            Ok(())
        } else {
            Err(MalformedToken::Json)
        }
    }

    /// One or more.
    fn skip_digits(&mut self) -> Result<(), MalformedToken> {
        let digits = self.rest().iter();
        let count = digits.take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 {
            return Err(MalformedToken::Json);
        }
        Ok(())
    }

    /// RFC 8259 §7; whether there is an escape in it.
    fn skip_string(&mut self) -> Result<bool, MalformedToken> {
        if !self.takes_here(b'"') {
            return Err(MalformedToken::Json);
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
                _ => return Err(MalformedToken::Json), // a control character, or the end
            }
            escaped = true;
        }
    }

    /// Half a surrogate pair is no character (RFC 8725 §3.7: UTF-8 throughout).
    fn skip_escape(&mut self) -> Result<(), MalformedToken> {
        let simple = self.rest().get(1).ok_or(MalformedToken::Json)?;
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
            Err(MalformedToken::Json)
        }
    }

    /// `\uXXXX`
    fn skip_unit(&mut self) -> Result<u32, MalformedToken> {
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
        unit.ok_or(MalformedToken::Json)
    }

    fn expect(&mut self, byte: u8) -> Result<(), MalformedToken> {
        if self.takes(byte) {
            Ok(())
        } else {
            Err(MalformedToken::Json)
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

/// Whether a number is less than 10^308, either side of zero. Not by converting it: digits can be
/// chosen for which that takes thousands of steps.
fn is_in_range(number: &str) -> bool {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The place of the first digit that counts, from the point.
    let place = match fraction.find(|digit| digit != '0') {
        _ if whole != "0" => whole.len() as i64,
        Some(zeros) => -(zeros as i64),
        None => return true,
    };
    match exponent.parse::<i64>() {
        Ok(exponent) => place.saturating_add(exponent) <= 308,
        Err(_) => exponent.starts_with('-'), // beyond an i64
    }
}

/// How many bytes go by before one that means something in a string: a quote, a backslash or a
/// control character. Eight at a time.
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = meaning(u64::from_le_bytes(*eight));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take_while(|byte| !(**byte < b' ' || matches!(byte, b'"' | b'\\')))
        .count()
}

/// The high bit of each byte that means something; above the lowest one, of others too.
fn meaning(eight: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // Borrows into the high bit of bytes less than `limit`, if that is at most 128.
    let less = |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
    let equal = |byte: u8| less(eight ^ (ONES * u64::from(byte)), 1);
    (less(eight, b' ') | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

/// Deep enough for delegation chains (RFC 8693 §4.1), shallow enough to stay far from any stack.
const MAX_DEPTH: usize = 16;
