// The conformance suite of MCP on Node 20: `node conformance.mjs server --url URL ..`.
//
// The suite imports `globSync` of `fs`, which exists from Node 22 on. The scenarios for servers do not call it.
import fs from 'node:fs';
import { register } from 'node:module';

const shim = `export * from 'node:fs';
export { default } from 'node:fs';
export const globSync = () => { throw new Error('globSync needs Node 22'); };`;
const hook = `export const resolve = (name, context, next) => (name === 'fs' && context.parentURL.includes('/conformance/')
  ? { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(shim)}`)}, shortCircuit: true }
  : next(name, context));`;
if (!fs.globSync) register(`data:text/javascript,${encodeURIComponent(hook)}`);
await import('./node_modules/@modelcontextprotocol/conformance/dist/index.js');
