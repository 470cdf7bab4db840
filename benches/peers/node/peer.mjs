// node peer.mjs NAME: runs one verifier of peers.mjs with the commands of protocol/src/lib.rs, one line
// of JSON per command on stdin and one per response on stdout.
import { createInterface } from 'node:readline'

import * as measure from './measure.mjs'
import { peers } from './peers.mjs'

const start = peers[process.argv[2]]
let verify

async function handle(command) {
  switch (command.do) {
    case 'start': {
      const clock = performance.now()
      verify = await start(command)
      return { ms: performance.now() - clock }
    }
    case 'check':
      return measure.check(verify, command.token, command.patience_ms)
    case 'verify':
      return measure.cost(verify, command.token, command.millis)
    case 'burst':
      return measure.burst(verify, command.tokens, command.callers)
    case 'each':
      return measure.each(verify, command.tokens, command.millis)
    case 'beside':
      return measure.beside(verify, command.token, command.flood, command.millis)
    default:
      return { error: `a Node peer does not support ${command.do}` }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const response = await handle(JSON.parse(line)).catch(error => ({ error: String(error) }))
  process.stdout.write(JSON.stringify(response) + '\n')
}
