//! [`Scanner`]: reads JSON text in one pass, strictly by RFC 8259. What an object may contain, and how deep values
//! may be nested, differs between tokens and requests, so [`Rules`] says it.

use std::borrow::Cow;

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax;

/// The rules for the values that a [`Scanner`] skips.
pub(crate) trait Rules {
    type Error: From<Syntax>;

    /// The maximum nesting level. It must be far below what overflows a stack.
    const MAX_DEPTH: usize;
    const TOO_DEEP: Self::Error;
    /// Whether a number whose absolute value is 10^308 or more is rejected.
    const LIMITS_NUMBERS: bool;

    /// Skips an object whose nesting level is `depth`.
    fn object(scanner: &mut Scanner<'_>, depth: usize) -> Result<(), Self::Error>;
}

/// A position in a JSON text. The methods validate the text from this position on. They build the members
/// of objects and the strings that a caller reads, but no other values.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Opens an array or an object, and returns whether it has any element.
    pub(crate) fn opens(&mut self, open: u8, close: u8) -> Result<bool, Syntax> {
        self.expect(open)?;
        Ok(!self.takes(close))
    }

    /// Returns whether another element follows; otherwise the array or object is closed.
    pub(crate) fn goes_on(&mut self, close: u8) -> Result<bool, Syntax> {
        if self.takes(b',') {
            return Ok(true);
        }
        self.expect(close)?;
        Ok(false)
    }

    /// Reads and unescapes a string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Syntax> {
        self.skip_blanks();
        let start = self.at;
        let escaped = self.skip_string()?;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]));
        }
        serde_json::from_str(&self.text[start..self.at])
            .map(Cow::Owned)
            .map_err(|_| Syntax)
    }

    /// Reads the next value and returns its JSON text. `depth` is the nesting level of the value, which is
    /// limited.
    pub(crate) fn value<R: Rules>(&mut self, depth: usize) -> Result<&'a str, R::Error> {
        self.skip_blanks();
        let start = self.at;
        self.skip_value::<R>(depth)?;
        Ok(&self.text[start..self.at])
    }

    /// Checks that only whitespace is left.
    pub(crate) fn ends(&mut self) -> Result<(), Syntax> {
        self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Syntax),
        }
    }

    fn skip_value<R: Rules>(&mut self, depth: usize) -> Result<(), R::Error> {
        if depth > R::MAX_DEPTH {
            return Err(R::TOO_DEEP);
        }
        match self.peek() {
            Some(b'"') => self.skip_string().map(|_| ())?,
            Some(b'{') => R::object(self, depth)?,
            Some(b'[') => self.skip_array::<R>(depth)?,
            Some(b't') => self.skip_word("true")?,
            Some(b'f') => self.skip_word("false")?,
            Some(b'n') => self.skip_word("null")?,
            _ => self.skip_number(R::LIMITS_NUMBERS)?,
        }
        Ok(())
    }

    fn skip_array<R: Rules>(&mut self, depth: usize) -> Result<(), R::Error> {
        let mut more = self.opens(b'[', b']')?;
        while more {
            self.value::<R>(depth + 1)?;
            more = self.goes_on(b']')?;
        }
        Ok(())
    }

    fn skip_word(&mut self, word: &str) -> Result<(), Syntax> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    /// Skips a number (RFC 8259 §6). If `is_limited`, a number whose absolute value is 10^308 or more is rejected,
    /// because `f64` cannot hold all such numbers.
    fn skip_number(&mut self, is_limited: bool) -> Result<(), Syntax> {
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
        if is_small || !is_limited || is_in_range(number) {
            Ok(())
        } else {
            Err(Syntax)
        }
    }

    /// Skips one or more digits.
    fn skip_digits(&mut self) -> Result<(), Syntax> {
        let digits = self.rest().iter();
        let count = digits.take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 {
            return Err(Syntax);
        }
        Ok(())
    }

    /// Skips a string (RFC 8259 §7) and returns whether it has an escape.
    fn skip_string(&mut self) -> Result<bool, Syntax> {
        if !self.takes_here(b'"') {
            return Err(Syntax);
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
                _ => return Err(Syntax), // a control character, or the end
            }
            escaped = true;
        }
    }

    /// Skips an escape. An unpaired surrogate is rejected, because it is not a character (RFC 8725 §3.7
    /// requires UTF-8).
    fn skip_escape(&mut self) -> Result<(), Syntax> {
        let simple = self.rest().get(1).ok_or(Syntax)?;
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
        if is_pair { Ok(()) } else { Err(Syntax) }
    }

    /// Reads `\uXXXX` and returns its code unit.
    fn skip_unit(&mut self) -> Result<u32, Syntax> {
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
        unit.ok_or(Syntax)
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Syntax> {
        if self.takes(byte) {
            Ok(())
        } else {
            Err(Syntax)
        }
    }

    pub(crate) fn takes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        self.takes_here(byte)
    }

    fn takes_here(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
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
