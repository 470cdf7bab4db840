//! Serves the metrics of the page of the cookbook on a free port of loopback, for `ci/alerts`.

use tokio::net::TcpListener;

#[path = "../tests/alert_rules/exporter.rs"]
mod exporter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (metrics, _okta) = exporter::metrics().await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, metrics).await?;
    Ok(())
}
