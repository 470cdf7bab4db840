// npm ci && node stress.mjs: prints the Node columns of README.md's "Beside its neighbours" as Markdown,
// in a minute and a half. Needs openssl, for the certificate of the issuer.
//
// Each library runs each scenario in its own process, with its own issuer: on loopback, https, 20 ms per
// response. Where keys must age, the clock of the process is moved forward (stress/clock.mjs);
// durations are measured in real time. The faults are those of the JWKS endpoint; libraries that fetch
// metadata get regular metadata.
import { fork } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

import { makeFiles } from './stress/files.mjs'
import { libraries, packages } from './stress/libraries.mjs'
import { scenarios } from './stress/scenarios.mjs'

const LIMIT_S = 900 // enough for a machine under other load
const columns = Object.keys(libraries)
const rows = Object.keys(scenarios)
const folder = makeFiles()
const running = new Set()

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
setTimeout(() => {
  console.error(`stopped after ${LIMIT_S} s`)
  process.exit(1)
}, LIMIT_S * 1_000).unref()

// Resolves `cell` with the result, and `idle` as soon as the process only waits.
function measure(library, scenario) {
  const child = fork(new URL('stress/one.mjs', import.meta.url), [library, scenario, folder], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'tls.crt') },
    // stdout is reserved for the table.
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  running.add(child)
  const result = new Promise(resolve => {
    child.on('message', message => message.waits || resolve(message))
    child.once('exit', () => resolve({ error: 'the process ended without a result' }))
  })
  const cell = result.then(({ cell, error }) => {
    running.delete(child)
    child.kill('SIGKILL')
    if (error) process.exitCode = 1
    return cell ?? `failed: ${error}`
  })
  const waits = new Promise(resolve => child.once('message', resolve))
  return { cell, idle: Promise.race([waits, cell]) }
}

// Runs as many processes at work as there are processors, so that they do not slow each other down,
// plus those that only wait.
async function measureAll() {
  const slow = /rotated key|never answers/
  const work = rows
    .toSorted((one, other) => slow.test(other) - slow.test(one))
    .flatMap(row => columns.map(column => ({ row, column })))
  const cells = new Map()
  const worker = async () => {
    for (let next = work.shift(); next; next = work.shift()) {
      const { cell, idle } = measure(next.column, next.row)
      cells.set(`${next.row} ${next.column}`, cell)
      await idle
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return Promise.all(rows.map(row => Promise.all(columns.map(column => cells.get(`${row} ${column}`)))))
}

function version(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url)
  return `${name} ${JSON.parse(readFileSync(manifest)).version}`
}

const cells = await measureAll()
const versions = columns.map(column => packages[column].map(version).join(' with '))
console.log(`${new Date().toISOString().slice(0, 10)}, Node ${process.version}: ${versions.join(', ')}.\n`)
console.log(`| scenario | ${columns.join(' | ')} |`)
console.log(`|---|${'---|'.repeat(columns.length)}`)
for (const [at, row] of rows.entries()) console.log(`| ${row} | ${cells[at].join(' | ')} |`)
