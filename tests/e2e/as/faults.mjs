// The faults of the endpoints that a resource server calls, and the number of calls.
export const faults = {}; // kind → {mode, left}
export const hits = {}; // kind → count, faults included

export function kindOf(path) {
  if (path.endsWith('/v1/keys')) return 'keys';
  if (path.includes('/.well-known/')) return 'discovery';
  if (path.endsWith('/introspect')) return 'introspect';
  if (path.endsWith('/revoke')) return 'revoke';
  if (path.endsWith('/token')) return 'token';
  return 'other';
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const json = { 'content-type': 'application/json' };

// Applies a fault. Returns false if there is none or if it only delays the regular response.
export async function faultOf(kind, req, res, publicKeys) {
  const fault = faults[kind];
  if (!fault || fault.left === 0) return false;
  fault.left -= 1;
  const colon = fault.mode.indexOf(':');
  const name = colon < 0 ? fault.mode : fault.mode.slice(0, colon);
  const value = colon < 0 ? undefined : fault.mode.slice(colon + 1);
  const keys = JSON.stringify({ keys: publicKeys });
  const reply = (body, headers = json, status = 200) => res.writeHead(status, headers).end(body);

  switch (name) {
    case 'status': {
      const retry = value === '429' || value === '503' ? { 'retry-after': '2' } : {};
      reply('{"errorCode":"E0000047"}', { ...json, ...retry }, Number(value));
      return true;
    }
    case 'drop':
      req.socket.destroy();
      return true;
    case 'hang': // accepts the connection and never responds
      return true;
    case 'slow': // delays the regular response
      await sleep(Number(value));
      return false;
    case 'drip': // one byte at a time
      res.writeHead(200, json);
      for (const byte of keys) {
        if (res.destroyed) return true;
        res.write(byte);
        await sleep(Number(value));
      }
      res.end();
      return true;
    case 'truncate': // half of the announced Content-Length, then closes the connection
      res.writeHead(200, { ...json, 'content-length': keys.length });
      res.write(keys.slice(0, keys.length / 2));
      await sleep(50);
      req.socket.destroy();
      return true;
    case 'half': // a complete response with half of the JSON
      reply(keys.slice(0, keys.length / 2));
      return true;
    case 'huge': { // a body of this many MiB
      const mebibyte = 'A'.repeat(1 << 20);
      res.writeHead(200, json);
      res.write('{"keys":[],"pad":"');
      for (let i = 0; i < Number(value) && !res.destroyed; i += 1) {
        const room = res.write(mebibyte);
        if (!room) await new Promise((resolve) => res.once('drain', resolve).once('close', resolve));
      }
      res.end('"}');
      return true;
    }
    case 'html': // the page of a captive portal
      reply('<html>proxy login</html>', { 'content-type': 'text/html' });
      return true;
    case 'ctype': // the regular body with another content type
      reply(keys, { 'content-type': value });
      return true;
    case 'empty':
      reply('{"keys":[]}');
      return true;
    case 'nokeys':
      reply('{}');
      return true;
    case 'mixed': // unusable entries next to the good ones (RFC 7517 §5)
      reply(JSON.stringify({
        keys: [
          { kty: 'FUTURE', kid: 'x', z: 1 },
          { kty: 'EC', crv: 'P-999', x: 'AA', y: 'AA', kid: 'y' },
          { kty: 'RSA', kid: 'bad', n: '!!', e: 'AQAB' },
          42,
          { kid: 'nokty' },
          ...publicKeys,
        ],
      }));
      return true;
    case 'body': // any JSON
      reply(value);
      return true;
    case 'redirect': // to a URL, or to itself
      res.writeHead(302, { location: value ?? req.url }).end();
      return true;
    default:
      throw new Error(`unknown fault ${fault.mode}`);
  }
}
