//! Vulnerabilities of other layers. Each test is named after one and shows that it does not exist
//! here; those of the core are in its own tests.

use std::{
    future::Ready,
    future::ready,
    task::{Context, Poll},
};

use http::{Request, Response};
use okta_verifier_tower::VerifyLayer;
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::support::{bearer, mock_issuer, okta, verifier};

/// A service that fails if this very value was not polled ready before the call.
struct Fussy {
    is_ready: bool,
}

impl Clone for Fussy {
    fn clone(&self) -> Self {
        Self { is_ready: false } // readiness belongs to a value, not to its clones
    }
}

impl Service<Request<()>> for Fussy {
    type Response = Response<()>;
    type Error = BoxError;
    type Future = Ready<Result<Response<()>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(if self.is_ready {
            Ok(Response::new(()))
        } else {
            Err("called without being ready".into())
        })
    }
}

#[tokio::test]
async fn tower_oauth2_resource_server_calls_an_unready_service() {
    let fussy = Fussy { is_ready: false };
    // Without and with a fetch.
    let warm = VerifyLayer::new(verifier(okta())).layer(fussy.clone());
    let response = warm.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_eq!(
        response.expect("the service is called when ready").status(),
        200
    );

    let mock = mock_issuer::mock().await;
    let cold = VerifyLayer::new(mock_issuer::verifier(&mock)).layer(fussy);
    let response = cold.oneshot(bearer(&mock_issuer::token(&mock))).await;
    assert_eq!(
        response.expect("the service is called when ready").status(),
        200
    );
}
