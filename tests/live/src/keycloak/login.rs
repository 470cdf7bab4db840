//! A user at the server's own pages.

use std::collections::BTreeMap;

use reqwest::blocking::{RequestBuilder, Response};

use super::{PASSWORD, Realm};

impl Realm<'_> {
    /// Follows the authorization URL of a client as `user`, until the server redirects to `back`. Returns that redirect.
    pub fn authorize(self, user: &str, url: &str, back: &str) -> String {
        let mut browser = Browser::default();
        let mut next = browser.send(self.server.client.get(url));
        for _ in 0..8 {
            if let Some(location) = next.headers().get("location") {
                let location = location.to_str().expect("ASCII").to_owned();
                if location.split_once('?').is_some_and(|(url, _)| url == back) {
                    return location;
                }
                next = browser.send(self.server.client.get(location));
            } else {
                let status = next.status();
                let page = next.text().expect("a page");
                let action = action(&page).unwrap_or_else(|| panic!("{status}: {page}"));
                let form = [("username", user), ("password", PASSWORD)];
                next = browser.send(self.server.client.post(action).form(&form));
            }
        }
        panic!("no redirect to the client after 8 steps");
    }
}

/// Returns where the login form of a page is sent.
fn action(page: &str) -> Option<String> {
    let (_, form) = page.split_once("id=\"kc-form-login\"")?;
    let (_, rest) = form.split_once("action=\"")?;
    let (action, _) = rest.split_once('"')?;
    Some(action.replace("&amp;", "&"))
}

/// The cookies of a browser with one tab.
#[derive(Default)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    fn send(&mut self, request: RequestBuilder) -> Response {
        let pairs: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header("cookie", pairs.join("; "))
            .send()
            .expect("a response");
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().expect("ASCII");
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a cookie");
            self.0.insert(name.to_owned(), value.to_owned());
        }
        response
    }
}
