//! Whether a response is about the token of a user or of a service.

use serde_json::{Value, json};

use super::issuer::{SECOND, origin};
use crate::{
    introspection::{IntrospectionReason, IntrospectionResponse},
    sync::clock::Now,
    token::{SubjectKind, checks::Clients, profile::Profile},
};

fn kind(profile: Profile, members: Value) -> SubjectKind {
    let mut response = json!({ "active": true, "aud": "api://orders", "sub": "ada" });
    let response_members = response.as_object_mut().expect("an object");
    response_members.extend(members.as_object().expect("an object").clone());
    let now = Now::read();
    let response = IntrospectionResponse::parse(
        response.to_string().as_bytes(),
        &origin(profile, Clients::Any),
        IntrospectionReason::Opaque,
        60 * SECOND,
        now,
        now,
    );
    let response = response.expect("an response");
    response.token(now).expect("a good token").subject_kind()
}

// finding 7, field kind A
#[test]
fn subject_kind_of_a_response_without_client_id_is_never_service() {
    for profile in [Profile::Okta, Profile::Rfc9068] {
        for members in [json!({}), json!({ "username": "ada" })] {
            let found = kind(profile.clone(), members.clone());
            assert_eq!(found, SubjectKind::Unknown, "{members}");
        }
    }
    let uid = json!({ "username": "ada", "uid": "00uada" });
    assert_eq!(kind(Profile::Okta, uid), SubjectKind::User);
    let login = json!({ "username": "ada", "auth_time": 1_700_000_000 });
    assert_eq!(kind(Profile::Rfc9068, login), SubjectKind::User);
}

// finding 7, field kind A
#[test]
fn subject_kind_of_a_response_does_not_follow_from_its_client_id_alone() {
    use Profile::{Okta, Rfc9068};
    use SubjectKind::{Service, Unknown};
    for (profile, members, expected) in [
        (Okta, json!({ "client_id": "job" }), Unknown),
        (Rfc9068, json!({ "client_id": "job" }), Unknown),
        // Responses of Hydra and of Okta.
        (Okta, json!({ "client_id": "job", "sub": "job" }), Service),
        (
            Rfc9068,
            json!({ "client_id": "job", "sub": "job" }),
            Service,
        ),
        (
            Okta,
            json!({ "client_id": "job", "sub": "job", "username": "job" }),
            Service,
        ),
        // RFC 7662 §2.2: the username is the resource owner's.
        (
            Okta,
            json!({ "client_id": "job", "sub": "job", "username": "ada" }),
            Unknown,
        ),
        (
            Rfc9068,
            json!({ "client_id": "job", "sub": "job", "username": "ada" }),
            Unknown,
        ),
        // A service account of Keycloak.
        (
            Rfc9068,
            json!({
                "client_id": "web", "azp": "web", "acr": "1",
                "sub": "0ec23cbc-a405-4ec1-b9d0-f3e3e70b1df6",
                "username": "service-account-web",
            }),
            Unknown,
        ),
    ] {
        assert_eq!(
            kind(profile.clone(), members.clone()),
            expected,
            "{members}"
        );
    }
}

// finding 7, field kind A
#[test]
fn subject_kind_of_a_narrowed_token_stays() {
    let now = Now::read();
    let kind_of = |response: Value| {
        IntrospectionResponse::parse(
            response.to_string().as_bytes(),
            &origin(Profile::Okta, Clients::Any),
            IntrospectionReason::Opaque,
            60 * SECOND,
            now,
            now,
        )
        .expect("an response")
    };
    let response = |scope: &str, more: Value| {
        let mut response = json!({ "active": true, "aud": "api://orders", "scope": scope });
        let members = response.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        kind_of(response)
    };
    for (more, expected) in [
        (json!({ "sub": "ada", "uid": "00uada" }), SubjectKind::User),
        (
            json!({ "sub": "job", "client_id": "job" }),
            SubjectKind::Service,
        ),
        (json!({ "sub": "ada" }), SubjectKind::Unknown),
    ] {
        let wide = response("a b", more.clone());
        let subject = more["sub"].clone();
        let narrow = response("a", json!({ "sub": subject }));
        let token = wide.token(now).expect("a good token").clone();
        let narrowed = narrow.confirm(token, now).expect("confirmed");
        assert!(!narrowed.has_scope("b"));
        assert_eq!(narrowed.subject_kind(), expected);
    }
}
