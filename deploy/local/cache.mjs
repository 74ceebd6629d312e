/** Where fetched servers are kept: outside the clone, so that every clone of this machine shares them. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'countersign');
const LOCK_POLL_MS = 500;
const RETRY_WAITS_MS = [2_000, 8_000];

/** A server that this machine cannot have; its message is one line that says what to do. */
export class MissingServer extends Error {
  name = 'MissingServer';
}

/**
 * The folder of that name, which `make` fills the first time. It appears under its name whole or not at all, and who
 * comes second waits for who came first.
 *
 * @param name with the version in it: nothing in the cache is ever changed
 * @param make fills the folder it is given
 */
export async function cached(name, make) {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const release = await lock(`${folder}.lock`);
  try {
    if (existsSync(folder)) return folder;
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part);
    await retried(() => make(part));
    renameSync(part, folder);
    return folder;
  } finally {
    release();
  }
}

/** Registries fail now and then; what is missing on this machine stays missing. */
async function retried(task) {
  for (const waitMs of RETRY_WAITS_MS) {
    try {
      return await task();
    } catch (error) {
      if (error instanceof MissingServer) throw error;
      await sleep(waitMs);
    }
  }
  return task();
}

async function lock(file) {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(file)) rmSync(file, { force: true });
    else await sleep(LOCK_POLL_MS);
  }
}

/** Its process was killed before it could take the lock away. */
function isAbandoned(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid === 0) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
