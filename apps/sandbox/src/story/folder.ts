import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another story runs here; its files are left alone. */
export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning';
}

/**
 * Makes a story's folder anew, and keeps every other story out of it until this one ends, however it ends.
 *
 * The lock is SQLite's exclusive one on a file beside the folder: the system drops it with the process, also after
 * SIGKILL, so that nothing stale is ever left to be judged.
 *
 * @throws AlreadyRunning when another process has it; nothing was touched then.
 */
export function takeFolder(folder: string): Disposable {
  mkdirSync(join(folder, '..'), { recursive: true });
  const lock = new DatabaseSync(`${folder}.lock`, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT');
  } catch (cause) {
    lock.close();
    throw new AlreadyRunning(runningText(folder), { cause });
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(pidFile(folder), String(process.pid));
  return { [Symbol.dispose]: () => lock.close() };
}

/** The owner writes its number a moment after it has the lock, so it may be missing. */
function runningText(folder: string): string {
  let pid = '';
  try {
    pid = readFileSync(pidFile(folder), 'utf8');
  } catch {
    // Ctrl-C still ends it.
  }
  const [who, how] = pid === '' ? ['', ''] : [` (process ${pid})`, `, or with: kill ${pid}`];
  return `A story runs already in ${resolve(folder)}${who}; end it with Ctrl-C where it was started${how}`;
}

function pidFile(folder: string): string {
  return join(folder, 'pid');
}

/** What to do where Countersign could not have the port of the guide; undefined where it has it. */
export function elsewhereText(url: string, wantedPort: number): string | undefined {
  if (new URL(url).port === String(wantedPort)) return undefined;
  return `Port ${wantedPort} is taken, so Countersign is at ${url}; in other terminals: export COUNTERSIGN_URL=${url}`;
}
