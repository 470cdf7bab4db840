//! Each feature with both outcomes, in both frameworks.

use std::time::Duration;

use okta_verifier_testing::{Client, MockOkta, Rotation, TokenBuilder, assert_openapi};
use serde_json::json;
use shop::demo::{EVENTS_AUDIENCE, EVENTS_SECRET};

use crate::api::{Api, each};

const PAGE: &str = "https://www.example.com";

fn bearer(token: TokenBuilder) -> String {
    format!("Bearer {}", token.sign())
}

/// Places an order, and pays it with a proof.
async fn paid_order(api: &Api) {
    let buyer = api.customer(&["shop:buy"]);
    assert_eq!(api.call("POST /orders", buyer, "book").await, 201);
    let client = Client::new();
    let payer = client.bind(api.customer(&["shop:pay"])).sign();
    let proof = client
        .proof("POST", &api.url("/orders/1/pay"))
        .token(&payer)
        .sign();
    let payer = format!("DPoP {payer}");
    let paid = api
        .send("POST /orders/1/pay", Some(&payer), &[("dpop", &proof)], "")
        .await;
    assert_eq!(paid.status(), 200);
    assert_eq!(
        paid.text().await.expect("a body"),
        r#"{"id":1,"article":"book","state":"paid"}"#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn issuer_of_the_file_is_accepted_and_another_one_is_rejected() {
    each(async |api| {
        let scopes = &["shop:read"];
        let accepted = [
            api.customer(scopes),
            api.cashier(scopes),
            api.partners_customer(scopes),
        ];
        for token in accepted {
            assert_eq!(api.call("GET /articles", token, "").await, 200);
        }
        let other = MockOkta::start().await;
        let in_anothers_name = api.customer(scopes).claim("iss", api.partner.issuer_url());
        for token in [
            other
                .token("ada")
                .audience("api://shop")
                .client_id("0oa1web")
                .scope("shop:read"),
            in_anothers_name,
            api.customer(scopes).client_id("0oa9partner"),
            api.customer(scopes).audience("api://other"),
            api.cashier(scopes).foreign_key(),
            api.partners_customer(scopes).expired(),
        ] {
            assert_eq!(api.call("GET /articles", token, "").await, 401);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn introspected_token_is_rejected_after_the_partner_revokes_it() {
    each(async |api| {
        let revoked = api.partners_customer(&["shop:read"]).sign();
        api.partner.revoke(&revoked);
        let revoked = format!("Bearer {revoked}");
        assert_eq!(
            api.send("GET /articles", Some(&revoked), &[], "")
                .await
                .status(),
            401
        );
        let token = api.partners_customer(&["shop:read"]);
        assert_eq!(api.call("GET /articles", token, "").await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_accepts_its_scope_and_rejects_others() {
    each(async |api| {
        for (request, scope, body, accepted) in [
            ("GET /articles", "shop:read", "", 200),
            ("POST /orders", "shop:buy", "tea", 201),
        ] {
            assert_eq!(
                api.call(request, api.customer(&[scope]), body).await,
                accepted
            );
            assert_eq!(
                api.call(request, api.customer(&["shop:pay"]), body).await,
                403
            );
            assert_eq!(api.send(request, None, &[], body).await.status(), 401);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_of_the_file_requires_the_issuer_of_its_group() {
    each(async |api| {
        let scopes = &["shop:admin"];
        assert_eq!(
            api.call("POST /lock-outs", api.admin(scopes), "bob").await,
            204
        );
        for token in [
            api.admin(&[]),
            api.customer(scopes),
            api.cashier(scopes).group("Admins"),
            api.partners_customer(scopes).group("Admins"),
        ] {
            assert_eq!(api.call("POST /lock-outs", token, "bob").await, 403);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejection_has_problem_details_and_other_responses_do_not() {
    each(async |api| {
        let problem = async |request: &str, authorization: Option<&str>, body: &str| {
            let response = api.send(request, authorization, &[], body).await;
            let kind = response.headers().get("content-type");
            let is_problem = kind.is_some_and(|it| it == "application/problem+json");
            let text = response.text().await.expect("a body");
            is_problem.then_some(text)
        };
        let reader = bearer(api.customer(&["shop:read"]));
        let buyer = bearer(api.customer(&["shop:buy"]));
        for (request, authorization, body, expected) in [
            (
                "GET /articles",
                Some("Bearer a.b.c"),
                "",
                r#"{"type":"about:blank","title":"Unauthorized","status":401,"error":"invalid_token","error_description":"The access token is invalid or has expired"}"#,
            ),
            (
                "GET /articles",
                Some(&*buyer),
                "",
                r#"{"type":"about:blank","title":"Forbidden","status":403,"error":"insufficient_scope","error_description":"The access token lacks a required scope","scope":"shop:read"}"#,
            ),
            (
                "POST /orders",
                Some(&*buyer),
                "moon",
                r#"{"type":"about:blank","title":"Unprocessable Entity","status":422}"#,
            ),
        ] {
            assert_eq!(problem(request, authorization, body).await.as_deref(), Some(expected));
        }
        assert_eq!(problem("GET /articles", Some(&reader), "").await, None);
        assert_eq!(problem("GET /nowhere", Some(&reader), "").await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_accepted_and_rejected_requests_by_configured_issuer() {
    each(async |api| {
        assert_eq!(
            api.call("GET /articles", api.customer(&["shop:read"]), "")
                .await,
            200
        );
        assert_eq!(api.call("GET /articles", api.customer(&[]), "").await, 403);
        assert_eq!(api.send("GET /articles", None, &[], "").await.status(), 401);
        let metrics = api.metrics().await;
        let okta = api.customers.issuer_url();
        for (issuer, outcome, code) in [
            (okta, "accepted", ""),
            (okta, "rejected", "insufficient_scope"),
            ("", "rejected", "no_credentials"),
        ] {
            let labels = format!(r#"issuer="{issuer}",outcome="{outcome}",code="{code}""#);
            let line = format!("okta_verifier_requests_total{{{labels}}} 1");
            assert!(
                metrics.lines().any(|it| it == line),
                "{line} is not in\n{metrics}"
            );
        }
        assert!(!metrics.contains("ada"));
        // They are not for the public.
        assert_eq!(api.send("GET /metrics", None, &[], "").await.status(), 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_log_has_a_line_for_each_request_without_the_user() {
    each(async |api| {
        let buyer = api.customer(&["shop:buy"]);
        assert_eq!(api.call("POST /orders", buyer, "book").await, 201);
        let line = api.audit_line();
        let okta = api.customers.issuer_url();
        let expected = json!({
            "outcome": "accepted", "error.type": null, "policy": null, "issuer": okta,
            "http.route": "/orders", "client_id": "0oa1web",
        });
        assert_eq!(line, expected);

        let token = api.customer(&["shop:pay"]);
        assert_eq!(api.call("POST /orders/1/pay", token, "").await, 401);
        let line = api.audit_line();
        assert_eq!(line["error.type"], "binding_required");
        assert_eq!(line["http.route"], "/orders/{id}/pay");

        let forged = api.customer(&["shop:buy"]).foreign_key();
        assert_eq!(api.call("POST /orders", forged, "book").await, 401);
        let line = api.audit_line();
        assert_eq!(
            (&line["outcome"], &line["client_id"]),
            (&json!("rejected"), &json!(null))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_of_the_file_may_call_and_another_page_may_not() {
    each(async |api| {
        let allowed = async |request: &str, page: &str| {
            let fields = [
                ("origin", page),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,dpop"),
            ];
            let response = api.send(request, None, &fields, "").await;
            let origin = response.headers().get("access-control-allow-origin");
            let origin = origin.map(|it| it.to_str().expect("ASCII").to_owned());
            (response.status().as_u16(), origin)
        };
        assert_eq!(
            allowed("OPTIONS /orders", PAGE).await,
            (200, Some(PAGE.to_owned()))
        );
        assert_eq!(
            allowed("POST /orders", PAGE).await,
            (401, Some(PAGE.to_owned()))
        );
        let (_, origin) = allowed("OPTIONS /orders", "https://other.example").await;
        assert_eq!(origin, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refund_requires_a_recent_login() {
    each(async |api| {
        paid_order(&api).await;
        let earlier = bearer(
            api.cashier(&["shop:refund"])
                .claim("auth_time", 1_700_000_000),
        );
        let rejected = api
            .send("POST /orders/1/refund", Some(&earlier), &[], "")
            .await;
        assert_eq!(rejected.status(), 401);
        let challenge = rejected.headers()["www-authenticate"]
            .to_str()
            .expect("ASCII");
        assert!(
            challenge.contains(r#"error="insufficient_user_authentication""#),
            "{challenge}"
        );
        assert!(challenge.contains("max_age=\"600\""), "{challenge}");
        let cashier = api.cashier(&["shop:refund"]);
        assert_eq!(api.call("POST /orders/1/refund", cashier, "").await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_requires_a_proof_that_was_not_used_before() {
    each(async |api| {
        paid_order(&api).await;
        assert_eq!(
            api.call("POST /orders/1/pay", api.customer(&["shop:pay"]), "")
                .await,
            401
        );
        let client = Client::new();
        let jwt = client.bind(api.customer(&["shop:pay"])).sign();
        let authorization = format!("DPoP {jwt}");
        let pay = async |proof: &str| {
            let fields = [("dpop", proof)];
            let paid = api
                .send("POST /orders/1/pay", Some(&authorization), &fields, "")
                .await;
            paid.status().as_u16()
        };
        let url = api.url("/orders/1/pay");
        let proof = client.proof("POST", &url).token(&jwt).sign();
        assert_eq!(pay(&proof).await, 409); // accepted, but the order is paid
        assert_eq!(pay(&proof).await, 401);
        let of_a_thief = Client::new().proof("POST", &url).token(&jwt).sign();
        assert_eq!(pay(&of_a_thief).await, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caller_is_limited_and_another_one_is_not() {
    each(async |api| {
        let ada = || api.customer(&["shop:buy"]);
        for _ in 0..5 {
            assert_eq!(api.call("POST /orders", ada(), "book").await, 201);
        }
        let limited = api
            .send("POST /orders", Some(&bearer(ada())), &[], "book")
            .await;
        assert_eq!(limited.status(), 429);
        let wait = limited.headers()["retry-after"].to_str().expect("ASCII");
        assert!(
            (1..=12).contains(&wait.parse::<u32>().expect("seconds")),
            "{wait}"
        );
        assert_eq!(
            limited.headers()["content-type"],
            "application/problem+json"
        );
        let partner = api.partners_customer(&["shop:buy"]);
        assert_eq!(api.call("POST /orders", partner, "book").await, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_has_the_changes_of_its_customer_and_ends_with_its_token() {
    each(async |api| {
        let reader = bearer(api.customer(&["shop:read"]));
        let mut ada = api
            .send("GET /orders/changes", Some(&reader), &[], "")
            .await;
        assert_eq!(ada.status(), 200);
        assert_eq!(ada.headers()["content-type"], "text/event-stream");
        let partners = api.partners_customer(&["shop:buy"]);
        assert_eq!(api.call("POST /orders", partners, "lamp").await, 201);
        assert_eq!(
            api.call("POST /orders", api.customer(&["shop:buy"]), "tea")
                .await,
            201
        );
        let event = ada.chunk().await.expect("a chunk").expect("an event");
        assert_eq!(
            event,
            "data: {\"id\":2,\"article\":\"tea\",\"state\":\"placed\"}\n\n"
        );

        let event = api
            .customers
            .session_revoked("ada")
            .audience(EVENTS_AUDIENCE)
            .sign();
        let pushed = api
            .send("POST /events/ssf", Some(EVENTS_SECRET), &[], &event)
            .await;
        assert_eq!(pushed.status(), 202);
        let ended = tokio::time::timeout(Duration::from_secs(20), ada.chunk()).await;
        assert_eq!(
            ended.expect("the stream ends").expect("without an error"),
            None
        );
        let again = api
            .send("GET /orders/changes", Some(&reader), &[], "")
            .await;
        assert_eq!(again.status(), 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn okta_s_event_and_keycloak_s_logout_reject_tokens_and_forged_ones_do_not() {
    each(async |api| {
        let (ada, grace) = (api.customer(&["shop:read"]), api.cashier(&["shop:read"]));
        let (ada, grace) = (bearer(ada), bearer(grace));
        let status = async |token: &str| {
            let response = api.send("GET /articles", Some(token), &[], "").await;
            response.status().as_u16()
        };
        let event = || {
            api.customers
                .session_revoked("ada")
                .audience(EVENTS_AUDIENCE)
        };
        let push = async |event: String, secret: &str| {
            let response = api
                .send("POST /events/ssf", Some(secret), &[], &event)
                .await;
            response.status().as_u16()
        };
        assert_eq!(push(event().sign(), "Bearer wrong").await, 400);
        assert_eq!(push(event().foreign_key().sign(), EVENTS_SECRET).await, 400);
        assert_eq!(status(&ada).await, 200);
        assert_eq!(push(event().sign(), EVENTS_SECRET).await, 202);
        assert_eq!(status(&ada).await, 401);

        let logout = async |sign: &dyn Fn() -> String| {
            let body = format!("logout_token={}", sign());
            let response = api.send("POST /events/logout", None, &[], &body).await;
            response.status().as_u16()
        };
        let token = || api.clerks.logout_token("grace", "till", "session-1");
        assert_eq!(logout(&|| token().foreign_key().sign()).await, 400);
        assert_eq!(status(&grace).await, 200);
        assert_eq!(logout(&|| token().sign()).await, 200);
        assert_eq!(status(&grace).await, 401);
        let other = api.cashier(&["shop:read"]).claim("sid", "session-2");
        assert_eq!(api.call("GET /articles", other, "").await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrator_locks_out_one_user_only() {
    each(async |api| {
        let ada = bearer(api.customer(&["shop:read"]));
        let admin = api.admin(&["shop:admin"]);
        assert_eq!(api.call("POST /lock-outs", admin, "ada").await, 204);
        assert_eq!(
            api.send("GET /articles", Some(&ada), &[], "")
                .await
                .status(),
            401
        );
        assert_eq!(
            api.call("POST /lock-outs", api.admin(&["shop:admin"]), "")
                .await,
            422
        );
        // A user of the same name at the partner is another user.
        let of_partner = api
            .partner
            .token("ada")
            .client_id("0oa9partner")
            .scope("shop:read");
        assert_eq!(api.call("GET /articles", of_partner, "").await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_key_is_rejected_after_the_next_fetch() {
    each(async |api| {
        let old = bearer(api.customer(&["shop:read"]));
        assert_eq!(
            api.send("GET /articles", Some(&old), &[], "")
                .await
                .status(),
            200
        );
        api.customers.rotate(Rotation::Hard);
        // The unknown key of the new token causes a fetch.
        assert_eq!(
            api.call("GET /articles", api.customer(&["shop:read"]), "")
                .await,
            200
        );
        assert_eq!(
            api.send("GET /articles", Some(&old), &[], "")
                .await
                .status(),
            401
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_document_agrees_with_the_routes() {
    each(async |api| {
        let document = api.send("GET /openapi.json", None, &[], "").await;
        let document = document.text().await.expect("a body");
        let base_url = api.url("");
        // The policies with a group are those of two issuers, so each is checked with its own.
        let tokens = |token: TokenBuilder| token.client_id("0oa1web").group("Admins");
        let without_clerks = without(&document, "/orders/{id}/refund");
        assert_openapi(&without_clerks, &base_url, &api.customers, tokens).await;

        let wrong = without_clerks.replace("shop:read", "shop:raed");
        let api = std::sync::Arc::new(api);
        let checked = tokio::spawn(async move {
            assert_openapi(&wrong, &base_url, &api.customers, tokens).await;
        });
        assert!(checked.await.is_err());
    })
    .await;
}

/// Returns the document without the operations of a path.
fn without(document: &str, path: &str) -> String {
    let mut document: serde_json::Value = serde_json::from_str(document).expect("JSON");
    let paths = document["paths"].as_object_mut().expect("paths");
    assert!(paths.remove(path).is_some());
    document.to_string()
}
