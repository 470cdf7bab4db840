// The output of rustdoc for the published libraries, with every feature. Cargo builds its JSON anew each time, so checks that
// need it in one run share a process.
'use strict';
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
process.chdir(`${__dirname}/..`);

const { libraries: ours } = require('./steps.js');
const cargo = (words, env) =>
  execFileSync('cargo', words.split(' '), { encoding: 'utf8', maxBuffer: 2 ** 28, env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'] });

const metadata = JSON.parse(cargo('metadata --locked --format-version 1'));
const underscored = (name) => name.replaceAll('-', '_');

// rustdoc's JSON is unstable.
cargo(`doc --locked --quiet --no-deps --all-features ${ours.map((name) => `-p ${name}`).join(' ')}`, {
  RUSTDOC: `${__dirname}/unstable-rustdoc`,
  RUSTDOCFLAGS: '-Zunstable-options --output-format=json',
});

const read = (name) => JSON.parse(readFileSync(`${metadata.target_directory}/doc/${underscored(name)}.json`, 'utf8'));
const docs = new Map(ours.map((name) => [name, read(name)])); // by package

module.exports = { docs, metadata, underscored };
