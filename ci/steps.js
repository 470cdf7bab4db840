// The steps of `ci/check` and of `ci/full`, in the order in which they run.
//
// `run` holds commands: words, or { words, cwd, env, only }; `only` names a program without which the command is left out.
// `ahead` is a command that begins with the first step of the run and beside it, because it takes long; its step waits for it.
// `needs` holds programs besides cargo, a C compiler and Node; gate.js installs those that it can.
'use strict';
const { readFileSync } = require('node:fs');
const { files, root } = require('./tree.js');

// The published crates: the libraries, and the crate of the command.
const libraries = ['', '-tower', '-axum', '-actix', '-redis', '-testing'].map((end) => `okta-verifier${end}`);
const crates = [...libraries, 'okta-verifier-cli'];
const packages = (names) => names.map((name) => `-p ${name}`).join(' ');
const each = packages(crates);

const workspaces = files(/^Cargo\.toml$/)
  .filter((path) => /^\[workspace\]$/m.test(readFileSync(`${root}/${path}`, 'utf8')))
  .map((path) => path.replace(/\/?Cargo\.toml$/, '') || '.');

const unstable = { RUSTDOC: `${root}/ci/unstable-rustdoc` };

// The command that the README gives.
const [, tests] = readFileSync(`${root}/README.md`, 'utf8').match(/^(cargo test --workspace\b[^#\n]*?) *(?:#.*)?$/m);

// One package at a time, because the features of packages that are built together are united.
const backends = (words, rest = '') =>
  ['none', 'both'].map((name) => ({ words: `${words} -p backend-${name}${rest}`, cwd: 'tests/backends' }));

const strict = '--all-targets -- -D warnings';

exports.check = [
  { name: 'format', about: 'rustfmt, in every workspace', needs: ['rustfmt'],
    run: workspaces.map((cwd) => ({ words: 'cargo fmt --all --check', cwd })) },
  { name: 'house-rules', about: 'rules of the code that clippy cannot check', run: ['ci/house-rules'] },
  { name: 'process-owner', about: 'the tests of what ends the processes of the other steps',
    run: ['node --test --test-reporter=spec ci/process.test.js'] },
  { name: 'deny', about: 'licences, banned and duplicate crates, and their sources, by deny.toml', needs: ['cargo-deny'],
    run: ['cargo deny --locked check -D unnecessary-skip -D unmatched-skip -D license-not-encountered licenses bans sources'] },
  { name: 'clippy', about: 'clippy of the workspace, tests/e2e, tests/live and tests/redis', needs: ['clippy'],
    run: [
      `cargo clippy --locked --workspace ${strict}`,
      { words: `cargo clippy --locked ${strict}`, cwd: 'tests/e2e' },
      { words: `cargo clippy --locked --all-features ${strict}`, cwd: 'tests/live' },
      { words: `cargo clippy --locked ${strict}`, cwd: 'tests/redis' },
      // With what the fuzzers call; `clippy-all` lints the fuzzers themselves.
      'cargo clippy --locked -p okta-verifier --lib -- --cfg fuzzing -D warnings',
    ] },
  { name: 'tests', about: 'all tests of the workspace, by the command of the README', run: [tests] },
  { name: 'interleavings', about: 'every interleaving of the single-flight cell and of a changed revocation rule, by loom',
    run: [{ words: 'cargo test --locked --release', cwd: 'tests/interleavings' }] },
  { name: 'differential', about: '3,000 mutated tokens through jsonwebtoken too',
    run: [{ words: 'cargo test --locked', cwd: 'tests/differential' }] },
  { name: 'backends', about: 'a process without a backend of jsonwebtoken, and one with both',
    run: backends('cargo test --locked') },
  { name: 'compile-errors', about: 'the error codes of code that must not compile, which stable rustdoc does not compare',
    run: [
      { words: 'cargo test --locked -p docs --doc compile_errors', env: unstable },
      { words: 'cargo test --locked -p backend-none --doc', cwd: 'tests/backends', env: unstable },
    ] },
  { name: 'redis',
    about: 'the replay store and the revocation log against real Redis servers, and the soak of the shop for 30 s; installs redis-server if it is missing',
    run: ['ci/redis'] },
  { name: 'doc', about: 'rustdoc of the workspace without a warning, and of the published libraries as docs.rs builds it',
    run: [
      { words: 'cargo doc --locked --workspace --no-deps', env: { RUSTDOCFLAGS: '-Dwarnings' } },
      { words: `cargo doc --locked --no-deps --all-features ${packages(libraries)}`,
        env: { ...unstable, RUSTDOCFLAGS: '-Dwarnings --cfg docsrs' } },
    ] },
  { name: 'public-api', about: 'the foreign types that docs/design/architecture.md lists, and an example for each public item',
    // In one process, so that rustdoc runs once.
    run: [{ words: ['node', '-e', "require('./ci/foreign-types'); require('./ci/documented')"] }] },
  { name: 'examples', about: 'each example as its README starts it, and every line that it prints to paste', needs: ['curl'],
    run: ['ci/examples'] },
  { name: 'conformance', about: 'the proofs of docs/design/conformance.md against the tests', run: ['ci/conformance'] },
];

exports.full = [
  { name: 'e2e', about: 'the examples against a real authorization server', needs: ['npm', 'openssl'], run: ['ci/e2e'] },
  { name: 'live', about: 'tokens and revocations of a real Keycloak; installs Java, Maven and unzip if they are missing', needs: ['openssl'],
    ahead: 'ci/live build', run: ['ci/live'] },
  { name: 'live-revocation', about: 'what a real Keycloak tells two instances of, and receivers in trouble', needs: ['openssl'],
    run: ['ci/live revocation'] },
  { name: 'live-mcp', about: 'MCP clients of other projects with a real Keycloak', needs: ['npm', 'openssl'],
    run: ['ci/live mcp'] },
  { name: 'revocation-soak', about: 'instances that revoke and verify for 5 minutes while Redis is killed and restarted',
    run: [{ words: 'ci/redis soak -- --nocapture', env: { REDIS_SOAK: '300' } }] },
  { name: 'soak', about: 'two instances of the shop for 10 minutes, while issuers and Redis fail and strangers send what they like',
    run: ['ci/soak 600'] },
  { name: 'hydra', about: 'tokens of a real Ory Hydra, which takes minutes to build', needs: ['go'], run: ['ci/live hydra'] },
  { name: 'others', about: 'the conformance requests for servers on the verifiers of other projects; installs Java and Maven if they are missing',
    needs: ['npm', 'go'], run: ['ci/others'] },
  { name: 'fuzz', about: 'every fuzzer for 30 s', needs: ['c++'], run: ['fuzz/run 30'] },
  { name: 'differential-full', about: '100,000 mutated tokens through jsonwebtoken too',
    run: [{ words: 'cargo test --locked', cwd: 'tests/differential', env: { DIFFERENTIAL: '100000' } }] },
  { name: 'recipes', about: 'the code of the pages of the cookbook about other frameworks',
    run: [{ words: 'cargo test --locked', cwd: 'tests/recipes' }] },
  { name: 'alerts', about: 'the alert rules in a real Prometheus; installs prometheus if it is missing', run: ['ci/alerts'] },
  { name: 'clippy-all', about: 'clippy of the other workspaces and of the fuzzers', needs: ['clippy'],
    run: [
      { words: `cargo clippy --locked ${strict}`, cwd: 'tests/differential' },
      { words: `cargo clippy --locked ${strict}`, cwd: 'tests/interleavings' },
      { words: `cargo clippy --locked ${strict}`, cwd: 'tests/others' },
      { words: `cargo clippy --locked ${strict}`, cwd: 'tests/recipes' },
      ...backends('cargo clippy --locked', ` ${strict}`),
      // A target directory of its own, because every crate gets the `--cfg`.
      { words: `cargo clippy --locked --target-dir {target}/fuzzers ${strict}`, cwd: 'fuzz', env: { RUSTFLAGS: '--cfg fuzzing' } },
    ] },
  { name: 'features', about: 'each published crate with every feature alone, and with none', needs: ['cargo-hack'],
    run: [`cargo hack check ${each} --each-feature --no-dev-deps`] },
  { name: 'lowest-versions', about: 'the published crates with the lowest versions that their manifests allow',
    run: ['ci/lowest-versions'] },
  { name: 'figures', about: 'every command that prints a figure of the documents, in its short form', needs: ['npm'],
    run: [
      { words: 'benches/run', env: { BENCH_ROUNDS: '3', FLOOD: '10000' } },
      'cargo bench --locked --quiet -p benches --bench dpop -- --test',
      { words: 'benches/instructions 100', only: 'valgrind' },
      { words: 'cargo run --locked --release --package report -- --quick', cwd: 'benches/peers' },
      { words: 'npm ci', cwd: 'benches/peers/node' },
      { words: 'node stress.mjs', cwd: 'benches/peers/node' },
    ] },
  { name: 'packages', about: 'what would be published, built from what would be uploaded',
    run: [`cargo publish --dry-run --allow-dirty ${each}`] },
  { name: 'semver', about: 'the public API against that of the last release', needs: ['cargo-semver-checks'],
    run: ['ci/semver'] },
  { name: 'hostile', about: 'a million of each kind of hostile requests through one verifier',
    run: [{ words: 'cargo test --locked --release -p okta-verifier --test hostile -- --nocapture', env: { HOSTILE: '1000000' } }] },
  { name: 'revocation-model', about: 'a million random rules and requests, compared with a model that forgets nothing',
    run: [{ words: 'cargo test --locked -p okta-verifier --lib model_of_revocation', env: { REVOCATION_STEPS: '1000000' } }] },
  { name: 'load', about: 'strangers and greedy clients beside honest callers, for 10 s per row of the documents',
    run: [
      { words: 'cargo run --locked --quiet --bin introspection-load -- 10', cwd: 'tests/e2e' },
      { words: 'cargo run --locked --quiet --bin unknown-keys -- 10', cwd: 'tests/e2e' },
    ] },
  // Hours: `all` does not include it.
  { name: 'mutants', about: 'the mutants of .cargo/mutants.toml; hours, and only by its name', byName: true,
    needs: ['cargo-mutants'], run: ['ci/mutants'] },
];

exports.crates = crates;
exports.libraries = libraries;
