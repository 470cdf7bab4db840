//! The protected resources of a verifier, and the responses to requests for their metadata (RFC 9728 §3).

use std::sync::atomic::{AtomicBool, Ordering};

use super::{ActiveIssuer, Issuers, Verifier};
use crate::{
    error::ConfigError,
    http::{Response, metadata_response},
    resource::{Enforced, ProtectedResource, Resource},
};

/// The resources in the order in which they were added.
#[derive(Debug)]
pub(super) struct Resources {
    list: Box<[ProtectedResource]>,
    /// Whether the issuers were replaced at run time. Clients then keep the metadata for a shorter time.
    is_dynamic: AtomicBool,
}

impl Resources {
    /// Validates the resources.
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting, or an error if the metadata of two resources would have the same
    /// path.
    pub(super) fn new(resources: Vec<Resource>) -> Result<Self, ConfigError> {
        let list: Box<[_]> = resources
            .into_iter()
            .map(Resource::prepare)
            .collect::<Result<_, _>>()?;
        for (index, resource) in list.iter().enumerate() {
            let wrong = |problem| {
                Err(ConfigError::Resource {
                    url: resource.url().to_owned(),
                    problem,
                })
            };
            for former in list.iter().take(index) {
                if former
                    .paths()
                    .any(|path| resource.paths().any(|it| it == path))
                {
                    return wrong(
                        "another resource has its metadata at the same path; give each resource a path of its own, and call .at_root_too() for one of them only",
                    );
                }
                // A token for both could not be assigned to one of them.
                if former.audience() == resource.audience() {
                    return wrong("another resource has the same audience; write another one");
                }
            }
        }
        Ok(Self {
            list,
            is_dynamic: AtomicBool::new(false),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the resource if there is exactly one.
    pub(super) fn only(&self) -> Option<&ProtectedResource> {
        match &*self.list {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Returns the resource with this URL, which is compared byte by byte.
    pub(super) fn with_url(&self, url: &str) -> Option<&ProtectedResource> {
        self.list.iter().find(|it| it.url() == url)
    }

    /// Returns the resource whose tokens have this `aud`. No two resources have the same.
    pub(super) fn with_audience(&self, audience: &str) -> Option<&ProtectedResource> {
        self.list.iter().find(|it| it.audience() == audience)
    }

    /// Checks that a client can get a token for each resource.
    ///
    /// # Errors
    ///
    /// Returns an error if no issuer has the audience of a resource.
    pub(super) fn check_issuers(&self, issuers: &Issuers) -> Result<(), ConfigError> {
        for resource in &self.list {
            if issuers_of(resource, issuers).next().is_none() {
                return Err(ConfigError::Resource {
                    url: resource.url().to_owned(),
                    problem: "no configured issuer has this audience; write the URL as the audience of an issuer, or the `aud` of the tokens with .audience(..) of the resource",
                });
            }
        }
        Ok(())
    }

    /// Logs what an operator should know about resources that are allowed.
    pub(super) fn log_notes(&self) {
        for resource in self.list.iter().filter(|it| it.has_no_path()) {
            tracing::warn!(
                resource = resource.url(),
                "resource without a path: some clients add a slash and then reject the metadata"
            );
        }
    }

    /// Remembers that the issuers were replaced.
    pub(super) fn set_dynamic(&self) {
        self.is_dynamic.store(true, Ordering::Relaxed);
    }
}

/// Returns the issuers whose tokens are for the resource, in the order of the settings.
fn issuers_of<'i>(
    resource: &'i ProtectedResource,
    issuers: &'i Issuers,
) -> impl Iterator<Item = &'i ActiveIssuer> {
    issuers.iter().map(|issuer| &**issuer).filter(|issuer| {
        let expected = &issuer.origin.expected;
        // A URL with a place for the tenant is the URL of no issuer.
        expected.tenants.is_none()
            && (expected.audiences.iter()).any(|it| it == resource.audience())
    })
}

impl Verifier {
    /// Returns the response to a request for the metadata of a [`Resource`](crate::Resource), or `None` if
    /// `path` is not the path of one. The adapters call this method; call it in a service of another kind.
    ///
    /// `path` is the whole path of the request as the client wrote it. `requested_headers` has the
    /// bytes of the header `Access-Control-Request-Headers` of a preflight. `GET` and `HEAD` get 200, `OPTIONS` gets 204, and any
    /// other method gets 405. The response needs no token and no key. It does not depend on any other
    /// header: the URLs in it are the configured ones (RFC 9728 §7.3).
    ///
    /// Clients may keep the metadata for an hour, or for five minutes if there is an
    /// [`IssuerResolver`](crate::IssuerResolver) or if [`set_issuers`](Self::set_issuers) was called.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Resource, Verifier};
    /// # let okta = TestIssuer::new("https://api.example.com/orders");
    /// let resource = Resource::new("https://api.example.com/orders");
    /// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).resource(resource).build()?;
    ///
    /// let path = "/.well-known/oauth-protected-resource/orders";
    /// assert_eq!(verifier.resource_metadata("GET", path, None).unwrap().status(), 200);
    /// assert_eq!(verifier.resource_metadata("PUT", path, None).unwrap().status(), 405);
    /// // Another path is left to the service, also with a slash at its end.
    /// assert!(verifier.resource_metadata("GET", &format!("{path}/"), None).is_none());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn resource_metadata(
        &self,
        method: &str,
        path: &str,
        requested_headers: Option<&[u8]>,
    ) -> Option<Response<String>> {
        let resources = &self.0.resources;
        let mut list = resources.list.iter();
        let resource = list.find(|it| it.paths().any(|served| served == path))?;
        let is_dynamic = self.0.resolved.is_some() || resources.is_dynamic.load(Ordering::Relaxed);
        let max_age = match is_dynamic {
            true => DYNAMIC_MAX_AGE,
            false => MAX_AGE,
        };
        let document = || {
            let issuers = self.0.issuers.load();
            let mut urls: Vec<&str> = Vec::new();
            for issuer in issuers_of(resource, &issuers) {
                // Entries of one issuer have the same URL.
                if !urls.contains(&issuer.url()) {
                    urls.push(issuer.url());
                }
            }
            resource.document(&urls, self.enforced(resource))
        };
        Some(metadata_response(
            method,
            requested_headers,
            max_age,
            document,
        ))
    }

    /// Returns the paths at which the metadata of the resources is served, for a router that needs a list of
    /// its routes. The list does not change.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Resource, Verifier};
    /// # let okta = TestIssuer::new("https://api.example.com/orders");
    /// # let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    /// let resource = Resource::new("https://api.example.com/orders");
    /// let verifier = builder().resource(resource).build()?;
    /// let paths: Vec<_> = verifier.resource_metadata_paths().collect();
    /// assert_eq!(paths, ["/.well-known/oauth-protected-resource/orders"]);
    ///
    /// assert_eq!(builder().build()?.resource_metadata_paths().count(), 0); // no resource
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn resource_metadata_paths(&self) -> impl Iterator<Item = &str> {
        self.0
            .resources
            .list
            .iter()
            .flat_map(ProtectedResource::paths)
    }

    /// Returns what is enforced for every token of the resource. A resolved issuer may have any settings, so nothing
    /// is enforced for its tokens.
    fn enforced(&self, resource: &ProtectedResource) -> Enforced {
        let offers_dpop = self.0.sender_constraint.offers_dpop();
        let issuers = self.0.issuers.load();
        let mut accepted = issuers.iter().map(|issuer| &issuer.origin.expected);
        let requires_dpop = accepted.all(|expected| {
            let is_of_resource = expected
                .audiences
                .iter()
                .any(|it| it == resource.audience());
            expected.require_dpop || !is_of_resource
        });
        Enforced {
            offers_dpop,
            requires_dpop: offers_dpop && requires_dpop && self.0.resolved.is_none(),
        }
    }
}

/// How long clients may keep the metadata, in seconds.
const MAX_AGE: u16 = 3600;
const DYNAMIC_MAX_AGE: u16 = 300;
