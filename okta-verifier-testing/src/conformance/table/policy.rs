//! Policies other than scopes: a group, and typed claims.

use serde_json::{Value, json};

use super::super::case::{Case, accepted, forbidden, invalid};
use super::super::issuers::Source;
use super::super::route::Route;

/// Builds `groups` from the required group.
type Shape = fn(&str) -> Value;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let members: [(&str, Shape); 5] = [
        ("the group alone", |group| json!([group])),
        ("the group among others", |group| json!(["Everyone", group])),
        ("the group as a string", |group| json!(group)),
        (
            "the group as an object",
            |group| json!([{ "value": group }]),
        ),
        (
            "the group among objects",
            |group| json!([{ "value": "Everyone", "display": "all" }, { "value": group, "$ref": "x" }]),
        ),
    ];
    cases.extend(members.map(|(name, groups)| {
        accepted(name, &[99])
            .at(Route::Admin)
            .of(Source::Okta, move |token, terms| {
                token.claim("groups", groups(&terms.group))
            })
    }));
    let others: [(&str, Shape); 10] = [
        ("another group", |_| json!(["Everyone"])),
        ("an empty list of groups", |_| json!([])),
        ("the group in lower case", |group| {
            json!([group.to_lowercase() + "x"])
        }),
        ("a prefix of the group", |group| {
            json!([group[..group.len() - 1]])
        }),
        ("a longer group", |group| json!([format!("{group}2")])),
        ("the group after a comma", |group| {
            json!([format!("Everyone,{group}")])
        }),
        (
            "the group as a display name",
            |group| json!([{ "value": "1", "display": group }]),
        ),
        ("the group in a list of lists", |group| json!([[group]])),
        (
            "the group as an object's name",
            |group| json!({ group: true }),
        ),
        ("null as groups", |_| json!(null)),
    ];
    cases.extend(others.map(|(name, groups)| {
        forbidden(name, &[15, 25, 99])
            .at(Route::Admin)
            .of(Source::Okta, move |token, terms| {
                token.claim("groups", groups(&terms.group))
            })
    }));
    cases.extend([
        forbidden("no groups", &[15, 99])
            .at(Route::Admin)
            .okta(|token| token),
        forbidden("a scope of the group's name", &[15, 99])
            .at(Route::Admin)
            .of(Source::Okta, |token, terms| token.scope(&terms.group)),
        invalid("expired, with the group", &[14])
            .at(Route::Admin)
            .of(Source::Okta, |token, terms| {
                token.group(&terms.group).expired()
            }),
    ]);
    let readable = [json!("Sales"), json!(""), json!("\u{e9} \"quoted\"")];
    cases.extend(readable.map(|department| {
        accepted(format!("claims with the department {department}"), &[96])
            .at(Route::Claims)
            .okta(move |token| token.claim("department", department.clone()))
    }));
    let unreadable = [
        json!(7),
        json!(null),
        json!(["Sales"]),
        json!({ "name": "Sales" }),
    ];
    cases.extend(unreadable.map(|department| {
        forbidden(
            format!("claims with the department {department}"),
            &[25, 225],
        )
        .at(Route::Claims)
        .okta(move |token| token.claim("department", department.clone()))
    }));
    cases.extend([
        forbidden("claims without the department", &[25, 225])
            .at(Route::Claims)
            .okta(|token| token),
        // The API offers no DPoP, so the error is in the challenge of the scheme Bearer.
        invalid("an unbound token where a binding is required", &[244])
            .at(Route::Bound)
            .okta(|token| token),
        invalid("expired, with the department", &[14])
            .at(Route::Claims)
            .okta(|token| token.claim("department", "Sales").expired()),
    ]);
    cases
}
