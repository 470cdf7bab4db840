//! The guides and the cookbook of okta-verifier.
//!
//! | guide | what it answers |
//! |---|---|
//! | [getting started with Okta](getting_started) | from the admin console to a route and its test |
//! | [frameworks] | where the layers belong; tower, gRPC, any other framework |
//! | [choosing settings](choosing_settings) | what each setting does, its default and its range |
//! | [defaults] | for a security review: what is on, what is off, and for how long |
//! | [why do I get 401?](why_401) | what each rejection means, and what to do about it |
//! | [common mistakes](common_mistakes) | the text of each typical mistake, and what to write |
//! | [log events and codes](log_events) | every event and every code, and what they never show |
//! | [testing] | handlers, a whole service, and its conformance |
//! | [token introspection](introspection) | opaque and encrypted tokens, and revocation |
//! | [revocation] | rules that reject tokens before they expire |
//! | [DPoP and mutual TLS](dpop_and_mtls) | tokens that are bound to a key or to a certificate |
//! | [protected resources](protected_resources) | metadata (RFC 9728), challenges and scopes |
//! | [MCP servers](mcp) | a server with rmcp: scopes per tool, sessions, CORS, and what goes wrong |
//! | [key rotation](key_rotation) | planned and emergency rotation, and how long each step takes |
//! | [the issuer is down](outage) | what clients see, health, alerts, and a start without the issuer |
//! | [moving from okta-jwt-verifier](moving_from_okta_jwt_verifier) | code before and after, and what differs |
//! | [moving from jwt-authorizer](moving_from_jwt_authorizer) | code before and after, and what differs |
//! | [cookbook] | complete code for single tasks: metrics, audit logs, CORS, optional login, policies from a file, rate limits, response bodies, OpenAPI, tokens in cookies, GraphQL, Lambda, other frameworks |

// A guide links to another guide by a reference, `[outage][outage.md]`, and defines the reference
// at the end of its file as the path of the other file. In Markdown the first definition of a
// reference counts, so the definitions in `links.md` replace the paths by the modules that rustdoc
// makes.
macro_rules! page {
    ($module:ident, $file:literal $(, { $($below:item)* })?) => {
        #[doc = include_str!("_documentation/links.md")]
        #[doc = include_str!(concat!("../docs/", $file))]
        pub mod $module {
            $($($below)*)?
        }
    };
}

page!(getting_started, "getting-started.md");
page!(frameworks, "frameworks.md");
page!(choosing_settings, "choosing-settings.md");
page!(defaults, "defaults.md");
page!(why_401, "why-401.md");
page!(common_mistakes, "common-mistakes.md");
page!(log_events, "log-events.md");
page!(testing, "testing.md");
page!(introspection, "introspection.md");
page!(revocation, "revocation.md");
page!(dpop_and_mtls, "dpop-and-mtls.md");
page!(protected_resources, "protected-resources.md");
page!(mcp, "mcp.md");
page!(key_rotation, "key-rotation.md");
page!(outage, "outage.md");
page!(
    moving_from_okta_jwt_verifier,
    "moving-from-okta-jwt-verifier.md"
);
page!(moving_from_jwt_authorizer, "moving-from-jwt-authorizer.md");
page!(cookbook, "cookbook.md", {
    page!(audit, "cookbook/audit.md");
    page!(cors, "cookbook/cors.md");
    page!(graphql, "cookbook/graphql.md");
    page!(lambda, "cookbook/lambda.md");
    page!(long_connections, "cookbook/long-connections.md");
    page!(metrics, "cookbook/metrics.md");
    page!(openapi, "cookbook/openapi.md");
    page!(optional_login, "cookbook/optional-login.md");
    page!(other_frameworks, "cookbook/other-frameworks.md");
    page!(policies_from_a_file, "cookbook/policies-from-a-file.md");
    page!(rate_limits, "cookbook/rate-limits.md");
    page!(response_bodies, "cookbook/response-bodies.md");
    page!(tokens_in_other_places, "cookbook/tokens-in-other-places.md");
    page!(websockets, "cookbook/websockets.md");
});
