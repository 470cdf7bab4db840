// The rows of the table by name. Each maps an issuer and a function that starts the library to the cell.
// `verify` takes a token and returns whether it is accepted, or how it is rejected. `waits` is called
// when the scenario only waits from then on.
import { setTimeout as sleep } from 'node:timers/promises'

import { putForward } from './clock.mjs'
import { CLIENT } from './issuer.mjs'

// The time limits. The slowest library needs a minute, to restore its rate limit.
const PATIENCE_S = { answer: 45, rotation: 65 }
// Longer than any library keeps keys without a fetch.
const PAST_FRESHNESS = 2 * 3600 * 1_000
const YEAR = 365 * 24 * 3600 * 1_000

export const scenarios = {
  async '200 concurrent cold verifications: JWKS fetches'({ issuer, start }) {
    const verify = await start()
    const token = issuer.token()
    const results = await Promise.all(Array.from({ length: 200 }, () => verify(token)))
    const refused = results.filter(result => result !== 'accepted').length
    return `${issuer.fetches}${refused ? `; ${refused} refused` : ''}`
  },

  async '50 sequential and 50 concurrent made-up kids: fetches'(setting) {
    const { issuer, verify } = await warm(setting)
    await flood(issuer, verify)
    return String(issuer.fetches)
  },

  async 'a really rotated key right after that flood'(setting) {
    const { issuer, verify } = await warm(setting)
    await flood(issuer, verify)
    issuer.rotate()
    return untilAccepted(verify, issuer.token(), setting.waits)
  },

  async 'a rotated key right after warm-up'(setting) {
    const { issuer, verify } = await warm(setting)
    issuer.rotate()
    return untilAccepted(verify, issuer.token(), setting.waits)
  },

  async 'the issuer never answers (cold)'({ issuer, start, waits }) {
    issuer.answer = undefined
    const verify = await start()
    const token = issuer.token()
    waits()
    const elapsed = stopwatch()
    const result = await Promise.race([verify(token), sleep(PATIENCE_S.answer * 1_000)])
    return result ? `${result} after ${elapsed()} s` : `over ${PATIENCE_S.answer} s`
  },

  async 'the issuer answers 500, 20 verifications in a row: fetches'({ issuer, start }) {
    issuer.answer = fail
    const verify = await start()
    for (let i = 0; i < 20; i++) assert('refused', await verify(issuer.token()) !== 'accepted')
    return String(issuer.fetches)
  },

  async 'the issuer answers 500 past the freshness, known kid'(setting) {
    const { issuer, verify } = await warm(setting)
    putForward(PAST_FRESHNESS)
    assert('accepted past the freshness', await verify(issuer.token()) === 'accepted')
    issuer.answer = fail
    putForward(PAST_FRESHNESS)
    return verify(issuer.token())
  },

  async 'signing key removed, past the freshness'(setting) {
    const { issuer, verify } = await warm(setting)
    const stolen = issuer.removeKey()
    putForward(PAST_FRESHNESS)
    const result = await verify(stolen())
    if (result !== 'accepted') return result
    putForward(YEAR)
    const later = await verify(stolen())
    return `accepted, a year later ${later === 'accepted' ? 'too' : later}`
  },

  async 'JWKS of 6 MB'({ issuer, start }) {
    const pad = 'A'.repeat(6 << 20)
    issuer.answer = response => response.end(JSON.stringify({ keys: issuer.published, pad }))
    const verify = await start()
    return verify(issuer.token())
  },

  async 'one malformed JWK beside a good one'({ issuer, start }) {
    const good = issuer.published
    const refusing = []
    for (const [kind, jwk] of Object.entries(malformed)) {
      issuer.published = [jwk, ...good]
      const verify = await start()
      if (await verify(issuer.token()) !== 'accepted') refusing.push(kind)
    }
    return refusing.length ? `whole set refused (${refusing.join(', ')})` : 'skipped'
  },

  async 'token without `exp`'(setting) {
    const { issuer, verify } = await warm(setting)
    return verify(issuer.token({ exp: undefined }))
  },

  async 'ID token sent as an access token'(setting) {
    const { issuer, verify } = await warm(setting)
    return verify(issuer.token({ ...idToken, aud: CLIENT }))
  },

  async 'ID token for the audience of the API'(setting) {
    const { issuer, verify } = await warm(setting)
    return verify(issuer.token(idToken))
  },
}

// The same as in tests/e2e/as/faults.mjs.
const malformed = {
  'unknown `kty`': { kty: 'FUTURE', kid: 'bad', z: 1 },
  'unknown `crv`': { kty: 'EC', crv: 'P-999', x: 'AA', y: 'AA', kid: 'bad' },
  'bad `n`': { kty: 'RSA', kid: 'bad', n: '!!', e: 'AQAB' },
  'a number': 42,
  'no `kty`': { kid: 'bad' },
}

// The claims of an Okta ID token that differ from those of an access token.
const idToken = {
  jti: 'ID.made-for-a-person',
  amr: ['pwd'],
  at_hash: 'MTIzNDU2Nzg5MGFiY2RlZg',
  auth_time: 1_700_000_000,
  nonce: 'n-0S6_WzA2Mj',
  cid: undefined,
  scp: undefined,
  uid: undefined,
}

// Starts the library, fetches its keys, and sets the count to zero.
async function warm({ issuer, start }) {
  const verify = await start()
  assert('accepted when warm', await verify(issuer.token()) === 'accepted')
  issuer.fetches = 0
  return { issuer, verify }
}

async function flood(issuer, verify) {
  const refused = async () => assert('refused', await verify(issuer.unknownKey()) !== 'accepted')
  for (let i = 0; i < 50; i++) await refused()
  await Promise.all(Array.from({ length: 50 }, refused))
}

// Repeats the verification in real time.
async function untilAccepted(verify, token, waits) {
  const elapsed = stopwatch()
  const result = await verify(token)
  if (result === 'accepted') return result
  waits()
  while (elapsed() < PATIENCE_S.rotation) {
    await sleep(200)
    if (await verify(token) === 'accepted') return `${result} for ${elapsed()} s`
  }
  return `${result} for over ${PATIENCE_S.rotation} s`
}

function stopwatch() {
  const began = performance.now()
  return () => Math.round((performance.now() - began) / 1_000)
}

function fail(response) {
  response.writeHead(500).end('{"errorCode":"E0000009"}')
}

function assert(what, is) {
  if (!is) throw new Error(`not ${what}`)
}
