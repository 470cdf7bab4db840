#![doc = include_str!("../../../README.md")]
//!
//! (This package compiles and runs the code blocks above, and those of the other documents, and is not published.)

#[doc = include_str!("../../../CONTRIBUTING.md")]
mod contributing {}

#[doc = include_str!("../../../SECURITY.md")]
mod security {}

#[doc = include_str!("../../../okta-verifier-redis/README.md")]
mod redis_crate {}

#[doc = include_str!("../../../okta-verifier/README.md")]
mod core_crate {}

#[doc = include_str!("../../../docs/design/architecture.md")]
mod architecture {}

#[doc = include_str!("../../../docs/design/comparison.md")]
mod comparison {}

#[doc = include_str!("../../../docs/design/conformance.md")]
mod conformance {}

#[doc = include_str!("../../../docs/design/decisions.md")]
mod decisions {}

#[doc = include_str!("../../../docs/design/differential.md")]
mod differential {}

#[doc = include_str!("../../../docs/design/performance.md")]
mod performance {}

#[doc = include_str!("../../../okta-verifier/docs/choosing-settings.md")]
mod choosing_settings {}

#[doc = include_str!("../../../okta-verifier/docs/defaults.md")]
mod defaults {}

#[doc = include_str!("../../../okta-verifier/docs/cookbook.md")]
mod cookbook {
    #[doc = include_str!("../../../okta-verifier/docs/cookbook/audit.md")]
    mod audit {}

    #[doc = include_str!("../../../okta-verifier/docs/cookbook/cors.md")]
    mod cors {}

    #[doc = include_str!("../../../okta-verifier/docs/cookbook/long-connections.md")]
    mod long_connections {}
    #[doc = include_str!("../../../okta-verifier/docs/cookbook/openapi.md")]
    mod openapi {}

    #[doc = include_str!("../../../okta-verifier/docs/cookbook/optional-login.md")]
    mod optional_login {}

    #[doc = include_str!("../../../okta-verifier/docs/cookbook/policies-from-a-file.md")]
    mod policies_from_a_file {}

    #[doc = include_str!("../../../okta-verifier/docs/cookbook/response-bodies.md")]
    mod response_bodies {}

    #[doc = include_str!("../../../okta-verifier/docs/cookbook/tokens-in-other-places.md")]
    mod tokens_in_other_places {}
}

#[doc = include_str!("../../../okta-verifier/docs/dpop-and-mtls.md")]
mod dpop_and_mtls {}

#[doc = include_str!("../../../okta-verifier/docs/introspection.md")]
mod introspection {}

#[doc = include_str!("../../../okta-verifier/docs/protected-resources.md")]
mod protected_resources {}

#[doc = include_str!("../../../okta-verifier/docs/mcp.md")]
mod mcp {}

#[doc = include_str!("../../../okta-verifier/docs/revocation.md")]
mod revocation {}

#[doc = include_str!("../../../okta-verifier/docs/key-rotation.md")]
mod key_rotation {}

#[doc = include_str!("../../../okta-verifier/docs/moving-from-jwt-authorizer.md")]
mod moving_from_jwt_authorizer {}

#[doc = include_str!("../../../okta-verifier/docs/moving-from-okta-jwt-verifier.md")]
mod moving_from_okta_jwt_verifier {}

#[doc = include_str!("../../../okta-verifier/docs/log-events.md")]
mod log_events {}

#[doc = include_str!("../../../okta-verifier/docs/outage.md")]
mod outage {}

#[doc = include_str!("../../../okta-verifier/docs/why-401.md")]
mod why_401 {}

#[doc = include_str!("../../../okta-verifier/docs/frameworks.md")]
mod frameworks {}

#[doc = include_str!("../../../okta-verifier/docs/getting-started.md")]
mod getting_started {}

#[doc = include_str!("../../../okta-verifier/docs/testing.md")]
mod testing {}

#[doc = include_str!("../../../okta-verifier/docs/common-mistakes.md")]
mod common_mistakes {}

mod compile_errors;
