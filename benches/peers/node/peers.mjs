// Each verifier, configured with issuer, audience and client as far as it supports them. It maps
// settings, which are those of protocol::Settings, to a function from a token to its claims, which
// throws or rejects if the token is rejected.
import { createPublicKey } from 'node:crypto'

export const peers = {
  async 'jose'({ issuer, audience, jwks_uri }) {
    const { createRemoteJWKSet, jwtVerify } = await import('jose')
    const keys = createRemoteJWKSet(new URL(jwks_uri))
    return token => jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] })
  },

  // This verifier is given keys and fetches none. Its cache is off by default.
  async 'fast-jwt'({ issuer, audience, jwks, cached }) {
    const { createVerifier } = await import('fast-jwt')
    const jwk = JSON.parse(jwks).keys[0]
    const key = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const verify = createVerifier({
      key,
      algorithms: ['RS256'],
      allowedIss: issuer,
      allowedAud: audience,
      cache: cached ? 10_000 : false,
    })
    return token => verify(token)
  },

  async 'aws-jwt-verify'({ issuer, audience, jwks_uri }) {
    const { JwtVerifier } = await import('aws-jwt-verify')
    const { SimpleJwksCache } = await import('aws-jwt-verify/jwk')
    // The verifier's own fetcher supports https only.
    const fetcher = { fetch: async uri => (await fetch(uri)).arrayBuffer() }
    const settings = { issuer, audience, jwksUri: jwks_uri }
    const verifier = JwtVerifier.create(settings, { jwksCache: new SimpleJwksCache({ fetcher }) })
    return token => verifier.verify(token)
  },

  async '@okta/jwt-verifier'({ issuer, audience, client_id }) {
    const { default: OktaJwtVerifier } = await import('@okta/jwt-verifier')
    const verifier = new OktaJwtVerifier({
      issuer,
      assertClaims: { cid: client_id },
      testing: { disableHttpsCheck: true },
    })
    return token => verifier.verifyAccessToken(token, audience)
  },
}
