//! Scopes: `scp` and `scope` as one set, compared exactly.

use serde_json::{Value, json};

use super::super::case::{Case, accepted, invalid, lacks_scope};
use super::super::issuers::{Source, Terms};
use super::super::route::Route;
use super::Edit;
use crate::TokenBuilder;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Builds the values of `scp` and `scope` from the required scope. `None` stands for an absent
    // claim.
    type Shape = fn(&str) -> (Option<Value>, Option<Value>);
    let granted: [(&str, Shape); 8] = [
        ("scp as a list", |scope| (Some(json!([scope])), None)),
        ("scp as a list of two", |scope| {
            (Some(json!(["profile", scope])), None)
        }),
        ("scp as a string", |scope| (Some(json!(scope)), None)),
        ("scope as a string", |scope| (None, Some(json!(scope)))),
        ("scope as a string of two", |scope| {
            (None, Some(json!(format!("{scope} profile"))))
        }),
        ("scope as a list", |scope| {
            (None, Some(json!(["profile", scope])))
        }),
        ("scp and scope that agree", |scope| {
            (Some(json!([scope])), Some(json!(scope)))
        }),
        ("scp and scope in another order", |scope| {
            (
                Some(json!(["profile", scope])),
                Some(json!(format!("{scope} profile"))),
            )
        }),
    ];
    cases.extend(granted.map(|(name, shape)| {
        accepted(name, &[17, 98])
            .at(Route::Orders)
            .of(Source::Okta, move |token, terms| {
                with_scopes(token, shape(&terms.scope))
            })
    }));
    let lacking: [(&str, Shape); 10] = [
        ("no scope", |_| (None, None)),
        ("scp as null", |_| (Some(json!(null)), None)),
        ("another scope", |_| (Some(json!(["profile"])), None)),
        ("an empty list of scopes", |_| (Some(json!([])), None)),
        ("an empty string of scopes", |_| (None, Some(json!("")))),
        ("the scope in capitals", |scope| {
            (Some(json!([scope.to_uppercase() + "X"])), None)
        }),
        ("a prefix of the scope", |scope| {
            (Some(json!([scope[..scope.len() - 1]])), None)
        }),
        ("a longer scope", |scope| {
            (Some(json!([format!("{scope}er")])), None)
        }),
        ("the scope after a comma", |scope| {
            (Some(json!([format!("profile,{scope}")])), None)
        }),
        ("a wildcard", |_| {
            (Some(json!(["*", "orders:*", "admin"])), None)
        }),
    ];
    cases.extend(lacking.map(|(name, shape)| {
        lacks_scope(name, &[15, 17, 25])
            .at(Route::Orders)
            .of(Source::Okta, move |token, terms| {
                with_scopes(token, shape(&terms.scope))
            })
    }));
    let bad: [(&str, Shape); 9] = [
        ("scp as a number", |_| (Some(json!(7)), None)),
        ("scp as an object", |scope| {
            (Some(json!({ "0": scope })), None)
        }),
        ("a number among the scopes", |scope| {
            (Some(json!([scope, 7])), None)
        }),
        ("two scopes in one element", |scope| {
            (Some(json!([format!("profile {scope}")])), None)
        }),
        ("an empty element", |scope| (Some(json!([scope, ""])), None)),
        ("scope as a number", |_| (None, Some(json!(7)))),
        ("scp and scope that differ", |scope| {
            (Some(json!([scope])), Some(json!("profile")))
        }),
        ("scope with more than scp", |scope| {
            (
                Some(json!(["profile"])),
                Some(json!(format!("profile {scope}"))),
            )
        }),
        ("a list in the list of scopes", |scope| {
            (Some(json!([[scope]])), None)
        }),
    ];
    cases.extend(bad.map(|(name, shape)| {
        invalid(name, &[14, 98])
            .at(Route::Orders)
            .of(Source::Okta, move |token, terms| {
                with_scopes(token, shape(&terms.scope))
            })
    }));
    let before: [(&str, Edit); 4] = [
        ("expired", |token| token.expired()),
        ("forged", |token| token.foreign_key()),
        ("for another audience", |token| {
            token.audience("api://billing")
        }),
        ("tampered", |token| token.tampered()),
    ];
    for (name, edit) in before {
        cases.push(
            invalid(format!("{name} and without the scope"), &[14, 15])
                .at(Route::Orders)
                .okta(edit),
        );
        let granted = move |token: TokenBuilder, terms: &Terms| edit(token.scope(&terms.scope));
        cases.push(
            invalid(format!("{name}, with the scope"), &[14, 15])
                .at(Route::Orders)
                .of(Source::Okta, granted),
        );
    }
    cases
}

fn with_scopes(token: TokenBuilder, (scp, scope): (Option<Value>, Option<Value>)) -> TokenBuilder {
    let claims = [("scp", scp), ("scope", scope)];
    claims
        .into_iter()
        .fold(token, |token, (claim, value)| match value {
            Some(value) => token.claim(claim, value),
            None => token.without(claim),
        })
}
