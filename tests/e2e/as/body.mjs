// Reads request bodies and writes JSON responses.
import querystring from 'node:querystring';

export async function readBody(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export const querystringBody = async (req) => ({ ...querystring.parse(await readBody(req)) });

export function send(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}
