// Each library as the example in its documentation configures it: maps an issuer to a function that
// takes a token and rejects if the token is rejected. The names are those of the columns.
import { AUDIENCE } from './issuer.mjs'

export const packages = {
  'jose': ['jose'],
  'aws': ['aws-jwt-verify'],
  'okta': ['@okta/jwt-verifier'],
  'auth0': ['express-oauth2-jwt-bearer'],
  'fast-jwt': ['fast-jwt', 'get-jwks'],
}

export const libraries = {
  async 'jose'({ url, jwksUri }) {
    const { createRemoteJWKSet, jwtVerify } = await import('jose')
    const keys = createRemoteJWKSet(new URL(jwksUri))
    return token => jwtVerify(token, keys, { issuer: url, audience: AUDIENCE })
  },

  async 'aws'({ url, jwksUri }) {
    const { JwtVerifier } = await import('aws-jwt-verify')
    const verifier = JwtVerifier.create({ issuer: url, audience: AUDIENCE, jwksUri })
    return token => verifier.verify(token)
  },

  async 'okta'({ url }) {
    const { default: OktaJwtVerifier } = await import('@okta/jwt-verifier')
    const verifier = new OktaJwtVerifier({ issuer: url })
    return token => verifier.verifyAccessToken(token, AUDIENCE)
  },

  // This library is a middleware; it is passed the parts of express's request that it reads.
  async 'auth0'({ url }) {
    const { auth } = await import('express-oauth2-jwt-bearer')
    const middleware = auth({ issuerBaseURL: url, audience: AUDIENCE })
    return token => {
      const headers = { authorization: `Bearer ${token}`, host: 'api.example.com' }
      const about = { method: 'GET', protocol: 'https', url: '/', query: {} }
      const request = { ...about, headers, get: name => headers[name.toLowerCase()], is: () => false }
      return new Promise((resolve, reject) => {
        middleware(request, {}, error => (error ? reject(error) : resolve()))
      })
    }
  },

  // This is the example of get-jwks, which sets no audience. It uses discovery, because Okta's keys are
  // not at /.well-known/jwks.json.
  async 'fast-jwt'({ url }) {
    const { createVerifier } = await import('fast-jwt')
    const { default: buildGetJwks } = await import('get-jwks')
    const getJwks = buildGetJwks({ issuersWhitelist: [url], providerDiscovery: true })
    return createVerifier({
      key: ({ header: { kid, alg } }) => getJwks.getPublicKey({ kid, alg, domain: url }),
    })
  },
}
