//! The cost of the reading of a body of an MCP request, by its size, beside a UTF-8 check of the same bytes.

#![allow(missing_docs, reason = "criterion's macros write public items")]

use std::hint::black_box;

use axum::http::HeaderMap;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use okta_verifier::mcp::McpCalls;

/// Returns a call of a tool with arguments, of about this many bytes.
fn body(size: usize, argument: &str) -> String {
    let start = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_file","arguments":{"lines":["#;
    let end = r#""end"]}}}"#;
    let count = (size.saturating_sub(start.len() + end.len())) / (argument.len() + 1);
    let arguments: String = (0..count).map(|_| format!("{argument},")).collect();
    format!("{start}{arguments}{end}")
}

fn read(criterion: &mut Criterion) {
    let headers = HeaderMap::new();
    let long = format!("\"{}\"", "All work and no play. ".repeat(20));
    for (form, argument) in [
        ("long texts", long.as_str()),
        ("objects", r#"{"line":1,"text":"fn main() {\n"}"#),
        ("empty objects", "{}"),
    ] {
        let mut group = criterion.benchmark_group(format!("MCP body of {form}"));
        for (name, size) in [("1 KiB", 1 << 10), ("64 KiB", 64 << 10), ("4 MiB", 4 << 20)] {
            let body = body(size, argument);
            assert!(McpCalls::read(&headers, body.as_bytes(), None).is_ok());
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_function(BenchmarkId::new("read", name), |bencher| {
                bencher.iter(|| McpCalls::read(&headers, black_box(body.as_bytes()), None).is_ok());
            });
            group.bench_function(BenchmarkId::new("UTF-8 check", name), |bencher| {
                bencher.iter(|| std::str::from_utf8(black_box(body.as_bytes())).is_ok());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, read);
criterion_main!(benches);
