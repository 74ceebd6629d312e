/** One server process on the loopback: started, awaited, paused, killed, started again on its port and folder. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { paused } from './paused.mjs';
import { takeAlong } from './take-along.mjs';

const START_MAX_MS = 120_000;
const POLL_MS = 50;
const LOG_SHOWN = 2_000;
// Linux hands out ports from 32768 on, others from 49152.
const [PORT_MIN, PORT_END] = [16_384, 32_768];

/**
 * @param plan.name what it is called, also in its folder's name
 * @param plan.program, plan.args, plan.env what to run
 * @param plan.folder its data, kept by `stop` unless `temporary`
 * @param plan.ports all must accept connections before it counts as started
 * @param plan.isReady asked after that, until it says yes
 * @param plan.detached it outlives this process, which otherwise takes it along
 */
export async function launch(plan) {
  let child = await started(plan);
  const end = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    // A paused process takes no other signal but SIGKILL.
    child.kill('SIGCONT');
    await gone;
  };
  return {
    get pid() {
      return child.pid;
    },
    folder: plan.folder,
    pause: () => paused(child),
    resume: () => void child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL');
      child = await started(plan);
    },
    stop: async () => {
      await end('SIGKILL');
      if (plan.temporary) rmSync(plan.folder, { recursive: true, force: true });
    },
  };
}

/** The plan's folder, or one of its own that goes with the server. */
export function folderFor(name, folder) {
  if (folder === undefined)
    return { folder: mkdtempSync(join(tmpdir(), `countersign-${name}-`)), temporary: true };
  mkdirSync(folder, { recursive: true });
  return { folder, temporary: false };
}

/**
 * Ports that nobody has now, below those that systems hand out themselves: no connection and no listener of another
 * process is given one of them before the server is there.
 */
export async function freePorts(count) {
  const servers = [];
  while (servers.length < count) {
    const server = await listening(PORT_MIN + Math.floor(Math.random() * (PORT_END - PORT_MIN)));
    if (server) servers.push(server);
  }
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function started(plan) {
  const log = join(plan.folder, 'server.log');
  const output = openSync(log, 'a');
  const child = spawn(plan.program, plan.args, {
    cwd: plan.folder,
    env: { ...process.env, ...plan.env },
    stdio: ['ignore', output, output],
    detached: plan.detached ?? false,
  });
  closeSync(output);
  if (plan.detached) child.unref();
  else takeAlong(child);
  let failure;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure = `it ended with ${signal ?? code}`));
  if (child.pid !== undefined) plan.onSpawn?.(child.pid);
  const lastMs = Date.now() + START_MAX_MS;
  // One that ended does not count as started whoever answers at its ports.
  while (!(await isUp(plan)) || failure !== undefined) {
    if (failure === undefined && Date.now() > lastMs) failure = 'it did not answer in time';
    if (failure === undefined) await sleep(POLL_MS);
    else {
      child.kill('SIGKILL');
      throw new Error(`${plan.name}: ${failure}\n${readFileSync(log, 'utf8').slice(-LOG_SHOWN)}`);
    }
  }
  return child;
}

async function isUp({ ports, isReady }) {
  const answers = await Promise.all(ports.map(accepts));
  return answers.every(Boolean) && (isReady === undefined || (await isReady()));
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

/** @returns undefined when somebody has the port. */
function listening(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
