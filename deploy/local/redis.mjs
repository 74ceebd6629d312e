/** Starts a Redis server for tests and trials: on a free port of the loopback, its data in a folder that goes with it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DEFAULTS = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'no',
  'maxmemory-policy': 'noeviction',
  daemonize: 'no',
};
const STARTS_MAX = 5;

/**
 * @param settings directives of redis.conf by name; they replace the defaults (no persistence, `noeviction`).
 * @returns the server, which ends with this process. `restart` brings it back on the same port and folder.
 */
export async function startRedis(settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-redis-'));
  for (let left = STARTS_MAX; ; left -= 1) {
    const port = await freePort();
    try {
      return await serverAt({ folder, port, settings });
    } catch (error) {
      // Somebody else may have taken the port in between.
      if (error.code !== 'EADDRINUSE' || left === 1) {
        rmSync(folder, { recursive: true, force: true });
        throw error;
      }
    }
  }
}

async function serverAt({ folder, port, settings }) {
  let child = await listening({ folder, port, settings });
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
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    restart: async (changed = {}) => {
      await end('SIGKILL');
      child = await listening({ folder, port, settings: { ...settings, ...changed } });
    },
    stop: async () => {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listening({ folder, port, settings }) {
  const directives = Object.entries({ ...DEFAULTS, ...settings, dir: folder, port: String(port) });
  const child = spawn(
    'redis-server',
    directives.flatMap(([name, value]) => [`--${name}`, ...[value].flat()]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (data) => {
      output = `${output}${data}`.slice(-4_000);
      if (output.includes('Ready to accept connections')) resolve(child);
    });
    child.once('error', (cause) =>
      reject(new Error(`redis-server: ${cause.message} (Debian: apt-get install redis-server)`)),
    );
    child.once('close', (code) => {
      const error = new Error(`redis-server ended with ${code}: ${output}`);
      if (output.includes('Address already in use')) error.code = 'EADDRINUSE';
      reject(error);
    });
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
