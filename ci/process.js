// Starts processes, and ends each of them however this program itself ends.
//
// Every process leads a process group of its own, so that one signal reaches what it has started too. The group is ended
// - by `end`, with TERM first and KILL after a bound;
// - with KILL when its leader ends by itself, since nothing may outlive it;
// - with KILL by the guard when this program crashes, exits in the middle or is killed.
// The guard is a shell that reads from a pipe which groups exist; the system closes that pipe when the owner is gone.
// A process that leaves its group (setsid) is out of reach, and so are the processes of an owner that this one starts:
// these have a guard of their own.
'use strict';
const { spawn } = require('node:child_process');
const { EventEmitter, once } = require('node:events');
const { mkdtempSync, rmSync } = require('node:fs');
const { constants, tmpdir } = require('node:os');
const { createInterface } = require('node:readline');

// What a program reports by its message alone.
class Failure extends Error {}

const seconds = (ms) => `${ms / 1000} s`;

// Sends `signal` to every process of the group. There may be none left.
const signalGroup = (group, signal) => {
  try {
    process.kill(-group, signal);
  } catch {
    // ESRCH: the group is empty.
  }
};

// How long a process may take to end after TERM before it is killed, in ms.
const PATIENCE = 10_000;
// How long the output may stay open after a process has ended, in ms: only a process that left the group can hold it.
const DRAIN = 5_000;
// How much a process may print, in characters.
const MOST = 2 ** 24;

class Process {
  printed = []; // the complete lines of stdout
  log = []; // the complete lines of stdout and stderr, in the order in which they came
  output = ''; // stdout to the byte
  ended; // resolves with { code, signal } when the process has ended and its output is read
  #child;
  #length = 0;
  #running = true;
  #change = new EventEmitter().setMaxListeners(0);

  constructor(command, args, { env = process.env, cwd, stdin = 'ignore', stdio = [stdin, 'pipe', 'pipe'] } = {}) {
    this.name = [command, ...args].join(' ');
    this.#child = spawn(command, args, { env, cwd, stdio, detached: true }); // `detached` makes the group
    if (this.#child.stdout) this.#read(this.#child.stdout, [this.printed, this.log], (text) => { this.output += text; });
    if (this.#child.stderr) this.#read(this.#child.stderr, [this.log]);
    this.stdin = this.#child.stdin?.on('error', () => {}); // EPIPE: it reads no more, which its end explains
    this.ended = this.#end();
  }

  // Undefined if the program could not be started.
  get group() {
    return this.#child.pid;
  }

  get running() {
    return this.#running;
  }

  #read(stream, lists, sink = () => {}) {
    stream.setEncoding('utf8').on('data', (text) => {
      sink(text);
      this.#length += text.length;
      if (this.#length > MOST && this.#length - text.length <= MOST) {
        this.log.push(`it is killed, since it printed more than ${MOST} characters`);
        this.kill();
      }
    });
    createInterface({ input: stream }).on('line', (line) => {
      for (const list of lists) list.push(line);
      this.#change.emit('change');
    });
  }

  async #end() {
    const child = this.#child;
    const closed = new Promise((resolve) => child.once('close', resolve));
    const result = await new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      // As a shell reports a program that it cannot start.
      child.once('error', (error) => {
        this.log.push(error.message);
        resolve({ code: 127, signal: null });
      });
    });
    if (this.group) signalGroup(this.group, 'SIGKILL');
    const drain = setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream?.destroy()), DRAIN);
    await closed;
    clearTimeout(drain);
    this.#running = false;
    this.#change.emit('change');
    return result;
  }

  // Resolves with the match of the first line of the output that `pattern` matches, also of the lines before the call.
  // Rejects when the process ends first, or has printed no such line within `limit` ms.
  async line(pattern, limit) {
    let seen = 0;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#change.emit('change');
    }, limit);
    try {
      for (;;) {
        for (; seen < this.log.length; seen += 1) {
          const match = this.log[seen].match(pattern);
          if (match) return match;
        }
        if (!this.#running) throw new Failure(`${this.name}: ${ending(await this.ended)} before it printed ${pattern}${this.#tail()}`);
        if (late) throw new Failure(`${this.name}: printed no line like ${pattern} within ${seconds(limit)}`);
        await once(this.#change, 'change');
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #tail() {
    return this.log.length > 0 ? `; its last line: ${this.log.at(-1)}` : '';
  }

  // Sends TERM to the group, and KILL when it has not ended after `patience` ms; resolves as `ended` does.
  async end(patience = PATIENCE) {
    if (this.#running && this.group) signalGroup(this.group, 'SIGTERM');
    const timer = setTimeout(() => this.kill(), patience);
    const result = await this.ended;
    clearTimeout(timer);
    return result;
  }

  kill() {
    if (this.#running && this.group) signalGroup(this.group, 'SIGKILL');
  }
}

// "ended with exit code 3", or by a signal.
const ending = ({ code, signal }) => (signal ? `ended by ${signal}` : `ended with exit code ${code}`);

// Each line names all groups that exist. The last one counts when the owner is gone.
const GUARD = `
  while read -r line; do groups=$line; done
  for group in $groups; do kill -s KILL -- "-$group"; done`;

// Every process that it starts ends with it, at the latest.
class Owner {
  #processes = new Set();
  #directories = [];
  #ending = false;
  #guard;

  constructor() {
    this.#guard = spawn('sh', ['-c', GUARD], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#guard.on('error', (error) => { throw error; });
    this.#guard.stdin.on('error', () => {}); // EPIPE: someone has killed the guard, and `end` remains
  }

  // Options: `env`, `cwd`, and either `stdin` ('ignore' unless given) or `stdio`, as those of Node's spawn.
  start(command, args, options) {
    if (this.#ending) throw new Failure(`${command} is not started: its owner is ending`);
    const started = new Process(command, args, options);
    if (!started.group) return started;
    this.#processes.add(started);
    this.#tell();
    started.ended.then(() => {
      this.#processes.delete(started);
      this.#tell();
    });
    return started;
  }

  #tell() {
    this.#guard.stdin.write(`${[...this.#processes].map((one) => one.group).join(' ')}\n`);
  }

  // Runs a command to its end; resolves with { code, signal, output, log }. Rejects when it takes more than `limit` ms.
  async run(command, args, { limit, ...options }) {
    const started = this.start(command, args, options);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      started.end();
    }, limit);
    const result = await started.ended;
    clearTimeout(timer);
    if (late) throw new Failure(`${started.name}: took more than ${seconds(limit)}`);
    return { ...result, output: started.output, log: started.log };
  }

  // Makes a directory for temporary files, which is removed when every process has ended.
  directory() {
    const path = mkdtempSync(`${tmpdir()}/owned-`);
    this.#directories.push(path);
    return path;
  }

  // Ends every process, and waits until all have ended. Nothing more can be started.
  async end(patience) {
    if (this.#ending) return;
    this.#ending = true;
    await Promise.all([...this.#processes].map((started) => started.end(patience)));
    for (const path of this.#directories) rmSync(path, { recursive: true, force: true });
    const gone = new Promise((resolve) => this.#guard.once('exit', resolve));
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) return;
    this.#guard.stdin.end();
    await gone;
  }
}

// The whole of a program that starts processes: calls `body` with an owner, and ends the owner when `body` is done or
// has failed, or when this program is interrupted. The program's exit code is what `body` returns, or 0; 1 if it throws.
async function own(body, { patience } = {}) {
  const owner = new Owner();
  let interrupted;
  const signal = new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(name, () => {
        // The second one does not wait for the processes: the guard kills them.
        if (interrupted) process.exit(128 + constants.signals[name]);
        interrupted = name;
        resolve();
      });
    }
  });
  try {
    process.exitCode = await Promise.race([body(owner), signal]) ?? 0;
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
  await owner.end(patience);
  if (interrupted) {
    // Ends as a program without a handler would, so that the caller sees the signal.
    process.removeAllListeners(interrupted);
    process.kill(process.pid, interrupted);
  }
}

module.exports = { Failure, Owner, own };
