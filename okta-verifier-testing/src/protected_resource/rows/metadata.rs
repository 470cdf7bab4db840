//! The metadata document (RFC 9728 §2, §3) and the responses to requests for it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Quality, Security},
    exchange::{Call, Stop, need},
    probe::Probe,
    settings::WELL_KNOWN,
};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    document(probe, report).await;
    responses(probe, report).await;
}

async fn document(probe: &Probe<'_>, report: &mut ResourceReport) {
    let resource = probe.resource;
    let path = resource.metadata_target();

    let row = Row::must(
        "metadata: it is served at the path of RFC 9728",
        "RFC 9728 §3.1",
        Interoperability,
    );
    let check = async { probe.get(&path).await?.expect_status(200) };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: the media type is application/json",
        "RFC 9728 §3.2",
        Interoperability,
    );
    let check = async {
        let response = probe.get(&path).await?;
        let content_type = response.field("content-type").to_ascii_lowercase();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let is_json = media_type == "application/json";
        response.expect_field("Content-Type", is_json, "application/json")
    };
    report.row(row, check).await;

    let row = Row::practice(
        "metadata: the content type has no parameter",
        "RFC 8259 §11",
        Quality,
    );
    let check = async {
        let response = probe.get(&path).await?;
        let has_parameter = response.field("content-type").contains(';');
        response.expect_field("Content-Type", !has_parameter, "without a parameter")
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: resource is the URL of the resource, byte by byte",
        "RFC 9728 §3.3",
        Interoperability,
    );
    let check = async {
        let (response, document) = probe.metadata().await?;
        match document["resource"] == *resource.url {
            true => Ok(()),
            false => Err(response.failed(
                &format!("resource: {:?}", resource.url),
                &format!("resource: {}", document["resource"]),
            )),
        }
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: authorization_servers are the issuers, byte by byte",
        "MCP; RFC 9728 §2",
        Interoperability,
    );
    let check = async {
        let (response, document) = probe.metadata().await?;
        let received = &document["authorization_servers"];
        let mut urls = texts(received).unwrap_or_default();
        urls.sort_unstable();
        let mut expected: Vec<&str> = resource.issuers.iter().map(String::as_str).collect();
        expected.sort_unstable();
        match urls == expected {
            true => Ok(()),
            false => Err(response.failed(
                &format!("authorization_servers: {expected:?}"),
                &format!("authorization_servers: {received}"),
            )),
        }
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: no member is null or empty",
        "RFC 9728 §3.2",
        Interoperability,
    );
    let check = async {
        let (response, document) = probe.metadata().await?;
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        let mut members = document.as_object().into_iter().flatten();
        match members.find(|(_, value)| is_empty(value)) {
            None => Ok(()),
            Some((name, value)) => Err(response.failed(
                "no member that is null or empty",
                &format!("{name}: {value}"),
            )),
        }
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: the members have the types of RFC 9728",
        "RFC 9728 §2",
        Interoperability,
    );
    let check = async {
        let (response, document) = probe.metadata().await?;
        let is_right = |name: &str, value: &Value| match name {
            _ if TEXTS.contains(&name) || name.contains('#') => value.is_string(),
            _ if LISTS.contains(&name) => texts(value).is_some(),
            _ if BOOLEANS.contains(&name) => value.is_boolean(),
            _ => true,
        };
        let mut members = document.as_object().into_iter().flatten();
        match members.find(|(name, value)| !value.is_null() && !is_right(name, value)) {
            None => Ok(()),
            Some((name, value)) => Err(response.failed(
                "members with the types of RFC 9728 §2",
                &format!("{name}: {value}"),
            )),
        }
    };
    report.row(row, check).await;

    let row = Row::should("metadata: no member occurs twice", "RFC 8259 §4", Security);
    let check = async {
        let (response, _) = probe.metadata().await?;
        let unique: Result<UniqueNames, _> = serde_json::from_slice(&response.body());
        match unique {
            Ok(_) => Ok(()),
            Err(error) => Err(response.failed("no member that occurs twice", &error.to_string())),
        }
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: bearer_methods_supported has header only",
        "MCP; RFC 9728 §2",
        Interoperability,
    );
    let check = async {
        let (response, document) = probe.metadata().await?;
        let methods = &document["bearer_methods_supported"];
        need(!methods.is_null(), "the member is absent")?;
        match texts(methods).is_some_and(|methods| methods == ["header"]) {
            true => Ok(()),
            false => Err(response.failed(
                r#"bearer_methods_supported: ["header"]"#,
                &format!("bearer_methods_supported: {methods}"),
            )),
        }
    };
    report.row(row, check).await;

    let row = Row::should(
        "metadata: scopes_supported has no offline_access",
        "MCP",
        Quality,
    );
    let check = async {
        let (response, document) = probe.metadata().await?;
        let scopes = texts(&document["scopes_supported"]).unwrap_or_default();
        match scopes.contains(&"offline_access") {
            false => Ok(()),
            true => Err(response.failed("no offline_access", &format!("{scopes:?}"))),
        }
    };
    report.row(row, check).await;

    let row = Row::should(
        "metadata: scopes_supported has the scopes of the resource",
        "RFC 9728 §2; MCP",
        Interoperability,
    );
    let check = async {
        need(
            !resource.scopes.is_empty(),
            "the resource requires no scope",
        )?;
        let (response, document) = probe.metadata().await?;
        let scopes = &document["scopes_supported"];
        need(!scopes.is_null(), "the member is absent")?;
        let listed = texts(scopes).unwrap_or_default();
        let mut required = resource.scopes.iter();
        match required.all(|scope| listed.contains(&scope.as_str())) {
            true => Ok(()),
            false => Err(response.failed(
                &format!("scopes_supported with {:?}", resource.scopes),
                &format!("scopes_supported: {scopes}"),
            )),
        }
    };
    report.row(row, check).await;

    let row = Row::should(
        "metadata: DPoP is claimed as it is enforced",
        "RFC 9728 §2",
        Interoperability,
    );
    let check =
        async {
            let (response, document) = probe.metadata().await?;
            let algorithms = texts(&document["dpop_signing_alg_values_supported"]);
            let is_required = document["dpop_bound_access_tokens_required"] == true;
            let is_right = algorithms.is_some() == resource.offers_dpop
                && is_required == resource.requires_dpop;
            match is_right {
            true => Ok(()),
            false => Err(response.failed(
                &format!(
                    "dpop_signing_alg_values_supported {}, dpop_bound_access_tokens_required: {}",
                    if resource.offers_dpop { "with the algorithms" } else { "absent" },
                    resource.requires_dpop,
                ),
                &format!("{algorithms:?}, {is_required}"),
            )),
        }
        };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: no list of signing algorithms has none",
        "RFC 9728 §2",
        Security,
    );
    let check = async {
        let (response, document) = probe.metadata().await?;
        for name in [
            "resource_signing_alg_values_supported",
            "dpop_signing_alg_values_supported",
        ] {
            let algorithms = texts(&document[name]).unwrap_or_default();
            if algorithms.iter().any(|it| it.eq_ignore_ascii_case("none")) {
                return Err(
                    response.failed("no algorithm none", &format!("{name}: {algorithms:?}"))
                );
            }
        }
        Ok(())
    };
    report.row(row, check).await;
}

async fn responses(probe: &Probe<'_>, report: &mut ResourceReport) {
    let resource = probe.resource;
    let path = resource.metadata_target();
    let same = async |call: Call| {
        let (_, plain) = probe.metadata().await?;
        let response = probe.send(call).await?;
        response.expect_status(200)?;
        match response.json()? == plain {
            true => Ok(()),
            false => Err(response.failed(
                "the same document as without these fields",
                &String::from_utf8_lossy(&response.body()),
            )),
        }
    };

    let row = Row::must(
        "metadata: Host and forwarding fields change nothing",
        "RFC 9728 §3.3",
        Security,
    );
    let check = async {
        let forwarded = Call::new("GET", &path)
            .field(
                "Forwarded",
                "for=192.0.2.7;host=attacker.example;proto=http",
            )
            .field("X-Forwarded-Host", "attacker.example")
            .field("X-Forwarded-Proto", "http");
        same(forwarded).await?;
        let call = Call::new("GET", &path).host("attacker.example");
        let response = probe.send(call.clone()).await?;
        // A server may serve the hosts that it knows only.
        match (400..500).contains(&response.status()) {
            true => Ok(()),
            false => same(call).await,
        }
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: no credentials are looked at",
        "RFC 9728 §3",
        Interoperability,
    );
    let check =
        async { same(Call::new("GET", &path).field("Authorization", "Bearer a.b.c")).await };
    report.row(row, check).await;

    let row = Row::should("metadata: it may be cached", "RFC 9728 §7.10", Quality);
    let check = async {
        let response = probe.get(&path).await?;
        let directives = response.list("cache-control");
        let has = |name: &str| directives.iter().any(|it| it.starts_with(name));
        let is_cacheable =
            has("max-age=") && !has("max-age=0") && !has("no-store") && !has("private");
        response.expect_field("Cache-Control", is_cacheable, "public, with max-age")
    };
    report.row(row, check).await;

    let row = Row::practice(
        "metadata: scripts of any origin may read it",
        "practice of MCP servers",
        Interoperability,
    );
    let check = async {
        let call = Call::new("GET", &path).field("Origin", "https://inspector.example");
        let response = probe.send(call).await?;
        let allowed = response.field(ALLOW_ORIGIN);
        response.expect_field(ALLOW_ORIGIN, allowed == "*", "*")
    };
    report.row(row, check).await;

    let row = Row::practice(
        "metadata: a preflight is answered",
        "Fetch Standard; practice of MCP servers",
        Interoperability,
    );
    let check = async {
        let call = Call::new("OPTIONS", &path)
            .field("Origin", "https://inspector.example")
            .field("Access-Control-Request-Method", "GET")
            .field("Access-Control-Request-Headers", "mcp-protocol-version");
        let response = probe.send(call).await?;
        response.expect_served()?;
        let allowed = response.field(ALLOW_ORIGIN);
        response.expect_field(ALLOW_ORIGIN, allowed == "*", "*")?;
        let names = response.list("access-control-allow-headers");
        let is_allowed = |name: &str| name == "*" || name == "mcp-protocol-version";
        let is_right = names.iter().any(|name| is_allowed(name));
        response.expect_field(
            "Access-Control-Allow-Headers",
            is_right,
            "mcp-protocol-version",
        )
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: HEAD has the status and the type of GET, and no body",
        "RFC 9110 §9.3.2",
        Quality,
    );
    let check = async {
        let get = probe.get(&path).await?;
        get.expect_status(200)?;
        let head = probe.send(Call::new("HEAD", &path)).await?;
        head.expect_status(200)?;
        let expected = get.field("content-type");
        let is_same = head.field("content-type") == expected;
        head.expect_field("Content-Type", is_same, &expected)?;
        head.expect(head.body().is_empty(), "no body")
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: another method gets 405 with Allow",
        "RFC 9110 §15.5.6",
        Quality,
    );
    let check = async {
        for method in ["POST", "PUT", "DELETE"] {
            let response = probe.send(Call::new(method, &path)).await?;
            response.expect_status(405)?;
            let allows_get = response.list("allow").contains(&"get".to_owned());
            response.expect_field("Allow", allows_get, "with GET")?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::practice(
        "metadata: every other path gets 404",
        "RFC 9728 §3.3",
        Interoperability,
    );
    let check = async {
        let rest = path.strip_prefix(WELL_KNOWN).unwrap_or_default();
        need(!rest.contains('?'), "the URL of the resource has a query")?;
        let beneath = format!("{}/more", path.trim_end_matches('/'));
        let mut others = vec![
            beneath,
            format!("{WELL_KNOWN}//{}", rest.trim_start_matches('/')),
        ];
        if !rest.is_empty() {
            others.push(match path.strip_suffix('/') {
                Some(without) => without.to_owned(),
                None => format!("{path}/"),
            });
            others.push(format!("{WELL_KNOWN}%2F{}", &rest[1..]));
        }
        for other in others {
            probe.get(&other).await?.expect_status(404)?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "metadata: the document at the root is that of the resource or of its origin",
        "RFC 9728 §3.3; MCP",
        Security,
    );
    let check = async {
        need(path != WELL_KNOWN, "the resource has no path")?;
        let response = probe.get(WELL_KNOWN).await?;
        if response.status() != 200 {
            return Ok::<(), Stop>(());
        }
        let named = response.json()?["resource"].clone();
        let origin = resource.origin();
        let is_right = named == *resource.url || named == *origin || named == format!("{origin}/");
        match is_right {
            true => Ok(()),
            false => Err(response.failed(
                &format!("resource: {:?} or {origin:?}", resource.url),
                &format!("resource: {named}"),
            )),
        }
    };
    report.row(row, check).await;
}

/// Returns the texts of a list, or `None` if the value is not a list of texts.
fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// A JSON value whose objects have no name twice.
struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueNamesVisitor)
    }
}

struct UniqueNamesVisitor;

impl<'de> Visitor<'de> for UniqueNamesVisitor {
    type Value = UniqueNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueNames, A::Error> {
        let mut names: Vec<String> = Vec::new();
        while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!("{name} occurs twice")));
            }
            names.push(name);
        }
        Ok(UniqueNames)
    }
}

const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
const TEXTS: [&str; 7] = [
    "resource",
    "jwks_uri",
    "resource_name",
    "resource_documentation",
    "resource_policy_uri",
    "resource_tos_uri",
    "signed_metadata",
];
const LISTS: [&str; 6] = [
    "authorization_servers",
    "scopes_supported",
    "bearer_methods_supported",
    "resource_signing_alg_values_supported",
    "authorization_details_types_supported",
    "dpop_signing_alg_values_supported",
];
const BOOLEANS: [&str; 2] = [
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens_required",
];
