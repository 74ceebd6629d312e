/**
 * Starts the real servers on free ports of the loopback, without Docker, and leaves their addresses in
 * `.local/stack.json`. What runs already is left alone.
 *
 *     node deploy/local/start.mjs            all of them
 *     node deploy/local/start.mjs redis      only these
 */
import { dataFolder, isRunning, readStack, remember, writeStack, STACK_FILE } from './running.mjs';
import { SERVERS, getServers, lineOf } from './servers.mjs';

const names = process.argv.slice(2);
const strange = names.filter((name) => !Object.hasOwn(SERVERS, name));
if (strange.length > 0) {
  console.error(
    `no such server: ${strange.join(', ')}; there are ${Object.keys(SERVERS).join(', ')}`,
  );
  process.exit(2);
}
const wanted = (names.length > 0 ? names : Object.keys(SERVERS)).filter((name) => !isRunning(name));
const lines = await getServers(wanted);
const stack = Object.fromEntries(Object.entries(readStack()).filter(([name]) => isRunning(name)));

await Promise.all(
  wanted.map(async (name) => {
    const { start, describe } = SERVERS[name];
    try {
      const folder = dataFolder(name);
      const onSpawn = (pid) => remember(name, pid);
      stack[name] = describe(await start({ folder, detached: true, onSpawn }));
      writeStack(stack);
      console.log(`${name} ${JSON.stringify(stack[name])}`);
    } catch (error) {
      lines.push(lineOf(name, error));
    }
  }),
);
for (const line of new Set(lines)) console.error(line);
console.log(`Addresses: ${STACK_FILE}. Stop them: node deploy/local/stop.mjs`);
process.exit(lines.length === 0 ? 0 : 1);
