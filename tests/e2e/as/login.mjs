// Logs in at an issuer without a browser, with a client library that other programs use: node login.mjs ISSUER USER.
// Prints the tokens as one JSON line.
import * as client from 'openid-client';

const [issuer, user] = process.argv.slice(2);
const redirectUri = 'http://127.0.0.1:5173/callback';
const options = issuer.startsWith('http:') ? { execute: [client.allowInsecureRequests] } : {};
const config = await client.discovery(new URL(issuer), '0oatest', undefined, client.None(), options);

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: 'openid offline_access orders:read',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  login_hint: user,
  prompt: 'none',
});
const response = await fetch(url, { redirect: 'manual' });
const callback = new URL(response.headers.get('location'));

// Checks iss, state, nonce, the ID token with its signature, and at_hash.
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, callback, checks);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
console.log(JSON.stringify({ access: tokens.access_token, refreshed: refreshed.access_token, sub: tokens.claims().sub }));
