// @modelcontextprotocol/client, which speaks 2026-07-28 too: `node second-generation.mjs SERVER_URL [dpop]`.
import { Client, DpopSession, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { Memory, run } from './flow.mjs';

const authProvider = new Memory();
if (process.argv[3] === 'dpop') {
  const session = DpopSession.create();
  authProvider.dpop = () => session;
  authProvider.clientMetadata.dpop_bound_access_tokens = true;
}
await run({
  connect: async (begin) => {
    const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]), { authProvider });
    begin(transport);
    const client = new Client({ name: 'tried client', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(transport);
    return client;
  },
  finish: (transport, query) => transport.finishAuth(query),
  needsUser: (error) => error instanceof UnauthorizedError,
});
