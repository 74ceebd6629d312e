import { describeStateStore } from '@countersign/ports/suites';
import { describe, expect, it } from 'vitest';
import { openStateStore } from './state-store.ts';
import { freshPath } from './store-under-test.ts';
import { openSyncStore } from './sync-store.ts';

for (const kind of ['memory', 'file'] as const)
  describeStateStore(`SQLite (${kind})`, {
    durable: kind === 'file',
    create: () => {
      const place = kind === 'file' ? freshPath() : { path: ':memory:', remove: () => undefined };
      let store = openStateStore(place.path);
      return {
        store,
        reopen() {
          store.close();
          store = openStateStore(place.path);
          return store;
        },
        dispose() {
          store.close();
          place.remove();
        },
      };
    },
  });

describe('opening a state store', () => {
  const unavailable = expect.objectContaining({ code: 'state_unavailable', retryable: false });

  it('never empties a log that was named by mistake', () => {
    const place = freshPath();
    const clock = { nowMs: () => 1, monotonicMs: () => 1 };
    openSyncStore({ path: place.path, laneCount: 1, clock }).close();
    expect(() => openStateStore(place.path)).toThrow(unavailable);
    openSyncStore({ path: place.path, laneCount: 1, clock }).close();
    place.remove();
  });

  it('is refused while another process has it', () => {
    const place = freshPath();
    const store = openStateStore(place.path);
    expect(() => openStateStore(place.path)).toThrow(unavailable);
    store.close();
    openStateStore(place.path).close();
    place.remove();
  });
});
