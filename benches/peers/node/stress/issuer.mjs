// An authorization server on loopback with Okta's paths and claims. It takes 20 ms to respond, counts
// the fetches of its JWKS endpoint, and can let that endpoint fail.
import { createPublicKey, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

const ANSWER_MS = 20

export const AUDIENCE = 'api://default'
export const CLIENT = '0oaclient1'

// `tls` are options of node:https; the server signs with `privateKeys` in turns. Scenarios may change
// `published` and `answer`.
export async function startIssuer(tls, privateKeys) {
  const keys = privateKeys.map(named)
  let signing = keys.shift()
  const issuer = {
    fetches: 0,
    // The keys of the JWKS.
    published: [signing.jwk],
    // How the JWKS endpoint responds; undefined if it never does.
    answer: response => response.end(JSON.stringify({ keys: issuer.published })),

    // Signs with a new key from now on, and publishes it next to the others.
    rotate() {
      signing = keys.shift()
      issuer.published.push(signing.jwk)
    },

    // Replaces the signing key in the JWKS by another one, and returns the removed key, for callers that
    // continue to use it.
    removeKey() {
      const removed = signing
      issuer.rotate()
      issuer.published = [signing.jwk]
      return () => signed(removed, accessToken(issuer.url))
    },

    // Returns an access token; undefined claims are omitted.
    token(claims, kid) {
      return signed(signing, { ...accessToken(issuer.url), ...claims }, kid)
    },

    // Returns a token whose key ID is not in the JWKS.
    unknownKey: () => issuer.token({}, `made-up-${randomUUID()}`),
  }

  const server = createServer(tls, async (request, response) => {
    const forKeys = request.url.endsWith('/v1/keys')
    issuer.fetches += forKeys
    await sleep(ANSWER_MS)
    response.setHeader('content-type', 'application/json')
    if (!forKeys) response.end(JSON.stringify(metadata(issuer)))
    else issuer.answer?.(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  issuer.url = `https://127.0.0.1:${server.address().port}/oauth2/default`
  issuer.jwksUri = `${issuer.url}/v1/keys`
  return issuer
}

const metadata = ({ url, jwksUri }) => ({
  issuer: url,
  jwks_uri: jwksUri,
  authorization_endpoint: `${url}/v1/authorize`,
  token_endpoint: `${url}/v1/token`,
  id_token_signing_alg_values_supported: ['RS256'],
})

function named(privateKey) {
  const kid = randomUUID()
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  return { kid, privateKey, jwk: { ...jwk, kid, alg: 'RS256', use: 'sig' } }
}

function accessToken(iss) {
  const iat = Math.floor(Date.now() / 1_000)
  return {
    ver: 1,
    jti: `AT.${randomUUID()}`,
    iss,
    aud: AUDIENCE,
    iat,
    exp: iat + 3600,
    cid: CLIENT,
    uid: '00ualice',
    scp: ['read'],
    sub: 'alice',
  }
}

function signed(key, claims, kid = key.kid) {
  const encode = part => Buffer.from(JSON.stringify(part)).toString('base64url')
  const input = `${encode({ alg: 'RS256', kid })}.${encode(claims)}`
  return `${input}.${sign('sha256', input, key.privateKey).toString('base64url')}`
}
