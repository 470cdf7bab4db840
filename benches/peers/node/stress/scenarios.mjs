// The rows of the table, by name: an issuer and a way to start the library in, the cell out. A judge
// takes a token and tells whether it is accepted, or how it is refused. `waits` is called where little
// is done from there on.
import { setTimeout as sleep } from 'node:timers/promises'

import { putForward } from './clock.mjs'
import { CLIENT } from './issuer.mjs'

// Whoever takes longer is not waited for. The slowest needs a minute, to refill a budget.
const PATIENCE_S = { answer: 45, rotation: 65 }
// More than any of them keeps keys without asking again.
const PAST_FRESHNESS = 2 * 3600 * 1_000
const YEAR = 365 * 24 * 3600 * 1_000

export const scenarios = {
  async '200 concurrent cold verifications: JWKS fetches'({ issuer, start }) {
    const judge = await start()
    const token = issuer.token()
    const verdicts = await Promise.all(Array.from({ length: 200 }, () => judge(token)))
    const refused = verdicts.filter(verdict => verdict !== 'accepted').length
    return `${issuer.fetches}${refused ? `; ${refused} refused` : ''}`
  },

  async '50 sequential and 50 concurrent made-up kids: fetches'(setting) {
    const { issuer, judge } = await warm(setting)
    await flood(issuer, judge)
    return String(issuer.fetches)
  },

  async 'a really rotated key right after that flood'(setting) {
    const { issuer, judge } = await warm(setting)
    await flood(issuer, judge)
    issuer.rotate()
    return untilAccepted(judge, issuer.token(), setting.waits)
  },

  async 'a rotated key right after warm-up'(setting) {
    const { issuer, judge } = await warm(setting)
    issuer.rotate()
    return untilAccepted(judge, issuer.token(), setting.waits)
  },

  async 'the issuer never answers (cold)'({ issuer, start, waits }) {
    issuer.answer = undefined
    const judge = await start()
    const token = issuer.token()
    waits()
    const elapsed = stopwatch()
    const verdict = await Promise.race([judge(token), sleep(PATIENCE_S.answer * 1_000)])
    return verdict ? `${verdict} after ${elapsed()} s` : `over ${PATIENCE_S.answer} s`
  },

  async 'the issuer answers 500, 20 verifications in a row: fetches'({ issuer, start }) {
    issuer.answer = fail
    const judge = await start()
    for (let i = 0; i < 20; i++) demand('refused', await judge(issuer.token()) !== 'accepted')
    return String(issuer.fetches)
  },

  async 'the issuer answers 500 past the freshness, known kid'(setting) {
    const { issuer, judge } = await warm(setting)
    putForward(PAST_FRESHNESS)
    demand('accepted past the freshness', await judge(issuer.token()) === 'accepted')
    issuer.answer = fail
    putForward(PAST_FRESHNESS)
    return judge(issuer.token())
  },

  async 'signing key removed, past the freshness'(setting) {
    const { issuer, judge } = await warm(setting)
    const stolen = issuer.removeKey()
    putForward(PAST_FRESHNESS)
    const verdict = await judge(stolen())
    if (verdict !== 'accepted') return verdict
    putForward(YEAR)
    const later = await judge(stolen())
    return `accepted, a year later ${later === 'accepted' ? 'too' : later}`
  },

  async 'JWKS of 6 MB'({ issuer, start }) {
    const pad = 'A'.repeat(6 << 20)
    issuer.answer = response => response.end(JSON.stringify({ keys: issuer.published, pad }))
    const judge = await start()
    return judge(issuer.token())
  },

  async 'one malformed JWK beside a good one'({ issuer, start }) {
    const good = issuer.published
    const refusing = []
    for (const [kind, jwk] of Object.entries(malformed)) {
      issuer.published = [jwk, ...good]
      const judge = await start()
      if (await judge(issuer.token()) !== 'accepted') refusing.push(kind)
    }
    return refusing.length ? `whole set refused (${refusing.join(', ')})` : 'skipped'
  },

  async 'token without `exp`'(setting) {
    const { issuer, judge } = await warm(setting)
    return judge(issuer.token({ exp: undefined }))
  },

  async 'ID token sent as an access token'(setting) {
    const { issuer, judge } = await warm(setting)
    return judge(issuer.token({ ...idToken, aud: CLIENT }))
  },

  async 'ID token for the audience of the API'(setting) {
    const { issuer, judge } = await warm(setting)
    return judge(issuer.token(idToken))
  },
}

// Those of tests/e2e/as/faults.mjs.
const malformed = {
  'unknown `kty`': { kty: 'FUTURE', kid: 'bad', z: 1 },
  'unknown `crv`': { kty: 'EC', crv: 'P-999', x: 'AA', y: 'AA', kid: 'bad' },
  'bad `n`': { kty: 'RSA', kid: 'bad', n: '!!', e: 'AQAB' },
  'a number': 42,
  'no `kty`': { kid: 'bad' },
}

// What Okta puts into an ID token, and what it leaves out.
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

// With keys, and the count at zero.
async function warm({ issuer, start }) {
  const judge = await start()
  demand('accepted when warm', await judge(issuer.token()) === 'accepted')
  issuer.fetches = 0
  return { issuer, judge }
}

async function flood(issuer, judge) {
  const refused = async () => demand('refused', await judge(issuer.madeUp()) !== 'accepted')
  for (let i = 0; i < 50; i++) await refused()
  await Promise.all(Array.from({ length: 50 }, refused))
}

// Asked again and again, in real time.
async function untilAccepted(judge, token, waits) {
  const elapsed = stopwatch()
  const verdict = await judge(token)
  if (verdict === 'accepted') return verdict
  waits()
  while (elapsed() < PATIENCE_S.rotation) {
    await sleep(200)
    if (await judge(token) === 'accepted') return `${verdict} for ${elapsed()} s`
  }
  return `${verdict} for over ${PATIENCE_S.rotation} s`
}

function stopwatch() {
  const began = performance.now()
  return () => Math.round((performance.now() - began) / 1_000)
}

function fail(response) {
  response.writeHead(500).end('{"errorCode":"E0000009"}')
}

function demand(what, is) {
  if (!is) throw new Error(`not ${what}`)
}
