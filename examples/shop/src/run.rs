//! The `main` of both programs.

use std::{
    env,
    error::Error,
    net::TcpListener,
    process::ExitCode,
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use crate::{Shop, demo::Demo};

/// Runs the whole `main`. `serve` gets the shop, the listener of the API and that of the metrics, both on loopback.
///
/// `SETTINGS` names the settings file. Without it, mock issuers are started in this process.
pub async fn run<S>(name: &str, serve: S) -> ExitCode
where
    S: AsyncFnOnce(Arc<Shop>, TcpListener, TcpListener) -> Result<(), Box<dyn Error>>,
{
    example_support::report(name, start_and(serve, name).await)
}

async fn start_and<S>(serve: S, name: &str) -> Result<(), Box<dyn Error>>
where
    S: AsyncFnOnce(Arc<Shop>, TcpListener, TcpListener) -> Result<(), Box<dyn Error>>,
{
    example_support::log("warn");
    let public = example_support::listen()?;
    let internal = TcpListener::bind("127.0.0.1:0")?;
    internal.set_nonblocking(true)?; // tokio requires it
    let address = public.local_addr()?;
    // An empty `SETTINGS` is a mistake that must be reported. It must not make the API trust the mocks.
    let (settings, demo) = match env::var_os("SETTINGS") {
        Some(path) => (path.into(), None),
        None => {
            let demo = Demo::start(address).await?; // the mocks stop when it is dropped
            (demo.settings(), Some(demo))
        }
    };
    let (audit, lines) = sync_channel(1_000);
    let shop = Arc::new(Shop::read(&settings, audit)?);
    thread::spawn(move || {
        for line in lines {
            eprintln!("{line}");
        }
    });
    // Not fatal: while an issuer is unavailable, its tokens get 503.
    if let Err(error) = shop.verifier().warm_up().await {
        eprintln!("{name}: {error}");
    }
    let guide = demo.as_ref().map(|demo| demo.guide(address));
    example_support::print(&format!(
        "{}the metrics are at http://{}/metrics\nlistening on http://{address}\n",
        guide.unwrap_or_default(),
        internal.local_addr()?
    ));
    serve(shop, public, internal).await
}
