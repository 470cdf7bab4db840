// Tests of process.js: whatever a process does, and however its owner ends, no process is left behind.
// A process that has ended is recognized by its connection to the test, which the system closes then.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { existsSync, writeFileSync } = require('node:fs');
const net = require('node:net');
const { test } = require('node:test');
const { Owner } = require('./process.js');

const LIMIT = { timeout: 60_000 }; // of a test, in ms
const node = process.execPath;

// A program that connects to the test and then stays until it is ended.
const stays = (port) => `require('net').connect(${port}, '127.0.0.1');`;
// A program that starts the program `code` as its own child, in the same group.
const starts = (code) => `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(code)}], { stdio: 'inherit' });`;
const ignoresTerm = "process.on('SIGTERM', () => {});";

// Calls `body` with a listening server and an owner, and ends both.
const owned = (body) => async () => {
  const owner = new Owner();
  const sockets = [];
  const server = net.createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The programs of these tests end when their connection does. Closing it after the limit of the test has passed makes
  // the test of a broken owner fail without a hang.
  const rescue = setTimeout(() => sockets.forEach((socket) => socket.destroy()), LIMIT.timeout + 1_000);
  try {
    await body(owner, server, server.address().port);
  } finally {
    await owner.end();
    clearTimeout(rescue);
    sockets.forEach((socket) => socket.destroy());
    server.close();
  }
};

const connection = async (server) => {
  const [socket] = await once(server, 'connection');
  const closed = once(socket.resume(), 'close');
  return { closed };
};

test('a process that ends before its line is reported with its exit code and output', LIMIT, owned(async (owner) => {
  const early = owner.start(node, ['-e', "console.log('out'); console.error('err'); process.exitCode = 3"]);
  await assert.rejects(early.line(/listening/, 50_000), /ended with exit code 3 .*listening/);
  assert.deepEqual(await early.ended, { code: 3, signal: null });
  assert.deepEqual(early.printed, ['out']);
  assert.deepEqual(early.log.toSorted(), ['err', 'out']);
}));

test('a program that does not exist is reported', LIMIT, owned(async (owner) => {
  const missing = owner.start('/nonexistent/program', []);
  await assert.rejects(missing.line(/listening/, 50_000), /ENOENT/);
  assert.equal((await missing.end()).code, 127);
}));

test('a process that never prints its line is reported after the limit', LIMIT, owned(async (owner, server, port) => {
  const silent = owner.start(node, ['-e', stays(port)]);
  const { closed } = await connection(server);
  await assert.rejects(silent.line(/listening/, 10), /printed no line .*listening.* within 0.01 s/);
  await owner.end();
  await closed;
}));

test('a line that comes late and in two parts is found', LIMIT, owned(async (owner, server, port) => {
  const code = `require('net').connect(${port}, '127.0.0.1').once('data', () => console.log('ening on 1'));
    process.stdout.write('list');`;
  const late = owner.start(node, ['-e', code]);
  const found = late.line(/listening on (\d)/, 50_000);
  const [socket] = await once(server, 'connection');
  socket.write('now');
  assert.equal((await found)[1], '1');
  // It is found again, since lines that came before the call count.
  assert.equal((await late.line(/^listening/, 50_000))[0], 'listening');
}));

test('a process that obeys TERM is not killed', LIMIT, owned(async (owner) => {
  const code = "setInterval(() => {}, 1e6); process.on('SIGTERM', () => process.exit(5)); console.log('ready');";
  const polite = owner.start(node, ['-e', code]);
  await polite.line(/ready/, 50_000);
  assert.deepEqual(await polite.end(), { code: 5, signal: null });
}));

test('a process that ignores TERM is killed after the bound', LIMIT, owned(async (owner, server, port) => {
  const stubborn = owner.start(node, ['-e', `${ignoresTerm} ${stays(port)}`]);
  await connection(server);
  assert.deepEqual(await stubborn.end(10), { code: null, signal: 'SIGKILL' });
}));

test('a process that prints without end is killed', LIMIT, owned(async (owner) => {
  const code = "const print = () => process.stdout.write(`${'x'.repeat(2 ** 20)}\\n`, print); print();";
  const endless = owner.start(node, ['-e', code]);
  assert.deepEqual(await endless.ended, { code: null, signal: 'SIGKILL' });
  assert.match(endless.log.join(), /printed more than/);
}));

test('a grandchild ends with the process that is ended', LIMIT, owned(async (owner, server, port) => {
  const parent = owner.start(node, ['-e', starts(ignoresTerm + stays(port))]);
  const { closed } = await connection(server);
  await parent.end(10);
  await closed;
}));

test('a grandchild ends when its parent has ended by itself', LIMIT, owned(async (owner, server, port) => {
  // The parent waits for a line of the test, so that the grandchild is connected before.
  const code = `${starts(stays(port))} process.stdin.once('data', () => process.exit(0));`;
  const parent = owner.start(node, ['-e', code], { stdin: 'pipe' });
  const { closed } = await connection(server);
  parent.stdin.write('end\n');
  assert.deepEqual(await parent.ended, { code: 0, signal: null });
  await closed;
}));

test('run returns exit code and output', LIMIT, owned(async (owner) => {
  const { code, output } = await owner.run(node, ['-e', "process.stdout.write('204'); process.exitCode = 7"], { limit: 50_000 });
  assert.deepEqual({ code, output }, { code: 7, output: '204' });
}));

test('run ends a command that exceeds its limit', LIMIT, owned(async (owner) => {
  const run = owner.run(node, ['-e', 'setInterval(() => {}, 1e6)'], { limit: 100 });
  await assert.rejects(run, /took more than 0.1 s/);
}));

test('a directory of an owner is removed with what is in it when the owner ends', LIMIT, owned(async (owner) => {
  const directory = owner.directory();
  writeFileSync(`${directory}/file`, '');
  await owner.end();
  assert.equal(existsSync(directory), false);
}));

test('an owner that is ended starts nothing more', LIMIT, owned(async (owner) => {
  await owner.end();
  assert.throws(() => owner.start(node, ['-e', '']), /is ending/);
}));

// A program that owns the program `code`, and does `after` when the test writes to it.
const owner = (code, patience, after = '') => `
  const { own } = require(${JSON.stringify(require.resolve('./process.js'))});
  own(async (owner) => {
    owner.start(process.execPath, ['-e', ${JSON.stringify(code)}]);
    process.stdin.once('data', () => { ${after} });
    await new Promise(() => {});
  }, { patience: ${patience} });`;
const stubborn = (port) => `${ignoresTerm} ${starts(ignoresTerm + stays(port))}`;

test('an owner that is interrupted waits for its processes to end', LIMIT, owned(async (outer, server, port) => {
  const code = `const socket = ${stays(port)} process.on('SIGTERM', () => socket.end('done'));`;
  const program = spawn(node, ['-e', owner(code, 50_000)], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exit = once(program, 'exit');
  const [socket] = await once(server, 'connection');
  program.kill('SIGTERM');
  assert.equal((await socket.toArray()).join(), 'done');
  assert.deepEqual(await exit, [null, 'SIGTERM']);
}));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL']) {
  test(`an owner that gets ${signal} leaves nothing behind`, LIMIT, owned(async (outer, server, port) => {
    const program = spawn(node, ['-e', owner(stubborn(port), 10)], { stdio: ['pipe', 'ignore', 'inherit'] });
    const exit = once(program, 'exit');
    const { closed } = await connection(server);
    program.kill(signal);
    await closed;
    assert.deepEqual(await exit, [null, signal]);
  }));
}

for (const [how, code, after] of [
  ['throws where nothing catches it', 1, 'throw new Error("crash")'],
  ['exits in the middle', 9, 'process.exit(9)'],
]) {
  test(`an owner that ${how} leaves nothing behind`, LIMIT, owned(async (outer, server, port) => {
    const program = spawn(node, ['-e', owner(stubborn(port), 10, after)], { stdio: ['pipe', 'ignore', 'ignore'] });
    const exit = once(program, 'exit');
    const { closed } = await connection(server);
    program.stdin.write('now\n');
    await closed;
    assert.deepEqual(await exit, [code, null]);
  }));
}

test('owned passes the exit code on, and ends what the command leaves behind', LIMIT, owned(async (outer, server, port) => {
  const code = `${starts(stays(port))} process.stdin.once('data', () => process.exit(4));`;
  const program = spawn(`${__dirname}/owned`, [node, '-e', code], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exit = once(program, 'exit');
  const { closed } = await connection(server);
  program.stdin.write('now\n');
  await closed;
  assert.deepEqual(await exit, [4, null]);
}));

test('owned reports a command that a signal ended as a shell does', LIMIT, owned(async () => {
  const program = spawn(`${__dirname}/owned`, [node, '-e', "process.kill(process.pid, 'SIGKILL')"], { stdio: 'ignore' });
  assert.deepEqual(await once(program, 'exit'), [137, null]);
}));
