// @modelcontextprotocol/sdk, which speaks the versions of MCP up to 2025-11-25.
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Memory, run } from './flow.mjs';

const authProvider = new Memory();
await run({
  connect: async (begin) => {
    const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]), { authProvider });
    begin(transport);
    const client = new Client({ name: 'tried client', version: '1.0.0' });
    await client.connect(transport);
    return client;
  },
  finish: (transport, query) => transport.finishAuth(query.get('code')),
  needsUser: (error) => error instanceof UnauthorizedError,
});
