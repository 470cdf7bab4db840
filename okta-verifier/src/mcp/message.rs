//! The JSON-RPC messages of a body, read without a copy. A body in which another parser could read other calls is
//! rejected, because the server parses the body again.

use std::borrow::Cow;

use crate::{
    error::McpError,
    json::{Rules, Scanner, Syntax},
};

/// What a message calls.
pub(super) struct Call<'a> {
    pub(super) kind: Kind,
    /// The name of the tool or of the prompt, or the URI of the resource.
    pub(super) target: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
}

/// A body: one message, or a batch.
pub(super) enum Body<'a> {
    One(Message<'a>),
    Batch {
        calls: Vec<Call<'a>>,
        begins_session: bool,
    },
}

/// One message.
#[derive(Default)]
pub(super) struct Message<'a> {
    /// `None` for a response.
    method: Option<Cow<'a, str>>,
    params: Params<'a>,
    id: Id<'a>,
}

/// The members of `params` that can name what is called.
#[derive(Default)]
struct Params<'a> {
    name: Option<Value<'a>>,
    uri: Option<Value<'a>>,
    /// Whether there is a member that some servers read as `name` or `uri`.
    has_similar_member: bool,
}

/// The value of a member that must be a text if the method needs it.
enum Value<'a> {
    Text(Cow<'a, str>),
    Other,
}

#[derive(Clone, Copy, Default)]
enum Id<'a> {
    #[default]
    Absent,
    /// The JSON text of the only `id`, which is a string or a number.
    One(&'a str),
    Unusable,
}

impl<'a> Body<'a> {
    /// Reads a body. An error comes with the `id` of the message, if the message was read.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, (McpError, Option<&'a str>)> {
        // A byte order mark is not JSON either (RFC 8259 §8.1), so the scanner rejects it.
        let text = std::str::from_utf8(body).map_err(|_| (McpError::Json, None))?;
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        match scanner.peek() {
            Some(b'{') => {
                let message = read_one(&mut scanner).map_err(|error| (error, None))?;
                match message.kind() {
                    Ok(_) => Ok(Self::One(message)),
                    Err(error) => Err((error, message.id())),
                }
            }
            Some(b'[') => read_batch(&mut scanner).map_err(|error| (error, None)),
            _ => Err((not_a_message(&mut scanner), None)),
        }
    }
}

fn read_one<'a>(scanner: &mut Scanner<'a>) -> Result<Message<'a>, McpError> {
    let message = Message::read(scanner, 0)?;
    scanner.ends()?;
    Ok(message)
}

fn read_batch<'a>(scanner: &mut Scanner<'a>) -> Result<Body<'a>, McpError> {
    let (mut calls, mut begins_session) = (Vec::new(), false);
    let mut more = scanner.opens(b'[', b']')?;
    if !more {
        scanner.ends()?;
        return Err(McpError::Batch);
    }
    while more {
        scanner.skip_blanks();
        if scanner.peek() != Some(b'{') {
            scanner.value::<InBodies>(1)?;
            return Err(McpError::Message);
        }
        let message = Message::read(scanner, 1)?;
        begins_session |= message.begins_session();
        calls.extend(message.into_call()?);
        more = scanner.goes_on(b']')?;
    }
    scanner.ends()?;
    Ok(Body::Batch {
        calls,
        begins_session,
    })
}

/// Returns the error for a body that is neither an object nor an array.
fn not_a_message(scanner: &mut Scanner<'_>) -> McpError {
    let value = scanner.value::<InBodies>(0);
    match value.and_then(|_| Ok(scanner.ends()?)) {
        Ok(()) => McpError::Message,
        Err(error) => error,
    }
}

impl<'a> Message<'a> {
    /// Reads a message whose nesting level is `depth`. Names are compared after unescaping.
    fn read(scanner: &mut Scanner<'a>, depth: usize) -> Result<Self, McpError> {
        let mut message = Self::default();
        let mut has_params = false;
        let mut more = scanner.opens(b'{', b'}')?;
        while more {
            let name = name(scanner)?;
            match &*name {
                "method" => {
                    let method = value(scanner, depth + 1)?;
                    let Value::Text(method) = method else {
                        return Err(McpError::Message);
                    };
                    if message.method.replace(method).is_some() {
                        return Err(McpError::DuplicateMember);
                    }
                }
                "params" => {
                    if has_params {
                        return Err(McpError::DuplicateMember);
                    }
                    has_params = true;
                    message.params = Params::read(scanner, depth + 1)?;
                }
                "id" => {
                    let text = scanner.value::<InBodies>(depth + 1)?;
                    message.id = message.id.and(text);
                }
                other => {
                    if is_similar(other, &["method", "params"]) {
                        return Err(McpError::SimilarMember);
                    }
                    scanner.value::<InBodies>(depth + 1)?;
                }
            }
            more = scanner.goes_on(b'}')?;
        }
        Ok(message)
    }

    /// Returns what kind of thing the message calls, or `None` if it calls nothing that has a policy of its own.
    fn kind(&self) -> Result<Option<Kind>, McpError> {
        let kind = match self.method() {
            Some("tools/call") => Kind::Tool,
            Some("prompts/get") => Kind::Prompt,
            Some("resources/read" | "resources/subscribe") => Kind::Resource,
            _ => return Ok(None),
        };
        if self.params.has_similar_member {
            return Err(McpError::SimilarMember);
        }
        match self.params.target(kind) {
            Some(Value::Text(_)) => Ok(Some(kind)),
            _ => Err(McpError::Message),
        }
    }

    pub(super) fn into_call(self) -> Result<Option<Call<'a>>, McpError> {
        let Some(kind) = self.kind()? else {
            return Ok(None);
        };
        let place = match kind {
            Kind::Tool | Kind::Prompt => self.params.name,
            Kind::Resource => self.params.uri,
        };
        match place {
            Some(Value::Text(target)) => Ok(Some(Call { kind, target })),
            _ => Err(McpError::Message),
        }
    }

    pub(super) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// Returns the text of `params.name` for a tool or a prompt, or that of `params.uri` for a resource.
    pub(super) fn target(&self, kind: Kind) -> Option<&str> {
        match self.params.target(kind) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns the JSON text of the message's `id`, if a response can repeat it.
    pub(super) fn id(&self) -> Option<&'a str> {
        match self.id {
            Id::One(text) if text.len() <= MAX_ID => Some(text),
            _ => None,
        }
    }

    /// Returns whether the message requires a response.
    pub(super) fn is_request(&self) -> bool {
        self.method.is_some() && !matches!(self.id, Id::Absent)
    }

    pub(super) fn begins_session(&self) -> bool {
        self.method() == Some("initialize")
    }
}

impl<'a> Id<'a> {
    fn and(self, text: &'a str) -> Self {
        let is_usable =
            text.starts_with(['"', '-']) || text.starts_with(|it: char| it.is_ascii_digit());
        match self {
            Self::Absent if is_usable => Self::One(text),
            _ => Self::Unusable,
        }
    }
}

impl<'a> Params<'a> {
    fn read(scanner: &mut Scanner<'a>, depth: usize) -> Result<Self, McpError> {
        let mut params = Self::default();
        scanner.skip_blanks();
        if scanner.peek() != Some(b'{') {
            let text = scanner.value::<InBodies>(depth)?;
            // Parameters by position (JSON-RPC 2.0 §4.2) name nothing, so a call with them is rejected later.
            return match text.starts_with('[') {
                true => Ok(params),
                false => Err(McpError::Message),
            };
        }
        let mut more = scanner.opens(b'{', b'}')?;
        while more {
            let name = name(scanner)?;
            let place = match &*name {
                "name" => Some(&mut params.name),
                "uri" => Some(&mut params.uri),
                other => {
                    params.has_similar_member |= is_similar(other, &["name", "uri"]);
                    None
                }
            };
            match place {
                Some(place) => {
                    if place.replace(value(scanner, depth + 1)?).is_some() {
                        return Err(McpError::DuplicateMember);
                    }
                }
                None => {
                    scanner.value::<InBodies>(depth + 1)?;
                }
            }
            more = scanner.goes_on(b'}')?;
        }
        Ok(params)
    }

    fn target(&self, kind: Kind) -> Option<&Value<'a>> {
        match kind {
            Kind::Tool | Kind::Prompt => self.name.as_ref(),
            Kind::Resource => self.uri.as_ref(),
        }
    }
}

/// Reads a member's name and the colon after it.
fn name<'a>(scanner: &mut Scanner<'a>) -> Result<Cow<'a, str>, McpError> {
    let name = scanner.string()?;
    scanner.expect(b':')?;
    // serde_json would read the value of such a member as JSON text of its own.
    if name.starts_with(RESERVED) {
        return Err(McpError::ReservedMember);
    }
    Ok(name)
}

fn value<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Result<Value<'a>, McpError> {
    scanner.skip_blanks();
    if scanner.peek() == Some(b'"') {
        return Ok(Value::Text(scanner.string()?));
    }
    scanner.value::<InBodies>(depth)?;
    Ok(Value::Other)
}

/// Returns whether another parser could take this name for one of `names`: one that ignores case, as those of Go and
/// .NET do, or one that assigns members to an object, where `__proto__` adds the members of its value.
fn is_similar(name: &str, names: &[&str]) -> bool {
    let fold = |character: char| match character {
        'ſ' => 's',
        '\u{212a}' => 'k', // the Kelvin sign
        'İ' | 'ı' => 'i',
        _ => character.to_ascii_lowercase(),
    };
    name == "__proto__"
        || names
            .iter()
            .any(|one| name.chars().map(fold).eq(one.chars()))
}

/// The rules for JSON in bodies.
enum InBodies {}

impl Rules for InBodies {
    type Error = McpError;

    // The limit of serde_json is one level less, and other parsers have none.
    const MAX_DEPTH: usize = 128;
    const TOO_DEEP: McpError = McpError::TooDeep;
    // The value of a number decides nothing here.
    const LIMITS_NUMBERS: bool = false;

    fn object(scanner: &mut Scanner<'_>, depth: usize) -> Result<(), McpError> {
        let mut more = scanner.opens(b'{', b'}')?;
        while more {
            name(scanner)?;
            scanner.value::<Self>(depth + 1)?;
            more = scanner.goes_on(b'}')?;
        }
        Ok(())
    }
}

impl From<Syntax> for McpError {
    fn from(_: Syntax) -> Self {
        Self::Json
    }
}

const RESERVED: &str = "$serde_json::private::";

/// The maximum length of an `id` that a response repeats, in bytes of its JSON text.
const MAX_ID: usize = 128;
