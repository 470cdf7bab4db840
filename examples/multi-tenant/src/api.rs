//! The running API, which follows its settings file.

use std::path::PathBuf;

use axum::{Router, extract::Request};
use okta_verifier::{Verifier, settings::Settings};
use tokio::sync::watch;
#[cfg(unix)]
use tokio::{signal::unix::Signal, task::block_in_place};
use tower::ServiceExt;

use crate::{
    router,
    settings::{self, WrongSettings},
};

/// The API with the settings that are in effect.
#[derive(Debug)]
pub(crate) struct Api {
    path: PathBuf,
    settings: Settings,
    verifier: Verifier,
    /// A layer keeps its policy, so changed policies need new routes. They are replaced as a whole, so that a
    /// request never meets policies of two files. A watch channel is enough: its lock is held only while a
    /// request clones the router, which is one `Arc`.
    routes: watch::Sender<Router>,
}

impl Api {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`settings::read`], and then that issuers contradict one another.
    pub(crate) fn start(path: PathBuf) -> Result<Self, WrongSettings> {
        let (settings, policies) = settings::read(&path)?;
        let verifier = settings.verifier()?;
        let routes = watch::Sender::new(router::router(&verifier, policies));
        Ok(Self {
            path,
            settings,
            verifier,
            routes,
        })
    }

    /// Returns a service that serves each request with the routes that are current when it arrives.
    pub(crate) fn service(&self) -> Router {
        let routes = self.routes.subscribe();
        Router::new().fallback(async move |request: Request| {
            let current = routes.borrow().clone();
            current.oneshot(request).await
        })
    }

    /// Reads the file again. Issuers and policies are in effect for the next request when this returns. An
    /// unchanged issuer keeps its keys, its cached tokens and its rate limits. A cached token of a removed
    /// issuer is rejected at its next request.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`settings::read`], and then every changed setting that needs a restart, or that
    /// issuers contradict one another. If there is an error, nothing changes.
    pub(crate) fn reload(&mut self) -> Result<(), WrongSettings> {
        let (next, policies) = settings::read(&self.path)?;
        // This either fails as a whole or changes the issuers. Nothing after it can fail.
        self.settings.reload(next, &self.verifier)?;
        drop((self.routes).send_replace(router::router(&self.verifier, policies)));
        Ok(())
    }

    /// Reads the file again after each SIGHUP, and writes the outcome to the log.
    #[cfg(unix)]
    pub(crate) async fn reload_at_each(mut self, mut hangups: Signal) {
        while hangups.recv().await.is_some() {
            // Reading files blocks this thread, so its other tasks move to another one.
            match block_in_place(|| self.reload()) {
                Ok(()) => tracing::info!("settings reloaded"),
                Err(error) => {
                    for problem in error.problems() {
                        tracing::error!(problem, "settings not reloaded");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
