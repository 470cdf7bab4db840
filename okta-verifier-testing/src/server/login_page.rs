//! The login page: one button for each user, no scripts, no passwords.

use super::answer::Answer;
use super::form::Form;

/// Returns the page. Its form repeats the authorization request, with the user who was chosen.
pub(super) fn page(parameters: &Form, users: &[String]) -> Answer {
    let mut html = String::from(HEAD);
    let repeated = parameters
        .pairs()
        .filter(|(name, _)| !["prompt", "login_hint"].contains(name));
    for (name, value) in repeated.chain([("prompt", "none")]) {
        let (name, value) = (escaped(name), escaped(value));
        html += &format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n");
    }
    for user in users {
        let user = escaped(user);
        html += &format!("<button name=\"login_hint\" value=\"{user}\">{user}</button>\n");
    }
    html += "</form>\n";
    Answer::new(200, "text/html; charset=utf-8", html)
        // No script, and no page of another origin around this one. `form-action` is left out, because
        // browsers apply it to the redirection to the client too.
        .with("content-security-policy", POLICY)
        .with("x-content-type-options", "nosniff")
        .with("x-frame-options", "DENY")
}

/// Escapes a text for an element or for an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html += "&amp;",
            '<' => html += "&lt;",
            '>' => html += "&gt;",
            '"' => html += "&quot;",
            '\'' => html += "&#39;",
            other => html.push(other),
        }
    }
    html
}

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Mock login</title>
<style>body{font:1.1em sans-serif;max-width:24em;margin:3em auto}button{display:block;font:inherit;\
margin:.5em 0;padding:.5em 1em;width:100%}</style>
<h1>Mock login</h1>
<p>This is a mock for development: choose a user. There are no passwords.</p>
<form>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_page_escapes_what_the_request_contains() {
        let query = "state=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&%3Cb%3E=%27x%27&prompt=login";
        let parameters = Form::of_query(query).unwrap();
        let users = ["<i>ada</i>".to_owned()];
        let html = String::from_utf8(page(&parameters, &users).body).unwrap();
        for raw in ["<script", "<b>", "<i>", "'x'"] {
            assert!(!html.contains(raw), "{raw}: {html}");
        }
        assert!(html.contains("&quot;&gt;&lt;script&gt;"));
        assert_eq!(html.matches("name=\"prompt\"").count(), 1);
    }
}
