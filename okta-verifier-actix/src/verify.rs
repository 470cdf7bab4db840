//! Who is calling: [`VerifyMiddleware`] makes [`Verify`] of a service, which answers with [`VerifyFuture`].

mod future;
mod middleware;
mod service;

use future::VerifyFuture;
pub use middleware::VerifyMiddleware;
use service::Verify;
