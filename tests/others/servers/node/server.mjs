// node server.mjs NAME: an API on the verifier NAME, as its README sets it up. `/health` is open, any other path needs a token.
// node server.mjs NAME measure: prints the cost of a warm verification, and that of the bare signature, as one line of JSON.
import { createPublicKey, verify as verifySignature } from 'node:crypto'
import express from 'express'

const { ISSUER: issuer, AUDIENCE: audience, JWKS_URI: jwksUri } = process.env

// Each maps to `guard`, which is a middleware, and to `verify`, which verifies a token and is measured.
const verifiers = {
  async '@okta/jwt-verifier'() {
    const { default: OktaJwtVerifier } = await import('@okta/jwt-verifier')
    const verifier = new OktaJwtVerifier({ issuer })
    return ofToken(token => verifier.verifyAccessToken(token, audience))
  },

  async 'aws-jwt-verify'() {
    const { JwtVerifier } = await import('aws-jwt-verify')
    const verifier = JwtVerifier.create({ issuer, audience, jwksUri })
    await verifier.hydrate()
    return ofToken(token => verifier.verify(token))
  },

  async 'express-oauth2-jwt-bearer'() {
    const { auth } = await import('express-oauth2-jwt-bearer')
    const guard = auth({ issuerBaseURL: issuer, audience })
    // It has no function for a token alone: the middleware gets the parts of a request that it reads.
    const verify = token => {
      const headers = { authorization: `Bearer ${token}`, host: 'api.example.com' }
      const about = { method: 'GET', protocol: 'https', url: '/', query: {} }
      const request = { ...about, headers, get: name => headers[name.toLowerCase()], is: () => false }
      return new Promise((resolve, reject) => {
        guard(request, {}, error => (error ? reject(error) : resolve()))
      })
    }
    return { guard, verify }
  },
}

// The middleware around a library that verifies a token alone.
function ofToken(verify) {
  const guard = async (request, response, next) => {
    const [, token] = (request.headers.authorization ?? '').match(/^Bearer +(.+)$/i) ?? []
    try {
      if (!token) return response.status(401).end()
      await verify(token)
    } catch {
      return response.status(401).end()
    }
    next()
  }
  return { guard, verify }
}

const [name, mode] = process.argv.slice(2)
const { guard, verify } = await verifiers[name]()
if (mode === 'measure') await measure()
else serve()

function serve() {
  const app = express()
  app.all('/health', (_, response) => response.end('ok'))
  app.use(guard)
  app.use((_, response) => response.end('ok'))
  const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
}

// CPU time of the process, in rounds of both, so that the machine's other work changes neither alone.
async function measure() {
  const { TOKEN: token, JWK: jwk } = process.env
  const key = createPublicKey({ key: JSON.parse(jwk), format: 'jwk' })
  const at = token.lastIndexOf('.')
  const input = Buffer.from(token.slice(0, at))
  const signature = Buffer.from(token.slice(at + 1), 'base64url')
  const one = async () => verify(token)
  const raw = () => {
    if (!verifySignature('sha256', input, key, signature)) throw new Error('the signature is wrong')
  }
  const rounds = []
  for (let round = 0; round < 60; round += 1) {
    rounds.push({ verify: await cost(one), raw: await cost(raw) })
  }
  console.log(JSON.stringify({ rounds: rounds.slice(20) }))
}

async function cost(work) {
  const CALLS = 200
  const before = process.cpuUsage()
  for (let call = 0; call < CALLS; call += 1) await work()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1e3) / CALLS
}
