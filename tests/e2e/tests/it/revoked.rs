//! The multi-tenant example beside the real server: two tenants, and a token that one of them revokes.

use std::process::Command;

use crate::browser::log_in_at;
use crate::introspection::RESOURCE;
use crate::process::{Process, program, within};
use crate::server::{AUDIENCE, AuthorizationServer, DEFAULT, TENANT_B, access_token, http_client};

// conformance 81, 111
#[test]
fn who_may_read_may_not_always_pay() {
    let server = AuthorizationServer::start();
    let other = AuthorizationServer::start();
    let tenant_b = format!("{}{TENANT_B}", server.base());
    let mut command = Command::new(program("multi-tenant"));
    command
        .env("PORT", "0")
        .env(
            "TENANTS",
            format!("acme={} globex={tenant_b}", server.issuer()),
        )
        .env("STAFF_ISSUER", other.issuer())
        .env("OKTA_AUDIENCE", AUDIENCE)
        .env("OKTA_CLIENT_ID", RESOURCE.0)
        .env("OKTA_CLIENT_SECRET", RESOURCE.1);
    let (_process, base) = Process::start("multi-tenant", &mut command, |line| {
        Some(line.split_once("listening on ")?.1.trim().to_owned())
    });
    let http = http_client();
    let ask = |pays: bool, token: &str| {
        let bearer = format!("Bearer {token}");
        let answer = match pays {
            true => http
                .post(format!("{base}/payments"))
                .header("authorization", &bearer)
                .send_empty(),
            false => http
                .get(format!("{base}/orders"))
                .header("authorization", &bearer)
                .call(),
        };
        answer.expect("the API answers").status().as_u16()
    };
    // Each is a person's token with no scope of payments: 403 says that the token itself is good.
    for issuer in [DEFAULT, TENANT_B] {
        let token = access_token(&log_in_at(&server, issuer, "alice", AUDIENCE));
        assert_eq!(
            (ask(false, &token), ask(true, &token)),
            (403, 403),
            "{issuer}"
        );
        server.revoke(issuer, &token);
        within(std::time::Duration::from_secs(10), "it may not pay", || {
            (ask(true, &token) == 401).then_some(())
        });
    }
    let staff = access_token(&log_in_at(&other, DEFAULT, "alice", AUDIENCE));
    assert_eq!(ask(false, &staff), 401, "our own people are no tenant");
    let reader = server.token("orders:read");
    assert_eq!(ask(false, &reader), 200);
}
