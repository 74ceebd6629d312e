import { pickTier } from '@countersign/contracts';
import type { SyncStore } from '@countersign/adapter-sqlite';
import { COUNTABLE_MAX } from '@countersign/kernel';
import type { Budgets, ReserveRequest, ReserveResult, StateStore } from '@countersign/ports';
import type { Surroundings } from '../replica.ts';

/** Reserves as if nothing were open. */
export function blindToOpen(store: SyncStore, request: ReserveRequest): ReserveResult {
  const unlimited = <T extends object>(limit: T) => ({
    ...limit,
    atMost: String(COUNTABLE_MAX),
    atMostCount: 1_000_000,
  });
  const result = store.reserveNow({
    ...request,
    always: request.always.map(unlimited),
    tiers: request.tiers.map((tier) => ({ ...tier, limits: tier.limits.map(unlimited) })),
  });
  if (result.kind !== 'answered') return result;
  const readings = result.answer.readings.map((it) => ({ ...it, open: '0', openCount: 0 }));
  const byId = new Map(readings.map((it) => [it.limitId, it]));
  const tier = pickTier(request, byId, request.amount);
  return { ...result, answer: { ...result.answer, readings, tier } };
}

/** Reserves as if no task had ever paid for anything. */
export function blindToTasks(store: SyncStore, request: ReserveRequest): ReserveResult {
  const isOfTask = ({ id }: { readonly id: string }) => id.startsWith('task.');
  const result = store.reserveNow({
    ...request,
    always: request.always.map((it) =>
      isOfTask(it) ? { ...it, atMost: String(COUNTABLE_MAX) } : it,
    ),
  });
  if (result.kind !== 'answered') return result;
  const readings = result.answer.readings.map((it) =>
    isOfTask({ id: it.limitId }) ? { ...it, open: '0', committed: '0' } : it,
  );
  const byId = new Map(readings.map((it) => [it.limitId, it]));
  const tier = pickTier(request, byId, request.amount);
  return { ...result, answer: { ...result.answer, readings, tier } };
}

/** Gives back another record than was appended, once that is long ago. */
export function rewriting(store: SyncStore): SyncStore {
  const read: SyncStore['readNow'] = (lane, offset, max, maxBytes) => {
    const isOld = lane !== 'control' && store.endNow(lane) > 150;
    return store.readNow(lane, offset, max, maxBytes).map((record) => {
      if (!isOld || record.offset % 10 !== 7) return record;
      return { ...record, stampMs: record.stampMs + 1 };
    });
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'readNow') return read;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Keeps everything but the payments that are closed. */
export function forgetful(store: StateStore): StateStore {
  return {
    get: (collection, key) => {
      const isClosed = collection === 'payments' && store.get('live', key) === undefined;
      return isClosed ? undefined : store.get(collection, key);
    },
    newest: (collection, range) => store.newest(collection, range),
    save: (changes) => store.save(changes),
    clear: () => store.clear(),
    close: () => store.close(),
  };
}

/** Makes counters anew without what is open. */
export function openLeftOut(surroundings: Surroundings): Surroundings {
  const { budgets } = surroundings;
  const rebuild: Budgets['rebuild'] = (book, { atMs, payments }) =>
    budgets.rebuild(book, { atMs, payments: payments.filter((it) => it.state !== 'open') });
  return { ...surroundings, budgets: { ...budgets, rebuild } };
}
