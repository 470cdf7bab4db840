//! Protected resources: their audiences, and what their challenges name (RFC 9728 §5.1).

use super::super::case::{
    Case, accepted, forbidden, invalid, lacks_scope, malformed, missing_layer, plain, step_up,
    unproved,
};
use super::super::issuers::{FILES, MAIL, Source};
use super::super::route::Route;
use super::dpop::{DPOP, authorization, proved_of};
use crate::{Client, TokenBuilder};

const READ: &str = "files:read";
const BOTH: &str = "files:read files:write";

pub(super) fn cases() -> Vec<Case> {
    let cases = [files(), inside(), mail(), unnamed()].concat();
    cases.into_iter().map(Case::if_not_bound).collect()
}

fn files() -> Vec<Case> {
    let at = |case: Case| case.at(Route::Files).naming(READ);
    vec![
        at(plain("no credentials", &[199, 251, 252, 257])),
        at(plain("another scheme", &[251, 257])).line("Basic eDp5"),
        at(malformed("the scheme alone", &[251])).line("Bearer"),
        at(invalid("not a JWT", &[251, 257])).line("Bearer a.b.c"),
        at(invalid("an expired token", &[251, 257])).okta(|token| for_files(token).expired()),
        at(invalid("a token signed with another key", &[251, 257]))
            .okta(|token| for_files(token).foreign_key()),
        at(invalid("the audience of the issuer alone", &[253, 254]))
            .okta(|token| token.scope(READ)),
        at(invalid("a token for mail", &[254])).okta(|token| for_mail(token).scope(READ)),
        at(invalid("a token of another issuer for mail", &[254]))
            .of(Source::TenantB, |token, _| for_mail(token).scope(READ)),
        at(accepted("a token for files", &[254, 256])).okta(for_files),
        at(accepted("a token for both resources", &[254]))
            .okta(|token| token.scope(READ).claim("aud", [MAIL, FILES])),
        at(lacks_scope(
            "a token without the scope of the layer",
            &[251, 256],
        ))
        .okta(|token| for_files(token).without("scp")),
        at(lacks_scope("a token with another scope only", &[256]))
            .okta(|token| for_files(token).without("scp").scope("files:write")),
        bound_as_bearer(at(invalid("a bound token as Bearer", &[252]))),
        without_proof(at(unproved("a bound token without a proof", &[252]))),
        bound(at(accepted("a bound token", &[252])), for_files),
        bound(
            at(lacks_scope("a bound token without the scope", &[252, 256])),
            |token| for_files(token).without("scp"),
        ),
    ]
}

fn inside() -> Vec<Case> {
    let write = |token: TokenBuilder| for_files(token).scope("files:write");
    vec![
        plain("no credentials, inside the layer", &[257])
            .at(Route::FilesWrite)
            .naming(READ),
        lacks_scope("a token without the scope of the layer, inside it", &[256])
            .at(Route::FilesWrite)
            .naming(READ)
            .okta(|token| for_files(token).without("scp").scope("files:write")),
        lacks_scope("a token with the scope of the layer only", &[258])
            .at(Route::FilesWrite)
            .naming(BOTH)
            .okta(for_files),
        accepted("a token with both scopes", &[258])
            .at(Route::FilesWrite)
            .okta(write),
        accepted("a token with the second alternative", &[258])
            .at(Route::FilesWrite)
            .okta(|token| for_files(token).scope("files:admin")),
        bound(
            lacks_scope("a bound token with the scope of the layer only", &[258])
                .at(Route::FilesWrite)
                .naming(BOTH),
            for_files,
        ),
        plain("no credentials, inside an optional layer", &[258])
            .at(Route::MaybeFilesWrite)
            .naming(BOTH),
        invalid("an expired token, inside an optional layer", &[257])
            .at(Route::MaybeFilesWrite)
            .naming(READ)
            .okta(move |token| write(token).expired()),
        lacks_scope("a token with the scope of an optional layer only", &[258])
            .at(Route::MaybeFilesWrite)
            .naming(BOTH)
            .okta(for_files),
        accepted("a token with both scopes, inside an optional layer", &[258])
            .at(Route::MaybeFilesWrite)
            .okta(write),
    ]
}

fn mail() -> Vec<Case> {
    vec![
        plain("no credentials for mail", &[251]).at(Route::Mail),
        invalid("a token of another resource", &[254])
            .at(Route::Mail)
            .okta(for_files),
        accepted("a token for mail, at mail", &[254])
            .at(Route::Mail)
            .okta(for_mail),
        lacks_scope("a token for mail without a scope", &[251])
            .at(Route::MailSend)
            .okta(for_mail)
            .with_policy_scope("mail:send"),
        forbidden("a token for mail without the group", &[251])
            .at(Route::MailAdmin)
            .okta(for_mail),
        step_up("a token for mail of a weak login", &[251])
            .at(Route::MailTransfer)
            .okta(for_mail),
    ]
}

fn unnamed() -> Vec<Case> {
    let at = |case: Case| case.at(Route::Unnamed);
    vec![
        at(missing_layer(
            "no credentials, and no resource named",
            &[255],
        )),
        at(missing_layer(
            "malformed credentials, and no resource named",
            &[255],
        ))
        .line("Bearer"),
        at(missing_layer(
            "a token for files, and no resource named",
            &[255],
        ))
        .okta(for_files),
        at(missing_layer(
            "a token for both, and no resource named",
            &[255],
        ))
        .okta(|token| token.claim("aud", [MAIL, FILES])),
    ]
}

fn for_files(token: TokenBuilder) -> TokenBuilder {
    token.audience(FILES).scope(READ)
}

fn for_mail(token: TokenBuilder) -> TokenBuilder {
    token.audience(MAIL)
}

fn bound(case: Case, edit: fn(TokenBuilder) -> TokenBuilder) -> Case {
    proved_of(Source::Okta, case, edit, |proof| proof)
}

fn bound_as_bearer(case: Case) -> Case {
    case.okta(|token| Client::new().bind(for_files(token)))
}

fn without_proof(case: Case) -> Case {
    let case = bound_as_bearer(case).by_dpop();
    case.fields(|token| vec![authorization(DPOP, token)])
}
