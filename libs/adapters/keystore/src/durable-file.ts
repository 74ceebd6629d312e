import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that was not there, whole or not at all, also through a power loss: written aside, synced, linked under
 * its name, folder synced. When the name is taken, nothing changes.
 *
 * @returns whether this call made the file; false when somebody was first.
 */
export async function writeNew(path: string, bytes: Uint8Array): Promise<boolean> {
  return aside(path, bytes, async (temporary) => {
    try {
      await link(temporary, path);
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
    await syncFolder(dirname(path));
    return true;
  });
}

/** Puts new bytes in place of a file; after any crash there are the old bytes or the new ones, never a mixture. */
export async function replace(path: string, bytes: Uint8Array): Promise<void> {
  await aside(path, bytes, async (temporary) => {
    await rename(temporary, path);
    await syncFolder(dirname(path));
  });
}

/** Whether a system call failed with this code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function aside<T>(
  path: string,
  bytes: Uint8Array,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await withFile(await open(temporary, 'wx', 0o600), async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
    return await place(temporary);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its file system journals names by itself.
  if (process.platform === 'win32') return;
  await withFile(await open(folder, 'r'), (handle) => handle.sync());
}

async function withFile(file: FileHandle, work: (file: FileHandle) => Promise<void>) {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
