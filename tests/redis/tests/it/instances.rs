//! Two instances of a service, and one server.

use crate::{World, server::Server};

// conformance 170
#[tokio::test]
async fn a_proof_passes_at_one_of_two_instances() {
    let (world, server) = (World::new(), Server::start());
    let [one, other] = [(); 2].map(|()| world.instance(&server.url("")));
    let proof = world.proof();
    assert_eq!(world.status(&one, &proof).await, 200);
    let rejection = world.send(&other, &proof).await.expect_err("a replay");
    assert_eq!(rejection.status(), 401);
    let code = rejection.error().map(|error| error.code());
    assert_eq!(code, Some("invalid_dpop_proof"));
    assert_eq!(world.status(&one, &proof).await, 401);
    assert_eq!(world.status(&other, &world.proof()).await, 200);
    // A proof that is wrong never comes there.
    let forged = world.client.proof("GET", "https://api.example.com/orders");
    let forged = forged.token(&world.jwt).tampered().sign();
    assert_eq!(world.status(&one, &forged).await, 401);
    assert_eq!(server.number("DBSIZE"), 2);
}

// conformance 171
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_at_two_instances_one_passes() {
    let (world, server) = (std::sync::Arc::new(World::new()), Server::start());
    let instances = [(); 2].map(|()| world.instance(&server.url("")));
    for _ in 0..10 {
        let proof = world.proof();
        let callers: Vec<_> = (0..20)
            .map(|number| {
                let (world, instance) = (world.clone(), instances[number % 2].clone());
                let proof = proof.clone();
                tokio::spawn(async move { world.status(&instance, &proof).await })
            })
            .collect();
        let mut statuses = Vec::new();
        for caller in callers {
            statuses.push(caller.await.expect("no panic"));
        }
        statuses.sort_unstable();
        assert_eq!(statuses[..2], [200, 401]);
        assert_eq!(statuses[19], 401);
    }
}
