// Runs one library in one scenario, in its own process. ../stress.mjs forks it, and receives first that
// only waiting is left, and then the cell.
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
      // A middleware's error has the status of the response.
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
