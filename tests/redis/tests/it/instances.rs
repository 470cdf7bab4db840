//! Two instances of a service and one server.

use std::sync::Arc;

use crate::{World, server::Server};

// conformance 170
#[tokio::test]
async fn replayed_proof_is_rejected_by_the_other_instance() {
    let (world, server) = (World::new(), Server::start());
    let [one, other] = [(); 2].map(|()| world.instance(server.config()));
    let proof = world.proof();
    assert_eq!(world.status(&one, &proof).await, 200);
    let rejection = world.send(&other, &proof).await.expect_err("a replay");
    assert_eq!(rejection.status(), 401);
    let code = rejection.error().map(|error| error.code());
    assert_eq!(code, Some("invalid_dpop_proof"));
    assert_eq!(world.status(&one, &proof).await, 401);
    // A proof that fails another check is never stored.
    let forged = world.client.proof("GET", "https://api.example.com/orders");
    let forged = forged.token(&world.jwt).tampered().sign();
    assert_eq!(world.status(&one, &forged).await, 401);
    assert_eq!(world.status(&other, &world.proof()).await, 200);
    assert_eq!(server.number("DBSIZE"), 2);
}

// conformance 171
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_proof_is_accepted_once_by_two_instances() {
    let (world, server) = (Arc::new(World::new()), Server::start());
    let instances = [(); 2].map(|()| world.instance(server.config()));
    for _ in 0..10 {
        let proof = world.proof();
        let requests: Vec<_> = (0..20)
            .map(|number| {
                let (world, instance) = (world.clone(), instances[number % 2].clone());
                let proof = proof.clone();
                tokio::spawn(async move { world.status(&instance, &proof).await })
            })
            .collect();
        let mut statuses = Vec::new();
        for request in requests {
            statuses.push(request.await.expect("no panic"));
        }
        statuses.sort_unstable();
        assert_eq!(statuses[..2], [200, 401]);
        assert_eq!(statuses[19], 401);
    }
}
