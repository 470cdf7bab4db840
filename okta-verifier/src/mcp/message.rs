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
    /// The name of the tool or of the prompt, the URI of the resource, or the template of such URIs.
    pub(super) target: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Tool,
    Prompt,
    Resource,
    /// The resources with the URIs of a template (RFC 6570), such as `file:///{name}`.
    Template,
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
    /// The method. `None` if the message is a response.
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
    /// `None` without a member `notifications`.
    subscriptions: Option<Result<Vec<Cow<'a, str>>, McpError>>,
    /// `None` without a member `ref`.
    completed: Option<Result<Vec<Call<'a>>, McpError>>,
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
        let (call, others) = message.into_calls()?;
        calls.extend(call.into_iter().chain(others));
        if calls.len() > MAX_CALLS {
            return Err(McpError::TooManyCalls);
        }
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

    /// Checks that the message names what it calls, and returns the kind of it, or `None` if the message calls nothing
    /// that has a policy of its own.
    fn kind(&self) -> Result<Option<Kind>, McpError> {
        let kind = match self.method() {
            Some("tools/call") => Kind::Tool,
            Some("prompts/get") => Kind::Prompt,
            Some(READ_DIRECTORY | "resources/read" | "resources/subscribe" | GET_SKILL) => {
                Kind::Resource
            }
            Some(LISTEN) => return check_member(&self.params.subscriptions).map(|()| None),
            Some(COMPLETE) => return check_member(&self.params.completed).map(|()| None),
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

    /// Returns what the message calls.
    pub(super) fn into_calls(self) -> Result<(Option<Call<'a>>, Vec<Call<'a>>), McpError> {
        let kind = self.kind()?;
        let is_directory = self.method() == Some(READ_DIRECTORY);
        let subscribes = self.method() == Some(LISTEN);
        let completes = self.method() == Some(COMPLETE);
        let place = match kind {
            None => None,
            Some(Kind::Tool | Kind::Prompt) => self.params.name,
            Some(Kind::Resource | Kind::Template) => self.params.uri,
        };
        let call = match (kind, place) {
            (Some(kind), Some(Value::Text(mut target))) => {
                // The prefix of a directory ends with a slash.
                if is_directory && !target.ends_with('/') {
                    target.to_mut().push('/');
                }
                Some(Call { kind, target })
            }
            _ => None,
        };
        let kind = Kind::Resource;
        let others = match (self.params.subscriptions, self.params.completed) {
            (Some(Ok(uris)), _) if subscribes => uris
                .into_iter()
                .map(|target| Call { kind, target })
                .collect(),
            (_, Some(Ok(calls))) if completes => calls,
            _ => Vec::new(),
        };
        Ok((call, others))
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
                "notifications" => {
                    // Only one method reads them, so that the error is that of this method.
                    params.subscriptions = Some(match params.subscriptions {
                        None => subscriptions(scanner, depth + 1)?,
                        Some(_) => {
                            scanner.value::<InBodies>(depth + 1)?;
                            Err(McpError::DuplicateMember)
                        }
                    });
                    more = scanner.goes_on(b'}')?;
                    continue;
                }
                "ref" => {
                    params.completed = Some(match params.completed {
                        None => reference(scanner, depth + 1)?,
                        Some(_) => {
                            scanner.value::<InBodies>(depth + 1)?;
                            Err(McpError::DuplicateMember)
                        }
                    });
                    more = scanner.goes_on(b'}')?;
                    continue;
                }
                other => {
                    if is_similar(other, &["notifications"]) {
                        params.subscriptions = Some(Err(McpError::SimilarMember));
                    }
                    if is_similar(other, &["ref"]) {
                        params.completed = Some(Err(McpError::SimilarMember));
                    }
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
            Kind::Resource | Kind::Template => self.uri.as_ref(),
        }
    }
}

/// Reads the `notifications` of a `subscriptions/listen` (MCP 2026-07-28), and returns the URIs of the resources, or
/// what is wrong with them for that method.
fn subscriptions<'a>(
    scanner: &mut Scanner<'a>,
    depth: usize,
) -> Result<Result<Vec<Cow<'a, str>>, McpError>, McpError> {
    scanner.skip_blanks();
    if scanner.peek() != Some(b'{') {
        scanner.value::<InBodies>(depth)?;
        return Ok(Err(McpError::Message));
    }
    let (mut uris, mut error) = (None, None);
    let mut more = scanner.opens(b'{', b'}')?;
    while more {
        let name = name(scanner)?;
        if *name == *RESOURCE_SUBSCRIPTIONS {
            let list = texts(scanner, depth + 1)?;
            if list.is_none() {
                error = Some(McpError::Message);
            }
            if uris.replace(list).is_some() {
                error = Some(McpError::DuplicateMember);
            }
        } else {
            if is_similar(&name, &[RESOURCE_SUBSCRIPTIONS]) {
                error = Some(McpError::SimilarMember);
            }
            scanner.value::<InBodies>(depth + 1)?;
        }
        more = scanner.goes_on(b'}')?;
    }
    Ok(match error {
        None => Ok(uris.flatten().unwrap_or_default()),
        Some(error) => Err(error),
    })
}

/// Reads the `ref` of a `completion/complete`, and returns what is completed, or what is wrong with it for that method.
/// The member `type` decides nothing: a prompt and a template that are both named are both returned.
fn reference<'a>(
    scanner: &mut Scanner<'a>,
    depth: usize,
) -> Result<Result<Vec<Call<'a>>, McpError>, McpError> {
    scanner.skip_blanks();
    if scanner.peek() != Some(b'{') {
        scanner.value::<InBodies>(depth)?;
        return Ok(Err(McpError::Message));
    }
    let (mut calls, mut error) = (Vec::<Call<'_>>::new(), None);
    let mut more = scanner.opens(b'{', b'}')?;
    while more {
        let name = name(scanner)?;
        let kind = match &*name {
            "name" => Some(Kind::Prompt),
            "uri" => Some(Kind::Template),
            _ => None,
        };
        let value = value(scanner, depth + 1)?;
        match (kind, value) {
            (Some(kind), _) if calls.iter().any(|call| call.kind == kind) => {
                error = Some(McpError::DuplicateMember);
            }
            (Some(kind), Value::Text(target)) => calls.push(Call { kind, target }),
            (Some(_), Value::Other) => error = Some(McpError::Message),
            (None, _) if is_similar(&name, &["name", "uri"]) => {
                error = Some(McpError::SimilarMember);
            }
            (None, _) => {}
        }
        more = scanner.goes_on(b'}')?;
    }
    Ok(match error {
        None if calls.is_empty() => Err(McpError::Message),
        None => Ok(calls),
        Some(error) => Err(error),
    })
}

/// Checks a member that the method needs.
fn check_member<T>(member: &Option<Result<T, McpError>>) -> Result<(), McpError> {
    match member {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(*error),
        None => Err(McpError::Message),
    }
}

/// Reads an array of texts. Returns `None` for any other value but null, which stands for an absent member.
fn texts<'a>(
    scanner: &mut Scanner<'a>,
    depth: usize,
) -> Result<Option<Vec<Cow<'a, str>>>, McpError> {
    scanner.skip_blanks();
    if scanner.peek() != Some(b'[') {
        let text = scanner.value::<InBodies>(depth)?;
        return Ok((text == "null").then(Vec::new));
    }
    let mut texts = Some(Vec::new());
    let mut more = scanner.opens(b'[', b']')?;
    while more {
        match (value(scanner, depth + 1)?, &mut texts) {
            (Value::Text(_), Some(texts)) if texts.len() == MAX_CALLS => {
                return Err(McpError::TooManyCalls);
            }
            (Value::Text(text), Some(texts)) => texts.push(text),
            _ => texts = None,
        }
        more = scanner.goes_on(b']')?;
    }
    Ok(texts)
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
    let is_like = |one: &&str| name.chars().map(fold).eq(one.chars().map(fold));
    name == "__proto__" || names.iter().any(is_like)
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

/// Subscribes to changes of several resources (MCP 2026-07-28).
const LISTEN: &str = "subscriptions/listen";
const RESOURCE_SUBSCRIPTIONS: &str = "resourceSubscriptions";

/// Returns values for an argument of a prompt, or for a variable in the template of resources.
const COMPLETE: &str = "completion/complete";

/// Lists the resources of a directory. It is an extension of rmcp.
const READ_DIRECTORY: &str = "resources/directory/read";

/// Returns the description of a skill and the list of its files, which are resources. It is the extension for skills.
const GET_SKILL: &str = "skills/get";

const RESERVED: &str = "$serde_json::private::";

/// The maximum number of calls in a body. Without a limit, short calls would take many times the memory of their bytes.
const MAX_CALLS: usize = 1_000;

/// The maximum length of an `id` that a response repeats, in bytes of its JSON text.
const MAX_ID: usize = 128;
