/** Starts a Redis server for tests and trials: on a free port of the loopback, its data in a folder that goes with it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPrograms } from './debian.mjs';
import { paused } from './paused.mjs';
import { folderFor, freePorts, launch } from './server.mjs';
import { takeAlong } from './take-along.mjs';

const DEFAULTS = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'no',
  'maxmemory-policy': 'noeviction',
  daemonize: 'no',
};
const STARTS_MAX = 5;

/** Paths of `redis-server` and `redis-cli`, and the environment to run them in. */
export function fetchRedis() {
  return debianPrograms({
    server: 'Redis',
    programs: ['redis-server', 'redis-cli'],
    packages: ['redis-server', 'redis-tools'],
  });
}

/** A server on a folder and port of one's own, which may outlive this process. Options as of `launch`. */
export async function launchRedis(options = {}) {
  const { paths, env } = await fetchRedis();
  const { folder, temporary } = folderFor('redis', options.folder);
  const ports = options.ports ?? (await freePorts(1));
  const [port] = ports;
  const server = await launch({
    ...options,
    name: 'redis',
    program: paths['redis-server'],
    args: argumentsOf({ appendonly: 'yes', dir: folder, port: String(port) }),
    env,
    folder,
    temporary,
    ports,
  });
  return Object.assign(server, { ports, url: `redis://127.0.0.1:${port}` });
}

/**
 * @param settings directives of redis.conf by name; they replace the defaults (no persistence, `noeviction`).
 * @returns the server, which ends with this process. `restart` brings it back on the same port and folder.
 */
export async function startRedis(settings = {}) {
  const programs = await fetchRedis();
  const folder = mkdtempSync(join(tmpdir(), 'countersign-redis-'));
  for (let left = STARTS_MAX; ; left -= 1) {
    const [port] = await freePorts(1);
    try {
      return await serverAt({ programs, folder, port, settings });
    } catch (error) {
      // Somebody else may have taken the port in between.
      if (error.code !== 'EADDRINUSE' || left === 1) {
        rmSync(folder, { recursive: true, force: true });
        throw error;
      }
    }
  }
}

async function serverAt({ programs, folder, port, settings }) {
  let child = await listening({ programs, folder, port, settings });
  const end = (signal) => {
    const gone = new Promise((resolve) => child.once('close', resolve));
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    child.kill('SIGCONT');
    child.kill(signal);
    return gone;
  };
  return {
    host: '127.0.0.1',
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    pause: () => paused(child),
    resume: () => child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    restart: async (changed = {}) => {
      await end('SIGKILL');
      child = await listening({ programs, folder, port, settings: { ...settings, ...changed } });
    },
    stop: async () => {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listening({ programs, folder, port, settings }) {
  const { paths, env } = programs;
  const child = spawn(
    paths['redis-server'],
    argumentsOf({ ...settings, dir: folder, port: String(port) }),
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } },
  );
  takeAlong(child);
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (data) => {
      output = `${output}${data}`.slice(-4_000);
      if (output.includes('Ready to accept connections')) resolve(child);
    });
    child.once('error', (cause) => reject(new Error(`redis-server: ${cause.message}`)));
    child.once('close', (code) => {
      const error = new Error(`redis-server ended with ${code}: ${output}`);
      if (output.includes('Address already in use')) error.code = 'EADDRINUSE';
      reject(error);
    });
  });
}

function argumentsOf(settings) {
  return Object.entries({ ...DEFAULTS, ...settings }).flatMap(([name, value]) => [
    `--${name}`,
    ...[value].flat(),
  ]);
}
