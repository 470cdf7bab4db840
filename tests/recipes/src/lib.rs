//! Compiles and runs the code blocks of the pages of the cookbook that need other frameworks. `tests/docs` does so for all
//! other documents.

#[doc = include_str!("../../../okta-verifier/docs/cookbook/graphql.md")]
mod graphql {}

#[doc = include_str!("../../../okta-verifier/docs/cookbook/lambda.md")]
mod lambda {}

#[doc = include_str!("../../../okta-verifier/docs/cookbook/metrics.md")]
mod metrics {}

#[doc = include_str!("../../../okta-verifier/docs/cookbook/other-frameworks.md")]
mod other_frameworks {}

#[doc = include_str!("../../../okta-verifier/docs/cookbook/rate-limits.md")]
mod rate_limits {}

#[doc = include_str!("../../../okta-verifier/docs/cookbook/websockets.md")]
mod websockets {}
