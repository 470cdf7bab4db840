// An issuer: an oidc-provider with its own keys, Okta's paths and Okta's claims.
import { randomBytes, X509Certificate } from 'node:crypto';
import { CompactSign, decodeJwt, exportJWK, exportPKCS8, generateKeyPair, importJWK } from 'jose';
import { Provider } from 'oidc-provider';
import { Storage } from './storage.mjs';

const OPAQUE_AUDIENCE = 'api://opaque'; // resource=api://opaque requests an opaque token
const SCOPES = ['read', 'write', 'orders:read', 'orders:write', 'files:read', 'files:write', 'admin', 'groups'];
const GROUPS = { alice: ['Everyone', 'Admins'], bob: ['Everyone'] };
const nonceSecret = randomBytes(32);

// ---- keys: the newest key per algorithm is first and signs --------------------------------

export async function newKey(alg) {
  const { privateKey } = await generateKeyPair(alg === 'EdDSA' ? 'Ed25519' : alg, { extractable: true, modulusLength: 2048 });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `${alg}-${randomBytes(6).toString('base64url')}` };
}

export const freshKeys = () => Promise.all(['RS256', 'ES256', 'EdDSA', 'PS256'].map(newKey));

export const publicPart = ({ d, p, q, dp, dq, qi, ...rest }) => rest;

export async function signWith(issuer, settings, { header = {}, payload, kid, secret }) {
  const body = new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
  if (secret !== undefined) {
    return new CompactSign(body).setProtectedHeader(header).sign(Buffer.from(secret, 'base64url'));
  }
  const alg = header.alg ?? settings.alg;
  const key = issuer.keys.find((k) => k.kid === kid) ?? issuer.keys.find((k) => k.alg === alg);
  return new CompactSign(body).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(await importJWK(key, alg));
}

// ---- clients ------------------------------------------------------------------------------------

export const privateKeyJwtClient = await newKey('ES256');
export const privateKeyJwtPem = await exportPKCS8(await importJWK(privateKeyJwtClient, 'ES256', { extractable: true }));

const clientCredentials = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const clientsAt = (base, refresh, logouts) => [
  { client_id: '0oaclient1', client_secret: 'secret1-secret1-secret1', token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials', 'authorization_code', ...refresh], response_types: ['code'], redirect_uris: [`${base}/cb`],
    ...(logouts && { backchannel_logout_uri: logouts, backchannel_logout_session_required: true }) },
  { client_id: '0oaclient2', client_secret: 'secret2-secret2-secret2', token_endpoint_auth_method: 'client_secret_post', ...clientCredentials },
  { client_id: '0oapkjwt', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [publicPart(privateKeyJwtClient)] }, ...clientCredentials },
  { client_id: '0oadpop', client_secret: 'secretd-secretd-secretd', token_endpoint_auth_method: 'client_secret_basic',
    dpop_bound_access_tokens: true, ...clientCredentials },
  ...(base.startsWith('https:')
    ? [{ client_id: '0oamtls', client_secret: 'secretm-secretm-secretm', token_endpoint_auth_method: 'client_secret_basic',
        tls_client_certificate_bound_access_tokens: true, ...clientCredentials }]
    : []),
  // the resource server's own client, for introspection
  { client_id: '0oaresource', client_secret: 'secretr-secretr-secretr', token_endpoint_auth_method: 'client_secret_basic', ...clientCredentials },
];

// ---- the provider -------------------------------------------------------------------------------

const ENDPOINTS = { authorization: 'authorize', token: 'token', jwks: 'keys', introspection: 'introspect', revocation: 'revoke', userinfo: 'userinfo', registration: 'clients', end_session: 'logout' };

export function createIssuer({ base, path, keys, settings }) {
  const issuer = base + path;
  const isOrg = path === '';
  const prefix = isOrg ? '/oauth2/v1' : '/v1';
  const provider = new Provider(issuer, {
    adapter: (name) => new Storage(`${path}|${name}`),
    clients: clientsAt(base, settings.registration ? [] : ['refresh_token'], settings.logouts),
    jwks: { keys },
    clockTolerance: 5,
    // The provider's own dispatcher connects to no loopback address, where the receivers of logout tokens are.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'],
    // A client that could refresh its token would do that instead of requesting more scopes.
    scopes: ['openid', ...(settings.registration ? [] : ['offline_access']), 'profile', 'email', ...SCOPES],
    claims: { profile: ['name'], email: ['email'], groups: ['groups'], openid: ['sub'] },
    cookies: { keys: ['okta-shaped-as'] },
    pkce: { required: () => true },
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: id, email: `${id}@example.test`, groups: GROUPS[id] }),
    }),
    ttl: { ClientCredentials: () => settings.ttl, AccessToken: () => settings.ttl, IdToken: 3600, Session: 3600, Grant: 3600, Interaction: 600 },
    routes: Object.fromEntries(Object.entries(ENDPOINTS).map(([name, last]) => [name, `${prefix}/${last}`])),
    enabledJWA: { dPoPSigningAlgValues: ['ES256', 'Ed25519', 'EdDSA', 'RS256', 'PS256'] },
    features: {
      backchannelLogout: { enabled: settings.logouts !== undefined },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      registration: { enabled: settings.registration, initialAccessToken: false },
      revocation: { enabled: true, allowedPolicy: () => true },
      userinfo: { enabled: true },
      mTLS: {
        enabled: base.startsWith('https:'),
        certificateBoundAccessTokens: base.startsWith('https:'),
        getCertificate: (ctx) => {
          const shown = ctx.req.socket.getPeerCertificate?.();
          return shown?.raw && new X509Certificate(shown.raw);
        },
      },
      dPoP: { enabled: true, nonceSecret, requireNonce: () => settings.dpopNonce, allowReplay: false },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        defaultResource: (ctx, client, oneOf) => [oneOf ?? (isOrg ? base : settings.audience)].flat()[0],
        getResourceServerInfo: (ctx, audience) => ({
          scope: SCOPES.join(' '),
          audience,
          accessTokenTTL: settings.ttl,
          ...(audience === OPAQUE_AUDIENCE
            ? { accessTokenFormat: 'opaque' }
            : { accessTokenFormat: 'jwt', jwt: { sign: { alg: settings.alg } } }),
        }),
      },
    },
    extraTokenClaims: (ctx, token) => ({
      ver: 1,
      cid: token.clientId,
      ...(token.accountId && { uid: `00u${token.accountId}` }),
      ...(token.accountId && token.scopes?.has('groups') && { groups: GROUPS[token.accountId] }),
    }),
    formats: {
      customizers: {
        jwt: async (ctx, token, jwt) => {
          jwt.header = { typ: settings.typ === 'none' ? undefined : settings.typ };
          shape(jwt.payload, settings.shape);
          await keepShadow(issuer, path, token, jwt.payload, settings.ttl);
        },
      },
    },
  });
  provider.on('backchannel.error', (ctx, error) => console.error('backchannel.error', error));
  provider.on('server_error', (ctx, error) => console.error('server_error', error));
  return { issuer, keys, handle: provider.callback() };
}

// `both` uses the claim names of Okta and of RFC 9068.
function shape(payload, kind) {
  if (kind !== 'rfc9068') payload.scp = payload.scope ? payload.scope.split(' ') : [];
  if (kind === 'okta') {
    delete payload.scope;
    delete payload.client_id;
    payload.jti = `AT.${payload.jti}`;
  }
  if (kind === 'rfc9068') {
    delete payload.cid;
    delete payload.ver;
    delete payload.uid;
  }
}

// ---- introspection and revocation of JWTs: each has an opaque twin in the store ------------------

const shadows = new Map(); // `issuer jti` → the twin

async function keepShadow(issuer, path, token, payload, ttl) {
  const { kind, clientId, accountId, grantId, scope, jkt, gty } = token;
  const { aud, iat, exp, ver, cid, uid, scp, jti } = payload;
  const twin = `shadow-${randomBytes(24).toString('base64url')}`;
  shadows.set(`${issuer} ${jti}`, twin);
  await new Storage(`${path}|${kind}`).upsert(twin, {
    kind, jti: twin, clientId, accountId, grantId, scope, aud, iat, exp, jkt, 'x5t#S256': token['x5t#S256'], gty, format: 'opaque', extra: { ver, cid, uid, scp },
  }, ttl);
}

export function shadowOf(token, { issuer }) {
  let claims;
  try {
    claims = decodeJwt(token);
  } catch {
    return token; // opaque already
  }
  const own = claims.iss === issuer && shadows.get(`${issuer} ${claims.jti}`);
  return own || 'unknown-to-this-issuer';
}
