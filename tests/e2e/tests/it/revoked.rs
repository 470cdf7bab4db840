//! The multi-tenant example with the real server: two tenants, one of which revokes a token.

use std::path::PathBuf;
use std::process::Command;

use crate::browser::log_in_at;
use crate::introspection::RESOURCE;
use crate::process::{Process, program, within};
use crate::server::{AUDIENCE, AuthorizationServer, DEFAULT, TENANT_B, access_token, http_client};

// conformance 81, 111
#[test]
fn revoked_token_can_read_but_not_pay() {
    let server = AuthorizationServer::start();
    let other = AuthorizationServer::start();
    let tenant_b = format!("{}{TENANT_B}", server.base());
    let settings = Settings::write(&[server.issuer(), tenant_b]);
    let mut command = Command::new(program("multi-tenant"));
    command.env("PORT", "0").env("SETTINGS", &settings.0);
    let (_process, base) = Process::start("multi-tenant", &mut command, |line| {
        Some(line.split_once("listening on ")?.1.trim().to_owned())
    });
    let http = http_client();
    let call = |pays: bool, token: &str| {
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
        answer.expect("the API responds").status().as_u16()
    };
    // Each is a user's token without the scope of payments: 403 shows that the token itself is valid.
    for issuer in [DEFAULT, TENANT_B] {
        let token = access_token(&log_in_at(&server, issuer, "alice", AUDIENCE));
        assert_eq!(
            (call(false, &token), call(true, &token)),
            (403, 403),
            "{issuer}"
        );
        server.revoke(issuer, &token);
        within(std::time::Duration::from_secs(10), "it may not pay", || {
            (call(true, &token) == 401).then_some(())
        });
    }
    let stranger = access_token(&log_in_at(&other, DEFAULT, "alice", AUDIENCE));
    assert_eq!(
        call(false, &stranger),
        401,
        "an issuer that is not in the file"
    );
    let reader = server.token("orders:read");
    assert_eq!(call(false, &reader), 200);
}

/// The settings file of the example, which is removed at the end of the test.
struct Settings(PathBuf);

impl Settings {
    fn write(issuers: &[String]) -> Self {
        let (client, secret) = RESOURCE;
        let issuers = issuers.iter().map(|url| {
            format!(
                "[[issuers]]\nprovider = \"okta\"\nurl = \"{url}\"\naudiences = [\"{AUDIENCE}\"]\n\
                 client_ids = \"*\"\n[issuers.introspection]\ntokens = \"on_demand\"\n\
                 authentication = \"client_secret_basic\"\nclient_id = \"{client}\"\n\
                 client_secret = \"{secret}\"\n"
            )
        });
        let issuers: String = issuers.collect();
        let policies = "[policies]\nread = { scope = \"orders:read\" }\n\
             pay = { scope = \"payments:write\" }\naudit = { group = \"auditor\" }\n";
        let name = format!("multi-tenant-revoked-{}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, issuers + policies).expect("a file in the temporary directory");
        Self(path)
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
