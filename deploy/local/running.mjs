/** What `start.mjs` started, so that `stop.mjs` stops that and nothing else, also after a start that was killed. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../bootstrap/child.mjs';

const LOCAL = join(ROOT, '.local');
/** Addresses of what runs, for whoever wants to use it. */
export const STACK_FILE = join(LOCAL, 'stack.json');
const PIDS = join(LOCAL, 'stack');

/** Where a server of this clone keeps its data from one start to the next. */
export function dataFolder(name) {
  return join(PIDS, name);
}

/** Written before anybody waits for the server, so that a kill in between leaves nothing unknown. */
export function remember(name, pid) {
  mkdirSync(PIDS, { recursive: true });
  writeWhole(join(PIDS, `${name}.json`), { pid, since: sinceOf(pid) });
}

export function isRunning(name) {
  const known = recorded(name);
  return known !== undefined && known.since !== undefined && sinceOf(known.pid) === known.since;
}

/** Kills the servers that this clone started and that still run; their data stays. */
export function stopAll() {
  const names = existsSync(PIDS)
    ? readdirSync(PIDS)
        .filter((file) => file.endsWith('.json'))
        .map((file) => file.slice(0, -5))
    : [];
  const stopped = names.filter(isRunning);
  for (const name of stopped) process.kill(recorded(name).pid, 'SIGKILL');
  for (const name of names) rmSync(join(PIDS, `${name}.json`), { force: true });
  rmSync(STACK_FILE, { force: true });
  return stopped;
}

export function readStack() {
  return existsSync(STACK_FILE) ? JSON.parse(readFileSync(STACK_FILE, 'utf8')) : {};
}

export function writeStack(servers) {
  mkdirSync(LOCAL, { recursive: true });
  writeWhole(STACK_FILE, servers);
}

function recorded(name) {
  const file = join(PIDS, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** When the process began: its number alone may by now be somebody else's. */
function sinceOf(pid) {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold spaces; the start is the 20th field after it. A zombie is gone.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function writeWhole(file, value) {
  writeFileSync(`${file}.part`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${file}.part`, file);
}
