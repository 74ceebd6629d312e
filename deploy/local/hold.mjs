/**
 * Starts servers of its own, in folders that go with them, and keeps them until it is told to stop (SIGTERM) or whoever
 * started it is gone. Prints one line of JSON with their addresses.
 *
 *     node deploy/local/hold.mjs kafka redis vault
 */
import { SERVERS, getServers } from './servers.mjs';

const PARENT_CHECK_MS = 500;

const names = process.argv.slice(2);
const missing = await getServers(names);
for (const line of missing) console.error(line);
if (missing.length > 0) process.exit(1);

const parent = process.ppid;
const servers = new Map();
let isStopping = false;
async function stop() {
  if (isStopping) return;
  isStopping = true;
  await Promise.all([...servers.values()].map((server) => server.stop()));
  process.exit(0);
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
setInterval(() => process.ppid !== parent && void stop(), PARENT_CHECK_MS);

await Promise.all(names.map(async (name) => servers.set(name, await SERVERS[name].start())));
const addresses = names.map((name) => [name, SERVERS[name].describe(servers.get(name))]);
process.stdout.write(`${JSON.stringify(Object.fromEntries(addresses))}\n`);
