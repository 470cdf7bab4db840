//! `VerifyMiddleware` and its service, which verify the access token of each request.

mod future;
mod hook;
mod middleware;
mod service;

use future::VerifyFuture;
pub use middleware::VerifyMiddleware;
use service::Verify;
