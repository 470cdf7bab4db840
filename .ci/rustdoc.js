// What rustdoc sees of the six published crates, with every feature. Cargo builds its JSON anew each time, so checks
// that want it in one run share a process.
'use strict';
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
process.chdir(`${__dirname}/..`);

const ours = ['', '-tower', '-axum', '-actix', '-redis', '-testing'].map((end) => `okta-verifier${end}`);
const cargo = (words, env) =>
  execFileSync('cargo', words.split(' '), { encoding: 'utf8', maxBuffer: 2 ** 28, env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'] });

const metadata = JSON.parse(cargo('metadata --locked --format-version 1'));
const underscored = (name) => name.replaceAll('-', '_');

// rustdoc's JSON is unstable: it alone is told to take it, for build scripts of others ask for that word too.
const work = mkdtempSync(`${tmpdir()}/rustdoc-`);
try {
  writeFileSync(`${work}/rustdoc`, '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n', { mode: 0o755 });
  cargo(`doc --locked --quiet --no-deps --all-features ${ours.map((name) => `-p ${name}`).join(' ')}`, {
    RUSTDOC: `${work}/rustdoc`,
    RUSTDOCFLAGS: '-Zunstable-options --output-format=json',
  });
} finally {
  rmSync(work, { recursive: true });
}

const read = (name) => JSON.parse(readFileSync(`${metadata.target_directory}/doc/${underscored(name)}.json`, 'utf8'));
const docs = new Map(ours.map((name) => [name, read(name)])); // by package

module.exports = { docs, metadata, underscored };
