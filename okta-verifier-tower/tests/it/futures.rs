//! Bounds of the types: `Send` if their parts are, and no unnecessary requirements.

use std::{convert::Infallible, rc::Rc};

use http::{Request, Response};
use okta_verifier::Policy;
use okta_verifier_tower::{
    Require, RequireFuture, RequireLayer, Verify, VerifyFuture, VerifyLayer,
};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{bearer, get, okta, verifier, whoami};

fn assert_send<T: Send>(_: &T) {}

#[test]
fn futures_are_send_if_their_parts_are() {
    fn shared<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
    fn send<T: Send>() {}
    type Inner = tower::util::BoxCloneService<Request<()>, Response<()>, Infallible>;

    shared::<VerifyLayer>();
    shared::<RequireLayer>();
    shared::<Verify<()>>();
    shared::<Require<()>>();
    send::<VerifyFuture<Inner, ()>>();
    send::<RequireFuture<std::future::Ready<()>>>();

    let mut service = VerifyLayer::new(verifier(okta())).layer(service_fn(whoami::<()>));
    assert_send(&service.call(get("/", &[])));
}

/// Neither the body nor the handler is `Send`, and the handler borrows from its environment.
#[tokio::test(flavor = "current_thread")]
async fn body_and_handler_need_not_be_send_or_static() {
    #[derive(Default)]
    struct Local(#[allow(dead_code)] Rc<()>);

    let served = std::cell::Cell::new(0);
    let handler = service_fn(async |_: Request<Local>| {
        let not_send = Rc::new(());
        tokio::task::yield_now().await;
        drop(not_send);
        served.set(served.get() + 1);
        Ok::<_, Infallible>(Response::new(Local::default()))
    });
    let inner = RequireLayer::new(Policy::any_token()).layer(handler);
    let service = VerifyLayer::new(verifier(okta())).layer(inner);

    let (parts, ()) = bearer(&okta().token("ada").sign()).into_parts();
    let accepted = Request::from_parts(parts, Local::default());
    let Ok(response) = service.clone().oneshot(accepted).await;
    assert_eq!((response.status().as_u16(), served.get()), (200, 1));

    let Ok(response) = service.oneshot(get("/", &[])).await;
    assert_eq!((response.status().as_u16(), served.get()), (401, 1));
}

#[tokio::test(flavor = "current_thread")]
async fn slow_path_works_on_a_local_set() {
    let okta = crate::support::mock_issuer::mock().await;
    let jwt = crate::support::mock_issuer::token(&okta);
    let service = VerifyLayer::new(crate::support::mock_issuer::verifier(&okta)).layer(service_fn(
        async |_: Request<Rc<()>>| Ok::<_, Infallible>(Response::new(Rc::new(()))),
    ));
    let (parts, ()) = bearer(&jwt).into_parts();

    let response = tokio::task::LocalSet::new()
        .run_until(async move {
            let request = Request::from_parts(parts, Rc::new(()));
            tokio::task::spawn_local(service.oneshot(request)).await
        })
        .await;
    let Ok(response) = response.expect("no panic");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn debug_output_shows_no_token() {
    let issuer = crate::support::mock_issuer::HangingIssuer::start().await;
    let jwt = issuer.token();
    let layer = VerifyLayer::new(issuer.verifier(std::time::Duration::from_millis(100)));
    let inner = tower::util::BoxCloneService::new(service_fn(whoami::<()>));
    let mut service = layer.layer(inner);

    let waiting = service.call(bearer(&jwt));
    for text in [
        format!("{layer:?}"),
        format!("{service:?}"),
        format!("{waiting:?}"),
    ] {
        assert!(jwt.split('.').all(|part| !text.contains(part)), "{text}");
    }
}
