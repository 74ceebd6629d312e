/** The servers of the stack by name: how each is got, started, and told of. */
import { progress } from '../bootstrap/progress.mjs';
import { MissingServer } from './cache.mjs';
import { fetchKafka, startKafka } from './kafka.mjs';
import { fetchPrometheus, startPrometheus } from './prometheus.mjs';
import { fetchRedis, launchRedis } from './redis.mjs';
import { fetchVault, startVault } from './vault.mjs';

export const SERVERS = {
  kafka: { get: fetchKafka, start: startKafka, describe: ({ brokers }) => ({ brokers }) },
  redis: { get: fetchRedis, start: launchRedis, describe: ({ url }) => ({ url }) },
  vault: { get: fetchVault, start: startVault, describe: ({ url, token }) => ({ url, token }) },
  prometheus: { get: fetchPrometheus, start: startPrometheus, describe: ({ url }) => ({ url }) },
};

/**
 * Gets the named servers side by side; what is there already costs nothing.
 *
 * @returns one line for each that cannot be had here
 */
export async function getServers(names = Object.keys(SERVERS)) {
  if (names.length === 0) return [];
  const waiting = new Set(names);
  const lines = [];
  const bar = progress('Getting the real servers, once', (seconds) => {
    const slow = waiting.has('vault') ? '; Vault is built from source, which takes minutes' : '';
    return `waiting for ${[...waiting].join(', ')}${slow}, ${seconds} s`;
  });
  await Promise.all(
    names.map(async (name) => {
      try {
        await SERVERS[name].get();
      } catch (error) {
        lines.push(lineOf(name, error));
      }
      waiting.delete(name);
    }),
  );
  bar.end(
    (seconds) => `Got ${names.length - lines.length} of ${names.length} servers in ${seconds} s.`,
  );
  return lines;
}

export function lineOf(name, error) {
  const [line] = error.message.split('\n');
  return error instanceof MissingServer ? line : `${name}: ${line}`;
}
