/** Child processes of the bootstrap: they share its terminal, get its signals, and give it their exit code. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The repository's top folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * A terminal sends its interrupt to every process it runs, so passing it on would deliver it twice, and a second
 * interrupt commonly means "stop at once".
 */
const FORWARDED = ['SIGTERM', 'SIGHUP', ...(process.stdin.isTTY ? [] : ['SIGINT'])];
const AWAITED = ['SIGTERM', 'SIGHUP', 'SIGINT'];
const ORPHAN_CHECK_MS = 500;

/**
 * Runs a program to its end and returns its exit code, 128 plus the signal's number if a signal ended it. Its output is
 * ours, or goes line by line to `onLine`.
 */
export async function run(program, args, { onLine, ...options } = {}) {
  const piped = onLine !== undefined;
  const child = spawn(program, args, {
    cwd: ROOT,
    stdio: piped ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    ...options,
  });
  const outputs = piped ? [child.stdout, child.stderr] : [];
  for (const input of outputs) createInterface({ input }).on('line', onLine);

  const pass = (signal) => FORWARDED.includes(signal) && child.kill(signal);
  for (const signal of AWAITED) process.on(signal, pass);
  const watch = whenOrphaned(() => child.kill('SIGTERM'));
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
    });
  } finally {
    clearInterval(watch);
    for (const signal of AWAITED) process.off(signal, pass);
  }
}

/**
 * npm runs a script through a shell, and a signal to npm ends that shell without reaching us. What it started would
 * live on unseen, so the loss of our parent counts as a request to stop.
 */
function whenOrphaned(stop) {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, ORPHAN_CHECK_MS);
  return watch;
}

/** The environment in which every `node` below, however it is called, is the given one. */
export function withNodeFirst(node, env = process.env) {
  const key = pathKey(env);
  const separator = process.platform === 'win32' ? ';' : ':';
  return { ...env, [key]: [dirname(node), env[key]].filter(Boolean).join(separator) };
}

/** Windows spells it Path, and a copied environment no longer ignores case. */
export function pathKey(env) {
  return Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
}
