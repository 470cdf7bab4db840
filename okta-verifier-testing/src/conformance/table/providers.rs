//! The tokens of other providers than Okta: what each constructor of `Issuer` accepts, and what it rejects
//! although the provider's keys signed it.

mod authorization_servers;
mod entra;
mod keycloak;
mod workloads;

use serde_json::json;

use super::super::case::{Case, accepted, forbidden, invalid, lacks_scope};
use super::super::issuers::{AUDIENCE, Source};
use super::super::route::Route;
use super::{Edit, named};
use crate::TokenBuilder;
use crate::token::{Profile, Provider};

pub(super) fn cases() -> Vec<Case> {
    let formats = [
        authorization_servers::AUTH0,
        entra::VERSION_1,
        entra::VERSION_2,
        keycloak::FORMAT,
        authorization_servers::COGNITO,
        authorization_servers::HYDRA,
        authorization_servers::DUENDE,
        authorization_servers::WSO2,
        authorization_servers::PINGONE,
        authorization_servers::ZITADEL,
        workloads::GOOGLE,
        workloads::KUBERNETES,
        workloads::GITHUB_ACTIONS,
        workloads::CLOUDFLARE_ACCESS,
    ];
    let cases = formats.iter().flat_map(|format| {
        let cases = [format.accepted(), format.rejected(), (format.own)()];
        named(format.provider.name(), cases.concat())
    });
    // The API accepts DPoP, so each rejection has a challenge of both schemes.
    cases.collect()
}

/// The format of a provider's tokens, as far as the cases of all providers depend on it.
struct Format {
    provider: Provider,
    /// The accepted values of `typ`; `None` stands for a header without `typ`.
    types: &'static [Option<&'static str>],
    /// Other values of `typ`, which are rejected.
    other_types: &'static [Option<&'static str>],
    /// The code for an ID token.
    id_token: &'static str,
    /// The code for an ID token whose `aud` is that of the API, unless such tokens are what is accepted.
    id_token_for_us: Option<&'static str>,
    /// The claims without which a user's token is rejected, each with its code.
    required: &'static [(&'static str, &'static str)],
    /// The claim that names the client, unless tokens name none.
    client: Option<&'static str>,
    /// Whether the provider writes scopes into the tokens of machines.
    has_scopes_of_machines: bool,
    /// Whether the settings list the claim of `TokenBuilder::group` as groups.
    has_groups: bool,
    /// Issuers whose tokens may be signed with the same keys, such as another tenant.
    other_issuers: &'static [&'static str],
    /// Formats that are rejected under the keys, the issuer and the audience of the provider.
    other_formats: &'static [(Profile, &'static str)],
    /// The cases of this provider alone.
    own: fn() -> Vec<Case>,
}

impl Format {
    fn source(&self) -> Source {
        Source::Of(self.provider)
    }

    /// Returns whether the tokens are identity tokens for this audience, which have no scopes.
    fn is_of_workloads(&self) -> bool {
        matches!(
            self.provider,
            Provider::Google
                | Provider::Kubernetes
                | Provider::GitHubActions
                | Provider::CloudflareAccess
        )
    }

    fn accepted(&self) -> Vec<Case> {
        let of = |case: Case, edit: Edit| case.of(self.source(), move |token, _| edit(token));
        let mut cases = vec![
            of(accepted("a token of a user", &[232]), |token| token),
            of(accepted("a token of a machine", &[232]), |token| {
                token.service()
            }),
            of(accepted("the audience among others", &[54, 92]), |token| {
                token.claim("aud", ["https://other.example", AUDIENCE])
            }),
        ];
        cases.extend(self.types.iter().map(|typ| {
            accepted(named_type(*typ), &[232])
                .of(self.source(), move |token, _| with_type(token, *typ))
        }));
        if !self.is_of_workloads() {
            cases.extend(self.policies());
        }
        cases
    }

    /// Returns the cases of scopes and groups, which must reach the policies of the routes.
    fn policies(&self) -> Vec<Case> {
        let scoped = |case: Case| case.at(Route::Orders);
        let grouped = |case: Case| case.at(Route::Admin);
        let mut cases = vec![
            scoped(accepted("the scope", &[98, 240])).of(self.source(), |token, terms| {
                token.scope("profile").scope(&terms.scope)
            }),
            scoped(lacks_scope("no scope", &[15, 240])).of(self.source(), |token, _| token),
            scoped(lacks_scope("the scope as a group", &[15, 240]))
                .of(self.source(), |token, terms| token.group(&terms.scope)),
            grouped(forbidden("no group", &[15, 240])).of(self.source(), |token, _| token),
            grouped(forbidden("the group as a scope", &[15, 240]))
                .of(self.source(), |token, terms| token.scope(&terms.group)),
        ];
        let machine = match self.has_scopes_of_machines {
            true => accepted("the scope of a machine", &[98, 240]),
            false => lacks_scope("a machine, which has no scopes", &[15, 240]),
        };
        cases.push(scoped(machine).of(self.source(), |token, terms| {
            token.service().scope(&terms.scope)
        }));
        if self.has_groups {
            let group = |case: Case, edit: Edit| {
                grouped(case).of(self.source(), move |token, terms| {
                    edit(token).group("Everyone").group(&terms.group)
                })
            };
            cases.push(group(accepted("the group", &[99, 240]), |token| token));
            let machine = accepted("the group of a machine", &[99, 240]);
            cases.push(group(machine, |token| token.service()));
        }
        cases
    }

    fn rejected(&self) -> Vec<Case> {
        let of = |case: Case, code: &'static str, edit: Edit| {
            case.of(self.source(), move |token, _| edit(token))
                .because(code)
                .beside_dpop()
        };
        let mut cases = vec![
            of(invalid("an ID token", &[84, 233]), self.id_token, |token| {
                token.id_token()
            }),
            of(
                invalid("another audience", &[14, 92]),
                "wrong_audience",
                |token| token.audience("https://other.example"),
            ),
            of(
                invalid("an empty list of audiences", &[14, 92]),
                "invalid_claim",
                |token| token.claim("aud", [""; 0]),
            ),
            of(
                invalid("null as audience", &[14, 92]),
                "invalid_claim",
                |token| token.claim("aud", json!(null)),
            ),
            of(
                invalid("an empty subject", &[90, 238]),
                self.code_without("sub"),
                |token| token.claim("sub", ""),
            ),
            of(invalid("an expired token", &[94]), "expired", |token| {
                token.expired()
            }),
            of(invalid("a foreign key", &[93]), "bad_signature", |token| {
                token.foreign_key()
            }),
            of(
                invalid("an unsigned token", &[56, 93]),
                "algorithm_not_allowed",
                |token| token.unsigned(),
            ),
            of(
                invalid("a cnf with an unknown member", &[187, 241]),
                "binding_unchecked",
                |token| token.claim("cnf", json!({ "kid": "1" })),
            ),
            of(
                invalid("a cnf with an unknown member beside jkt", &[187, 241]),
                "binding_unchecked",
                |token| {
                    let jkt = crate::Client::new().thumbprint();
                    token.claim("cnf", json!({ "jkt": jkt, "kid": "1" }))
                },
            ),
            of(
                invalid("a bound token as Bearer", &[168, 241]),
                "bound_token_as_bearer",
                |token| token.bound_to_key(),
            ),
            of(
                invalid("a logout token under its own typ", &[84, 233, 234]),
                "type_not_allowed",
                |token| logout(token.typ("logout+jwt")),
            ),
        ];
        cases.extend(OTHER_KINDS.iter().flat_map(|kind| {
            [(*kind).to_owned(), format!("application/{kind}")].map(|typ| {
                let case = invalid(format!("typ {typ}"), &[84, 85, 120, 215, 234]);
                case.of(self.source(), move |token, _| token.typ(&typ))
                    .because("type_not_allowed")
                    .beside_dpop()
            })
        }));
        cases.extend(self.other_types.iter().map(|typ| {
            invalid(named_type(*typ), &[84, 85])
                .of(self.source(), move |token, _| with_type(token, *typ))
                .because("type_not_allowed")
                .beside_dpop()
        }));
        cases.extend(self.required.iter().map(|(claim, code)| {
            invalid(format!("no claim {claim}"), &[90, 237, 238])
                .of(self.source(), |token, _| token.without(claim))
                .because(code)
                .beside_dpop()
        }));
        cases.extend(self.other_issuers.iter().map(|iss| {
            invalid(format!("the issuer {iss}"), &[81, 91, 235])
                .of(self.source(), move |token, _| token.claim("iss", iss))
                .because("unknown_issuer")
                .beside_dpop()
        }));
        cases.extend(self.other_formats.iter().map(|(profile, code)| {
            invalid(format!("the format of {}", profile.name()), &[236])
                .of(self.source(), |token, _| token.in_format_of(*profile))
                .because(code)
                .beside_dpop()
        }));
        if let Some(code) = self.id_token_for_us {
            let case = invalid("an ID token for the audience", &[84, 233]);
            cases.push(of(case, code, |token| token.id_token().audience(AUDIENCE)));
        }
        if let Some(claim) = self.client {
            cases.push(
                invalid("an empty client", &[237])
                    .of(self.source(), move |token, _| token.claim(claim, ""))
                    .because(self.code_with_empty_client())
                    .beside_dpop(),
            );
        }
        cases
    }

    fn code_without(&self, claim: &str) -> &'static str {
        let mut required = self.required.iter();
        let found = required.find(|(name, _)| *name == claim);
        found.map_or("missing_claim", |(_, code)| *code)
    }

    /// `client_id` is read as a claim of its own, for which an empty string is invalid.
    fn code_with_empty_client(&self) -> &'static str {
        match self.client {
            Some("client_id") => "invalid_claim",
            _ => "missing_claim",
        }
    }
}

fn named_type(typ: Option<&str>) -> String {
    typ.map_or("no typ".to_owned(), |typ| format!("typ {typ}"))
}

fn with_type(token: TokenBuilder, typ: Option<&str>) -> TokenBuilder {
    match typ {
        Some(typ) => token.typ(typ),
        None => token.without_header("typ"),
    }
}

/// Adds the claims of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
fn logout(token: TokenBuilder) -> TokenBuilder {
    let event = "http://schemas.openid.net/event/backchannel-logout";
    token
        .claim("events", json!({ event: {} }))
        .claim("sid", "s")
}

/// Returns a case of one provider that must be rejected with this code.
fn wrong(
    provider: Provider,
    name: &'static str,
    requirements: &'static [u16],
    code: &'static str,
    edit: Edit,
) -> Case {
    invalid(name, requirements)
        .of(Source::Of(provider), move |token, _| edit(token))
        .because(code)
        .beside_dpop()
}

/// Returns a case of one provider that must be accepted.
fn right(provider: Provider, name: &'static str, requirements: &'static [u16], edit: Edit) -> Case {
    accepted(name, requirements).of(Source::Of(provider), move |token, _| edit(token))
}

/// The values of `typ` that no profile accepts.
const OTHER_KINDS: [&str; 7] = [
    "secevent+jwt",
    "logout+jwt",
    "dpop+jwt",
    "oauth-id-jag+jwt",
    "global-token-revocation+jwt",
    "token-introspection+jwt",
    "txntoken+jwt",
];
