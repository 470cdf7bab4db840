//! The challenges of rejections: what clients read in them, and by which text.

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Quality, Security},
    exchange::{Call, Check, Exchange, need},
    probe::Probe,
};
use super::{quoted, tokens::not_a_jwt};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    let resource = probe.resource;

    let row = Row::should(
        "challenge: that of a request without a token has no error",
        "RFC 6750 §3.1",
        Quality,
    );
    let check = async {
        let response = unauthenticated(probe).await?;
        let challenges = response.challenges()?;
        let has_error = challenges.iter().any(|it| it.value("error").is_some());
        response.expect(!has_error, "no error")
    };
    report.row(row, check).await;

    let row = Row::should(
        "challenge: that of a rejected token has the error invalid_token",
        "RFC 6750 §3.1",
        Interoperability,
    );
    let check = async {
        let response = probe.base_with(&not_a_jwt()).await?;
        response.expect_status(401)?;
        let challenge = response.challenge_of_the_error()?;
        let is_right = challenge.value("error") == Some("invalid_token");
        response.expect(is_right, r#"error="invalid_token""#)
    };
    report.row(row, check).await;

    let row = Row::practice(
        "challenge: the first line begins with Bearer",
        "practice of MCP clients",
        Interoperability,
    );
    let check = async {
        for response in rejections(probe).await? {
            let first = response.field("www-authenticate");
            let scheme = match resource.requires_dpop && !first.starts_with("Bearer ") {
                true => "DPoP ",
                false => "Bearer ",
            };
            response.expect(
                first.starts_with(scheme),
                "a first line that begins with Bearer",
            )?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "challenge: resource_metadata is the URL of the metadata",
        "RFC 9728 §5.1; MCP",
        Interoperability,
    );
    let check = async {
        let url = resource.metadata_url();
        for response in rejections(probe).await? {
            for challenge in response.challenges()? {
                let is_ours = challenge.is("Bearer") || challenge.is("DPoP");
                let named = challenge.value("resource_metadata");
                let is_right = !is_ours || named == Some(url.as_str());
                response.expect(is_right, format!("resource_metadata=\"{url}\""))?;
            }
            response.challenge()?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "challenge: the document at resource_metadata is that of the resource",
        "RFC 9728 §3.3, §5.1",
        Interoperability,
    );
    let check = async {
        let response = unauthenticated(probe).await?;
        let challenge = response.challenge()?;
        let named = challenge.value("resource_metadata").unwrap_or_default();
        let target = named.strip_prefix(resource.origin());
        let target = target.filter(|target| target.starts_with('/'));
        let target = target.ok_or_else(|| {
            response.unexpected(format!("resource_metadata at {}", resource.origin()))
        })?;
        let document = probe.get(target).await?;
        document.expect_status(200)?;
        let received = document.json()?["resource"].clone();
        match received == *resource.url {
            true => Ok(()),
            false => Err(document.failed(
                &format!("resource: {:?}", resource.url),
                &format!("resource: {received}"),
            )),
        }
    };
    report.row(row, check).await;

    let row = Row::should(
        "challenge: that of a 401 names the scopes of the resource",
        "MCP; RFC 6750 §3",
        Interoperability,
    );
    let check = async {
        need(
            !resource.scopes.is_empty(),
            "the resource requires no scope",
        )?;
        let mut expected = resource.scopes.clone();
        expected.sort();
        let without_token = unauthenticated(probe).await?;
        let rejected = probe.base_with(&not_a_jwt()).await?;
        for response in [without_token, rejected] {
            let challenge = response.challenge()?;
            response.expect(challenge.scopes() == expected, quoted(&resource.scopes))?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "challenge: scope is never empty",
        "RFC 6750 §3",
        Interoperability,
    );
    let check = async {
        for response in rejections(probe).await? {
            for challenge in response.challenges()? {
                let scope = challenge.value("scope");
                let is_right = scope.is_none_or(|scope| !scope.trim().is_empty());
                response.expect(is_right, "no scope, or one with a value")?;
            }
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "challenge: no parameter occurs twice",
        "RFC 9110 §11.2; RFC 6750 §3",
        Interoperability,
    );
    let check = async {
        for response in rejections(probe).await? {
            for challenge in response.challenges()? {
                let mut names: Vec<String> = challenge
                    .parameters()
                    .map(|it| it.name.to_ascii_lowercase())
                    .collect();
                names.sort();
                let count = names.len();
                names.dedup();
                response.expect(names.len() == count, "each parameter once")?;
            }
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "challenge: the values that clients search are quoted",
        "RFC 6750 §3; RFC 9110 §11.5",
        Interoperability,
    );
    let check = async {
        for response in rejections(probe).await? {
            let challenges = response.challenges()?;
            response.expect(!challenges.is_empty(), "a challenge in WWW-Authenticate")?;
            for parameter in challenges.iter().flat_map(|it| it.parameters()) {
                let must_be_quoted = QUOTED.contains(&&*parameter.name.to_ascii_lowercase());
                let is_right = parameter.is_quoted || !must_be_quoted;
                response.expect(is_right, format!("{} in quotes", parameter.name))?;
            }
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::practice(
        "challenge: no value looks like a parameter",
        "practice of MCP clients",
        Interoperability,
    );
    let check = async {
        for response in rejections(probe).await? {
            let challenges = response.challenges()?;
            for parameter in challenges.iter().flat_map(|it| it.parameters()) {
                let looks_like_one = SEARCHED.iter().any(|it| parameter.value.contains(it));
                response.expect(
                    !looks_like_one,
                    "values without scope=, error= and resource_metadata=",
                )?;
            }
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::practice(
        "challenge: the same rejection has the same bytes",
        "practice of MCP clients",
        Interoperability,
    );
    let check = async {
        let (first, second) = (rejections(probe).await?, rejections(probe).await?);
        for (first, second) in first.into_iter().zip(second) {
            let is_same = first.received() == second.received();
            second.expect(is_same, format!("{}, as before", first.received()))?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "challenge: Host and forwarding fields change nothing",
        "RFC 9728 §3.3",
        Security,
    );
    let check = async {
        let expected = unauthenticated(probe).await?.received();
        let forward = |call: Call| {
            call.field(
                "Forwarded",
                "for=192.0.2.7;host=attacker.example;proto=http",
            )
            .field("X-Forwarded-Host", "attacker.example")
            .field("X-Forwarded-Proto", "http")
        };
        let response = probe.send(forward(probe.base())).await?;
        response.expect(
            response.received() == expected,
            format!("{expected}, as without them"),
        )?;
        let response = probe.send(probe.base().host("attacker.example")).await?;
        // A server may serve the hosts that it knows only.
        let is_unknown_host = (400..500).contains(&response.status())
            && response.lines("www-authenticate").is_empty();
        let is_right = is_unknown_host || response.received() == expected;
        response.expect(is_right, format!("{expected}, as with the right Host"))
    };
    report.row(row, check).await;
}

/// Returns the rejections whose challenges clients read: without a token, with a wrong one, and without the scopes.
async fn rejections(probe: &Probe<'_>) -> Check<Vec<Exchange>> {
    let mut rejections = vec![unauthenticated(probe).await?];
    rejections.push(probe.base_with(&not_a_jwt()).await?);
    if !probe.resource.scopes.is_empty() {
        let token = probe.token("token without scopes", &probe.request(&[]))?;
        rejections.push(probe.base_with(&token).await?);
    }
    for response in &rejections {
        let is_rejected = matches!(response.status(), 401 | 403);
        response.expect(is_rejected, "401 or 403")?;
    }
    Ok(rejections)
}

async fn unauthenticated(probe: &Probe<'_>) -> Check<Exchange> {
    let response = probe.send(probe.base()).await?;
    response.expect_status(401)?;
    Ok(response)
}

/// Parameters whose values must be quoted strings.
const QUOTED: [&str; 6] = [
    "realm",
    "scope",
    "error",
    "error_description",
    "error_uri",
    "resource_metadata",
];
/// What clients search in the text of a challenge.
const SEARCHED: [&str; 3] = ["scope=", "error=", "resource_metadata="];
