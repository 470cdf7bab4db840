// What both generations of the TypeScript SDK do in the tests: `node FILE.mjs SERVER_URL`.
//
// Each step prints one JSON line. For {"authorize": URL} the test follows the URL as a user and writes the redirect to the
// standard input.
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const print = (line) => console.log(JSON.stringify(line));

const REDIRECT = 'http://127.0.0.1:9/callback';

// An OAuthClientProvider of the SDK that keeps everything in memory.
export class Memory {
  redirectUrl = REDIRECT;
  clientMetadata = {
    client_name: 'tried client',
    redirect_uris: [REDIRECT],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  };
  #kept = {};

  state = () => 'state-of-the-client';
  clientInformation = () => this.#kept.client;
  saveClientInformation = (client) => { this.#kept.client = client; };
  tokens = () => this.#kept.tokens;
  saveTokens = (tokens) => { this.#kept.tokens = tokens; };
  codeVerifier = () => this.#kept.verifier;
  saveCodeVerifier = (verifier) => { this.#kept.verifier = verifier; };
  discoveryState = () => this.#kept.discovery;
  saveDiscoveryState = (state) => { this.#kept.discovery = state; };
  redirectToAuthorization = (url) => print({ authorize: url.href });
}

// Returns the query of the redirect that the test hands back.
async function redirect() {
  const { value, done } = await lines.next();
  if (done) throw new Error('the test handed no redirect back');
  return new URL(value).searchParams;
}

// `connect` returns a client and its transport, `finish` hands the redirect to a transport, and `needsUser` says whether an
// error means that the user has to authorize.
export async function run({ connect, finish, needsUser }) {
  let current;
  const attempt = async (action) => {
    try {
      return await action();
    } catch (error) {
      if (!needsUser(error)) throw error;
      await finish(current, await redirect());
      return action();
    }
  };
  try {
    const client = await attempt(() => connect((transport) => { current = transport; }));
    const { tools } = await client.listTools();
    print({ tools: tools.map((tool) => tool.name) });
    for (const name of ['read_file', 'write_file', 'read_file', 'write_file']) {
      const { content } = await attempt(() => client.callTool({ name, arguments: {} }));
      print({ called: name, text: content[0].text });
    }
    await client.close();
    print({ done: true });
    process.exit(0);
  } catch (error) {
    print({ error: `${error.name}: ${error.message}` });
    process.exit(1);
  }
}
