import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const REAPER = fileURLToPath(new URL('../../../../deploy/local/reap.mjs', import.meta.url));

let reaper: ReturnType<typeof started> | undefined;

/** Ends `child` when this process is gone, at the latest: also when SIGKILL ended it, which runs no handler. */
export function takeAlong(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  const { stdin } = (reaper ??= started());
  stdin.write(`+${pid}\n`);
  child.once('exit', () => stdin.write(`-${pid}\n`));
}

function started() {
  // Of its own group: what is sent to all of ours does not reach it.
  const child = spawn(process.execPath, [REAPER], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  });
  child.stdin.on('error', () => undefined);
  child.unref();
  return child;
}
