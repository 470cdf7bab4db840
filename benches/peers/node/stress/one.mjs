// One library in one scenario, in a process of its own: forked by ../stress.mjs, which is sent the cell,
// and before it, that there is only waiting left.
import './clock.mjs'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { startIssuer } from './issuer.mjs'
import { libraries } from './libraries.mjs'
import { scenarios } from './scenarios.mjs'

const [library, scenario, folder] = process.argv.slice(2)
process.on('disconnect', () => process.exit())

const read = name => readFileSync(join(folder, name))
const tls = { key: read('tls.key'), cert: read('tls.crt') }
const issuer = await startIssuer(tls, [read('first.key'), read('second.key')])

async function start() {
  const verify = await libraries[library](issuer)
  return async token => {
    try {
      await verify(token)
      return 'accepted'
    } catch (error) {
      // A middleware says what is answered.
      return error?.status ? `${error.status} \`${error.code}\`` : 'refused'
    }
  }
}

const waits = () => process.send({ waits: true })
const result = await scenarios[scenario]({ issuer, start, waits }).then(
  cell => ({ cell }),
  error => ({ error: error.message }),
)
process.send(result)
