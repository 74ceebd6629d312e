/** Processes that end with this one, however it ends: SIGKILL runs no handler, but it closes a pipe. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const REAPER = fileURLToPath(new URL('reap.mjs', import.meta.url));

let reaper;

/** Ends `child` when this process is gone, at the latest. */
export function takeAlong(child) {
  if (child.pid === undefined) return;
  reaper ??= started();
  reaper.stdin.write(`+${child.pid}\n`);
  child.once('exit', () => reaper.stdin.write(`-${child.pid}\n`));
}

function started() {
  // Of its own group: what is sent to all of ours does not reach it.
  const options = { stdio: ['pipe', 'ignore', 'inherit'], detached: true };
  const child = spawn(process.execPath, [REAPER], options);
  // Whoever killed it meant it no less.
  child.stdin.on('error', () => undefined);
  child.unref();
  child.stdin.unref();
  return child;
}
