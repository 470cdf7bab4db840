//! [`Tools`]: the policies of the tools, prompts and resources of an MCP server.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    McpCalls, McpRejection,
    message::{Call, Kind},
    resource_uri::{authority_end, begins_normal, is_normal, without_user_and_port},
};
use crate::{
    OwnedPolicy, Rejection, VerifiedToken,
    http::Anonymous,
    policy::{forbid, require_all},
};

/// The policies of the tools, prompts and resources of an MCP server.
///
/// | message | policy |
/// |---|---|
/// | `tools/call` | that of the tool `params.name` |
/// | `prompts/get` | that of the prompt `params.name` |
/// | `resources/read`, `resources/subscribe`, `resources/directory/read`, `skills/get` | that of the longest prefix of `params.uri` |
/// | `completion/complete` | that of the prompt `params.ref.name`, or those of all resources that the template `params.ref.uri` may name |
/// | `subscriptions/listen` | those of all `params.notifications.resourceSubscriptions` |
/// | one of these with a name that is not listed | that of the table's constructor: [`new`](Self::new), [`closed`](Self::closed) or [`public`](Self::public) |
/// | every other method, and responses | none but the policy of the layer that verifies tokens |
/// | a batch | those of all its messages |
///
/// The policies are those of [`Policy`](crate::Policy), as constants or read from data, and their rejections are those of
/// [`VerifiedToken::require`]. The challenge names the scopes of all policies that the body needs, and those of the layer
/// that verifies tokens, because a client may replace the scopes of its token by those of the challenge (RFC 6750 §3.1).
/// Names are compared exactly. A misspelt name is not reported: the tool then has the policy of unlisted ones. A second setting
/// for the same name replaces the first one. Clones share the table.
///
/// A resource whose URI a server could read as another one must meet the policies of all listed resources and that of
/// unlisted ones. Such a URI is not in the normal form of RFC 3986 §6.2.2 or of the WHATWG URL standard, has an empty
/// segment in its path, has no authority before a path that begins with a slash, has a host that ends with a dot, or has a
/// control character, a slash, a backslash, a percent sign or bytes that are not UTF-8 in percent-encoding. So write prefixes
/// in normal form, and with a slash at the end. A URI with a user name or a port must also meet the policy that it has
/// without them, unless the prefix includes them. If the server ignores case in the path, or the Unicode normalization, list
/// each spelling; if it reads a directory without the slash at the end too, list that URI.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use http::HeaderMap;
/// use okta_verifier::{Policy, Verifier, mcp::{McpCalls, Tools}};
///
/// const READ: Policy = Policy::scope("files:read");
/// const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let tools = Tools::new(READ).tool("write_file", WRITE).resource("file:///secret/", WRITE);
///
/// let token = verifier.verify(&okta.token("ada").scope("files:read").sign()).await?;
/// let may_call = |name: &str| {
///     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#);
///     let calls = McpCalls::read(&HeaderMap::new(), body.as_bytes(), Some(&token))?;
///     tools.admit(&calls, Some(&token), None)
/// };
/// assert!(may_call("read_file").is_ok());
///
/// let (rejection, _) = may_call("write_file").unwrap_err().into_parts();
/// assert_eq!(rejection.status(), 403);
/// let (_, challenge) = rejection.headers().next().expect("a challenge");
/// assert!(challenge.to_str()?.ends_with(r#"scope="files:write""#));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a table does nothing until a request is checked with it"]
pub struct Tools(Arc<Table>);

#[derive(Clone, Debug)]
struct Table {
    unlisted: Access,
    tools: Entries,
    prompts: Entries,
    /// By prefix.
    resources: Entries,
    /// The prefixes that no URI in normal form begins with.
    not_normal: BTreeSet<Box<str>>,
}

/// Who may use a tool, a prompt or a resource.
#[derive(Clone, Debug)]
enum Access {
    Public,
    Policy(OwnedPolicy),
    Closed,
}

impl Tools {
    /// Returns a table whose unlisted tools, prompts and resources require `policy`.
    pub fn new(policy: impl Into<OwnedPolicy>) -> Self {
        Self::with_unlisted(Access::Policy(policy.into()))
    }

    /// Returns a table that rejects unlisted tools, prompts and resources: with 403 `forbidden`, and without a challenge,
    /// because no scope would help. A caller without a token gets the 401 that every caller without a token gets.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier, mcp::{McpCalls, Tools}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let tools = Tools::closed()
    ///     .prompt("review", Policy::scope("files:read"))
    ///     .public_prompt("help")
    ///     .public_tool("ping_server")
    ///     .public_resource("file:///public/");
    ///
    /// let token = verifier.verify(&okta.token("ada").scope("files:read").sign()).await?;
    /// let may_get = |name: &str| {
    ///     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{{"name":"{name}"}}}}"#);
    ///     let calls = McpCalls::read(&http::HeaderMap::new(), body.as_bytes(), Some(&token))?;
    ///     tools.admit(&calls, Some(&token), None)
    /// };
    /// assert!(may_get("review").is_ok() && may_get("help").is_ok());
    /// let (rejection, _) = may_get("other").unwrap_err().into_parts();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (403, "forbidden"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn closed() -> Self {
        Self::with_unlisted(Access::Closed)
    }

    /// Returns a table whose unlisted tools, prompts and resources require nothing, so that a caller without a token may
    /// use them behind an optional layer. The policy of that layer still applies to callers with a token.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier, mcp::{McpCalls, Tools}};
    /// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let tools = Tools::public().tool("write_file", Policy::scope("files:write"));
    ///
    /// let anonymous = verifier.anonymous();
    /// let may_call = |name: &str| {
    ///     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#);
    ///     let calls = McpCalls::read(&http::HeaderMap::new(), body.as_bytes(), None)?;
    ///     tools.admit(&calls, None, Some(&anonymous))
    /// };
    /// assert!(may_call("read_file").is_ok());
    ///
    /// let (rejection, _) = may_call("write_file").unwrap_err().into_parts();
    /// assert_eq!(rejection.status(), 401); // and not 403: the client may have a token
    /// let (_, challenge) = rejection.headers().next().expect("a challenge");
    /// assert_eq!(challenge, r#"Bearer realm="api", scope="files:write""#);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn public() -> Self {
        Self::with_unlisted(Access::Public)
    }

    fn with_unlisted(unlisted: Access) -> Self {
        Self(Arc::new(Table {
            unlisted,
            tools: BTreeMap::new(),
            prompts: BTreeMap::new(),
            resources: BTreeMap::new(),
            not_normal: BTreeSet::new(),
        }))
    }

    /// Requires `policy` for the tool with this name.
    pub fn tool(self, name: impl Into<String>, policy: impl Into<OwnedPolicy>) -> Self {
        self.with(Kind::Tool, name.into(), Access::Policy(policy.into()))
    }

    /// Requires `policy` for the prompt with this name.
    pub fn prompt(self, name: impl Into<String>, policy: impl Into<OwnedPolicy>) -> Self {
        self.with(Kind::Prompt, name.into(), Access::Policy(policy.into()))
    }

    /// Requires `policy` for each resource whose URI begins with `prefix`. The longest prefix decides. If no URI in normal
    /// form begins with `prefix`, every resource requires `policy` too, because it is unknown for which it is.
    pub fn resource(self, prefix: impl Into<String>, policy: impl Into<OwnedPolicy>) -> Self {
        self.with(Kind::Resource, prefix.into(), Access::Policy(policy.into()))
    }

    /// Applies no policy to the tool with this name, as [`public`](Self::public) does for unlisted ones. A caller without
    /// a token can call it only behind an optional layer (`VerifyLayer::optional`). The policy of that layer still applies to
    /// callers with a token.
    pub fn public_tool(self, name: impl Into<String>) -> Self {
        self.with(Kind::Tool, name.into(), Access::Public)
    }

    /// Applies no policy to the prompt with this name, as [`public`](Self::public) does for unlisted ones.
    pub fn public_prompt(self, name: impl Into<String>) -> Self {
        self.with(Kind::Prompt, name.into(), Access::Public)
    }

    /// Applies no policy to resources whose URI begins with `prefix`. If several prefixes match, the longest one applies.
    pub fn public_resource(self, prefix: impl Into<String>) -> Self {
        self.with(Kind::Resource, prefix.into(), Access::Public)
    }

    fn with(mut self, kind: Kind, name: String, access: Access) -> Self {
        let table = Arc::make_mut(&mut self.0);
        if kind == Kind::Resource && !begins_normal(&name) {
            table.not_normal.insert(name.as_str().into());
        }
        let entries = match kind {
            Kind::Tool => &mut table.tools,
            Kind::Prompt => &mut table.prompts,
            Kind::Resource | Kind::Template => &mut table.resources,
        };
        entries.insert(name.into_boxed_str(), access);
        self
    }

    /// Checks that the caller may make each of the calls. The policy of the layer that verifies tokens is not checked
    /// again.
    ///
    /// # Errors
    ///
    /// Returns the rejection to respond with: the 403 of a token, or the 401 if a bound token or a new authentication
    /// would help; the 401 of an anonymous caller; or the 500 if there is no layer in front that verifies tokens.
    pub fn admit(
        &self,
        calls: &McpCalls<'_>,
        token: Option<&VerifiedToken>,
        anonymous: Option<&Anonymous>,
    ) -> Result<(), McpRejection> {
        let mut required = Required::default();
        for call in calls.iter() {
            self.0.require(call, &mut required);
        }
        let result = match (token, anonymous) {
            (Some(token), _) if required.is_closed => Err(forbid(token, UNLISTED)),
            (Some(token), _) => require_all(required.policies(), token),
            (None, Some(anonymous)) => required.admit_anonymous(anonymous),
            (None, None) => Err(Rejection::missing_layer()),
        };
        result.map_err(McpRejection::from)
    }
}

impl Table {
    /// Adds what a call requires.
    fn require<'t>(&'t self, call: &Call<'_>, required: &mut Required<'t>) {
        let target = &*call.target;
        let listed = match call.kind {
            Kind::Tool => entry(&self.tools, target),
            Kind::Prompt => entry(&self.prompts, target),
            Kind::Resource => return self.require_resource(target, required),
            Kind::Template => {
                // Up to its first variable, each of its URIs has this text.
                let (start, has_variable) = match target.split_once('{') {
                    Some((start, _)) => (start, true),
                    None => (target, false),
                };
                self.require_resource(start, required);
                for (prefix, access) in &self.resources {
                    if has_variable && prefix.starts_with(start) {
                        required.add(Some((Kind::Resource, prefix)), access);
                    }
                }
                return;
            }
        };
        match listed {
            Some((name, access)) => required.add(Some((call.kind, name)), access),
            None => required.add(None, &self.unlisted),
        }
    }

    /// Adds what a resource requires.
    fn require_resource<'t>(&'t self, uri: &str, required: &mut Required<'t>) {
        let mut add = |listed: Option<(&'t str, &'t Access)>| match listed {
            Some((prefix, access)) => required.add(Some((Kind::Resource, prefix)), access),
            None => required.add(None, &self.unlisted),
        };
        if is_normal(uri) {
            let listed = self.longest_prefix(uri);
            add(listed);
            // A prefix that includes user and port is for them alone.
            if listed.is_none_or(|(prefix, _)| prefix.len() < authority_end(uri)) {
                let others = without_user_and_port(uri).into_iter();
                for listed in others.filter_map(|other| self.longest_prefix(&other)) {
                    add(Some(listed));
                }
            }
            let not_normal = self.not_normal.iter();
            for listed in not_normal.filter_map(|prefix| entry(&self.resources, prefix)) {
                add(Some(listed));
            }
            return;
        }
        add(None);
        for (prefix, access) in &self.resources {
            add(Some((prefix, access)));
        }
    }

    fn longest_prefix(&self, uri: &str) -> Option<(&str, &Access)> {
        let prefixes = self
            .resources
            .iter()
            .map(|(prefix, access)| (&**prefix, access));
        prefixes
            .filter(|(prefix, _)| uri.starts_with(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
    }
}

type Entries = BTreeMap<Box<str>, Access>;

fn entry<'t>(entries: &'t Entries, name: &str) -> Option<(&'t str, &'t Access)> {
    let (name, access) = entries.get_key_value(name)?;
    Some((name, access))
}

/// What the calls of a body require.
#[derive(Default)]
struct Required<'t> {
    /// The policy that was added first. Most bodies have one call, which then allocates nothing.
    first: Option<(Place<'t>, &'t OwnedPolicy)>,
    /// All policies if there are several, so that their order does not depend on that of the calls.
    several: BTreeMap<Place<'t>, &'t OwnedPolicy>,
    is_closed: bool,
}

/// The kind and the name of a policy, or `None` for that of unlisted names.
type Place<'t> = Option<(Kind, &'t str)>;

impl<'t> Required<'t> {
    fn add(&mut self, place: Place<'t>, access: &'t Access) {
        match (access, self.first) {
            (Access::Public, _) => {}
            (Access::Closed, _) => self.is_closed = true,
            (Access::Policy(policy), None) => self.first = Some((place, policy)),
            (Access::Policy(_), Some((first, _))) if first == place => {}
            (Access::Policy(policy), Some((first, of_first))) => {
                self.several.extend([(first, of_first), (place, policy)]);
            }
        }
    }

    fn policies(&self) -> impl Iterator<Item = &'t OwnedPolicy> + Clone {
        let only = self.first.filter(|_| self.several.is_empty());
        let only = only.into_iter().map(|(_, policy)| policy);
        only.chain(self.several.values().copied())
    }

    /// This is a 401, not a 403: the caller sent no credentials, and may have a token (RFC 6750 §3.1).
    fn admit_anonymous(&self, anonymous: &Anonymous) -> Result<(), Rejection> {
        if self.is_closed {
            return Err(anonymous.rejection());
        }
        if self.first.is_none() {
            return Ok(());
        }
        let policies = self.policies();
        let scopes: Vec<&str> = policies.flat_map(|policy| policy.first_scopes()).collect();
        Err(anonymous.rejection_naming(&scopes))
    }
}

const UNLISTED: &str = "a listed tool, prompt or resource";
