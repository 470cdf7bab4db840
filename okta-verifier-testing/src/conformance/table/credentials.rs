//! Where credentials are read from, and what counts as no credentials.

use super::super::case::{Case, accepted, plain};
use super::super::request::AUTHORIZATION;
use super::super::route::Route;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        accepted("a valid token", &[1]).okta(|token| token),
        accepted("three spaces after the scheme", &[1])
            .okta(|token| token)
            .lines(|token| vec![format!("Bearer   {token}").into()]),
        accepted("white space around the value", &[4])
            .okta(|token| token)
            .lines(|token| vec![format!(" Bearer {token} \t ").into()]),
        accepted("the field name in capitals", &[1])
            .okta(|token| token)
            .fields(|token| vec![("AUTHORIZATION", format!("Bearer {token}").into())]),
        accepted("proxy credentials next to a token", &[32])
            .okta(|token| token)
            .fields(|token| {
                let ours = format!("Bearer {token}").into();
                vec![(PROXY, b"Basic eDp5".to_vec()), (AUTHORIZATION, ours)]
            }),
        accepted("a query without a token", &[6])
            .okta(|token| token)
            .query(|_| "page=2".to_owned()),
        accepted("a query with a similar parameter", &[6])
            .okta(|token| token)
            .query(|_| "my_access_token=x&access_token_hint=y&ACCESS_TOKEN=z".to_owned()),
        accepted("a POST with a token", &[1])
            .method("POST")
            .okta(|token| token),
        plain("proxy credentials alone", &[32])
            .okta(|token| token)
            .fields(|token| vec![(PROXY, format!("Bearer {token}").into())]),
        plain("a token in a cookie", &[7, 9])
            .okta(|token| token)
            .fields(|token| vec![("Cookie", format!("access_token={token}").into())]),
        plain("a token in the query", &[7])
            .okta(|token| token)
            .fields(|_| Vec::new())
            .query(|token| format!("access_token={token}")),
        plain("a token in a form", &[7])
            .method("POST")
            .okta(|token| token)
            .fields(|_| vec![("Content-Type", FORM.to_vec())])
            .body(|token| format!("access_token={token}")),
        plain("a token in the query beside another scheme", &[6, 12])
            .okta(|token| token)
            .lines(|_| vec![b"Basic eDp5".to_vec()])
            .query(|token| format!("access_token={token}")),
        plain("a preflight without a CORS layer", &[31])
            .method("OPTIONS")
            .fields(|_| {
                vec![
                    ("Origin", b"https://app.example".to_vec()),
                    ("Access-Control-Request-Method", b"GET".to_vec()),
                ]
            }),
        plain("a token without a scheme", &[12])
            .okta(|token| token)
            .lines(|token| vec![token.into()]),
        plain("another scheme before a valid token", &[12])
            .okta(|token| token)
            .lines(|token| vec![format!("DPoP {token}").into()]),
    ];
    cases.extend(["bearer", "BEARER", "bEaReR"].map(|scheme| {
        accepted(format!("the scheme written {scheme}"), &[3])
            .okta(|token| token)
            .lines(move |token| vec![format!("{scheme} {token}").into()])
    }));
    let protected = [Route::Me, Route::Orders, Route::Admin, Route::Claims];
    cases.extend(protected.map(|route| {
        let name = format!("none for {}", route.path());
        plain(name, &[9, 10, 11, 22, 25, 28]).at(route)
    }));
    cases.extend(
        ["HEAD", "POST", "OPTIONS", "DELETE"]
            .map(|method| plain(format!("none with {method}"), &[9, 31]).method(method)),
    );
    let others: [(&str, &str); 6] = [
        ("Basic", "Basic YWRhOmFkYQ=="),
        ("Basic without credentials", "Basic"),
        ("Digest", r#"Digest username="ada", realm="api""#),
        ("Negotiate", "Negotiate YIIB"),
        ("a scheme that begins with Bearer", "Bearertoken abc"),
        ("a scheme that ends with Bearer", "XBearer abc"),
    ];
    cases.extend(others.map(|(name, value)| plain(name, &[9, 11, 12]).line(value)));
    cases
}

const PROXY: &str = "Proxy-Authorization";
const FORM: &[u8] = b"application/x-www-form-urlencoded";
