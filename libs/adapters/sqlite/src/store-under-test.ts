import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@countersign/ports';
import { type Store, openStore } from './store.ts';

/** A path in a directory of its own, and what removes both. */
export function freshPath(): { readonly path: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
  return {
    path: join(directory, 'store.db'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** For tests: one store, in memory or on a file of its own, that can be closed and opened again. */
export function makeStore(kind: 'memory' | 'file', clock: Clock, laneCount: number) {
  const place = kind === 'file' ? freshPath() : { path: ':memory:', remove: () => undefined };
  let store: Store = openStore({ path: place.path, laneCount, clock });
  return {
    store,
    async reopen(count = laneCount): Promise<Store> {
      await store.close();
      store = openStore({ path: place.path, laneCount: count, clock });
      return store;
    },
    async dispose(): Promise<void> {
      await store.close();
      place.remove();
    },
  };
}
