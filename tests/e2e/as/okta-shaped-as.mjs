// Starts `oidc-provider` (npm; OpenID-certified, an independent project) on loopback with Okta's paths,
// issuers and claims, and adds test controls under /__admin. For tests only: it signs anything.
//
// env: PORT=0      0 selects a free port; the line with "ready":true contains it
//      ALG=RS256   or PS256, ES256, EdDSA: the algorithm of access tokens
//      SHAPE=okta  or rfc9068, both: the claims of access tokens
//      TYP=none    or at+jwt, JWT, ...: their `typ`
//      TTL=600     their lifetime in seconds
//      AUDIENCE=api://default   ISSUERS=default,tenant-b
//      REGISTRATION=1   clients may register themselves (RFC 7591); /__admin/requests lists the requests of such clients
//      LOGOUTS=http://127.0.0.1:4012/events/logout   where the logout tokens of 0oaclient1 are sent
//      TLS=certs   the issuers use https, with the certificates of that directory (make-certs.sh);
//                  "plain" in the same line is another address of the same server, without TLS
//      TLS_MAX=TLSv1.1
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { querystringBody, readBody, send } from './body.mjs';
import { push } from './events.mjs';
import { faultOf, faults, hits, kindOf } from './faults.mjs';
import { createIssuer, freshKeys, newKey, privateKeyJwtClient, privateKeyJwtPem, publicPart, shadowOf, signWith } from './issuer.mjs';

const env = process.env;
const settings = {
  alg: env.ALG ?? 'RS256',
  shape: env.SHAPE ?? 'okta',
  typ: env.TYP ?? 'none',
  ttl: Number(env.TTL ?? 600),
  dpopNonce: false,
  cacheControl: undefined,
  audience: env.AUDIENCE ?? 'api://default',
  registration: env.REGISTRATION === '1',
  logouts: env.LOGOUTS,
};
const requests = []; // what clients that register themselves requested, in order
const paths = [...(env.ISSUERS ?? 'default,tenant-b').split(',').map((name) => `/oauth2/${name}`), ''];
const issuers = new Map(); // path → issuer; '' is the org server

const port = Number(env.PORT ?? 0);
const plain = await listen(http.createServer(), env.TLS ? 0 : port);
const base = env.TLS ? await listen(https.createServer(certificates(env.TLS)), port) : plain;
for (const path of paths) use(path, await freshKeys()); // the issuer URLs contain the real port
process.on('SIGTERM', () => process.exit(0));
console.log(JSON.stringify({ ready: true, base, plain }));

async function listen(server, onPort) {
  server.on('request', (req, res) => {
    answer(req, res).catch((error) => {
      console.error(error);
      if (!res.headersSent) send(res, 500, { error: String(error) });
    });
  });
  await new Promise((resolve) => server.listen(onPort, '127.0.0.1', resolve));
  return `${server instanceof https.Server ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
}

function certificates(directory) {
  const old = env.TLS_MAX && { maxVersion: env.TLS_MAX, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' };
  const file = (name) => fs.readFileSync(`${directory}/${name}`);
  // If a client presents a certificate, its tokens are bound to it (RFC 8705 §3).
  const clients = { ca: file('ca.crt'), requestCert: true, rejectUnauthorized: false };
  return { key: file('server.key'), cert: file('server.crt'), ...clients, ...old };
}

function use(path, keys) {
  issuers.set(path, createIssuer({ base, path, keys, settings }));
}

async function answer(req, res) {
  const url = new URL(req.url, base);
  if (url.pathname.startsWith('/__admin/')) return admin(req, res, url);
  if (url.pathname === '/cb') return send(res, 200, Object.fromEntries(url.searchParams));

  const kind = kindOf(url.pathname);
  hits[kind] = (hits[kind] ?? 0) + 1;
  if (await faultOf(kind, req, res, issuers.get(paths[0]).keys.map(publicPart))) return undefined;

  // RFC 8414 §3.1: the well-known part is between host and path; the provider expects it at the end.
  const inserted = url.pathname.match(/^(\/\.well-known\/[a-z-]+)(\/oauth2\/.+)$/);
  if (inserted && issuers.has(inserted[2])) {
    url.pathname = inserted[2] + inserted[1];
    req.url = url.pathname + url.search;
  }
  const path = paths.find((p) => p !== '' && url.pathname.startsWith(`${p}/`)) ?? '';
  const issuer = issuers.get(path);

  if (kind === 'keys') res.setHeader('cache-control', settings.cacheControl ?? 'max-age=60, must-revalidate');
  if (kind === 'discovery') res.setHeader('cache-control', settings.cacheControl ?? 'max-age=86400, must-revalidate');
  if ((kind === 'introspect' || kind === 'revoke') && req.method === 'POST') {
    // Okta supports both for a JWT, the provider neither: its stored record replaces the JWT.
    req.body = await querystringBody(req);
    req.body.token = shadowOf(req.body.token, issuer);
  }
  if (settings.registration) await record(kind, req, url);
  req.originalUrl = req.url;
  req.url = req.url.slice(path.length) || '/';
  return issuer.handle(req, res);
}

// Notes what a client requests on its way to a token.
async function record(kind, req, url) {
  const last = url.pathname.split('/').at(-1);
  if (kind === 'discovery' || last === 'authorize') {
    const { scope, resource } = Object.fromEntries(url.searchParams);
    requests.push({ kind: kind === 'discovery' ? kind : last, scope, resource });
  } else if (kind === 'token' && req.method === 'POST') {
    req.body = await querystringBody(req);
    const { grant_type: grant, scope, resource } = req.body;
    requests.push({ kind, grant, scope, resource });
  } else if (last === 'clients' && req.method === 'POST') {
    // The provider rejects scopes that it does not know, and limits the client to those that it registered with. It rejects
    // refresh tokens too, since it has none here.
    const { scope, grant_types: grants, ...metadata } = JSON.parse(await readBody(req));
    req.body = { ...metadata, grant_types: grants?.filter((grant) => grant !== 'refresh_token') };
    requests.push({ kind: 'register', scope });
  }
}

// The issuer is ?issuer=/oauth2/default by default.
async function admin(req, res, url) {
  const query = Object.fromEntries(url.searchParams);
  const path = query.issuer ?? paths[0];
  const issuer = issuers.get(path);
  if (!issuer) return send(res, 404, { error: 'no such issuer', issuers: paths });
  const kids = () => ({ kids: issuers.get(path).keys.map((key) => key.kid) });

  switch (url.pathname.slice('/__admin/'.length)) {
    case 'info':
      return send(res, 200, { base, settings, privateKeyJwtClient, privateKeyJwtPem });
    case 'set': {
      for (const name of ['alg', 'shape', 'typ', 'cacheControl']) if (name in query) settings[name] = query[name];
      if ('ttl' in query) settings.ttl = Number(query.ttl);
      if ('dpopNonce' in query) settings.dpopNonce = query.dpopNonce === '1';
      return send(res, 200, settings);
    }
    case 'rotate': {
      const old = issuer.keys;
      const fresh = await Promise.all([...new Set(old.map((key) => key.alg))].map(newKey));
      const ways = {
        overlap: [...fresh, ...old], // the new keys sign, the old ones stay published
        append: [...old, ...fresh], // published ahead of use: the old keys still sign
        hard: fresh, // the old keys are withdrawn
      };
      const keys = ways[query.mode ?? 'overlap'];
      if (!keys) return send(res, 400, { error: 'no such mode', modes: Object.keys(ways) });
      use(path, keys);
      return send(res, 200, kids());
    }
    case 'withdraw':
      use(path, issuer.keys.filter((key) => key.kid !== query.kid));
      return send(res, 200, kids());
    case 'fault': {
      // on=keys|discovery|introspect|token mode=MODE [count=N]; no mode clears it, no `on` clears all
      if (!query.on) for (const kind of Object.keys(faults)) delete faults[kind];
      else if (!query.mode) delete faults[query.on];
      else faults[query.on] = { mode: query.mode, left: query.count ? Number(query.count) : Infinity };
      return send(res, 200, faults);
    }
    case 'hits': {
      const counted = { ...hits };
      if (query.reset) for (const kind of Object.keys(hits)) delete hits[kind];
      return send(res, 200, counted);
    }
    case 'requests':
      return send(res, 200, requests.splice(0));
    case 'sign': // POST {header, payload[, kid][, secret]}: the issuer's key, or an HMAC secret in base64url
      return send(res, 200, { token: await signWith(issuer, settings, JSON.parse(await readBody(req))) });
    case 'push': // POST {url, authorization, event, user, audience[, wrong]} or {url, authorization, token}
      return send(res, 200, await push(issuers.get(''), JSON.parse(await readBody(req))));
    default:
      return send(res, 404, { error: 'unknown admin path' });
  }
}
