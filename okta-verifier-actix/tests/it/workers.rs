//! One middleware for all workers of a server: its clones share the keys.

use std::{collections::HashSet, fmt::Debug, future::poll_fn, task::Poll, thread, time::Duration};

use actix_web::web;
use okta_verifier_actix::{RequireMiddleware, Verified, VerifyMiddleware};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};

use crate::support::{
    mock_issuer::{cold, mock},
    server::Server,
    strict,
};

/// A handler that responds with the ID of its worker's thread.
async fn worker(_: Verified) -> String {
    format!("{:?}", thread::current().id())
}

fn server(workers: usize, verify: VerifyMiddleware) -> Server {
    Server::start(workers, move |routes| {
        routes.service(web::resource("/me").wrap(verify.clone()).get(worker));
    })
}

fn authorization(okta: &MockOkta) -> String {
    format!("Authorization: Bearer {}", okta.token("ada").sign())
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_with_cold_requests_fetch_the_keys_once() {
    let okta = mock().await;
    // Long enough for every request to find no keys.
    okta.fault_times(Endpoint::Keys, Fault::Slow(Duration::from_millis(500)), 1);
    let server = server(4, cold(&okta));
    let authorization = authorization(&okta);
    let headers = [authorization.as_bytes()];

    for round in ["cold", "warm"] {
        let requests = (0..32).map(|_| server.get("/me", &headers));
        let mut workers = HashSet::new();
        for response in join(requests).await {
            assert_eq!(response.status, 200, "{round}");
            workers.insert(response.body);
        }
        assert_eq!(workers.len(), 4, "{round}: {workers:?}");
        assert_eq!((okta.hits().discovery, okta.hits().keys), (1, 1), "{round}");
    }
}

/// A fetch ends with the runtime of its worker; another worker then fetches again.
#[tokio::test(flavor = "multi_thread")]
async fn fetch_that_ended_with_its_worker_is_repeated_by_another() {
    let okta = mock().await;
    okta.fault_times(Endpoint::Keys, Fault::Hang, 1);
    let verify = cold(&okta);
    let authorization = authorization(&okta);
    let headers = [authorization.as_bytes()];

    let first = server(1, verify.clone());
    let lost = first.get("/me", &headers);
    tokio::select! {
        _ = lost => panic!("keys hang"),
        () = okta.wait_for_hits(Endpoint::Keys, 1) => {}
    }
    first.handle.stop(false).await;

    let second = server(1, verify);
    let response = second.get("/me", &headers).await;
    assert_eq!(response.status, 200);
    assert_eq!(okta.hits().keys, 2);
}

#[test]
fn middleware_is_clone_send_and_sync() {
    fn shared<T: Clone + Debug + Send + Sync + 'static>() {}
    shared::<VerifyMiddleware>();
    shared::<RequireMiddleware>();
    let text = format!("{:?}", strict());
    assert!(text.contains("optional: false"), "{text}");
}

/// Polls all futures concurrently and returns their outputs.
async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut outputs: Vec<_> = futures.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *output = Some(ready);
            }
        }
        match outputs.iter().all(Option::is_some) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
