import { deserialize, serialize } from 'node:v8';
import { type Agent, type FoldLane, type LaneState, foldLane } from '@countersign/payment';
import type { StateStore } from '@countersign/ports';

/** Keeps every agent as if none had been set aside. */
export function pardoning(store: StateStore): StateStore {
  const pardoned = (value: Uint8Array) => {
    const { lane, agent } = deserialize(value) as { lane: number; agent: Agent };
    return serialize({ lane, agent: { ...agent, quarantined: false } });
  };
  return {
    get: (collection, key) => store.get(collection, key),
    newest: (collection, range) => store.newest(collection, range),
    save: (changes) =>
      store.save({
        ...changes,
        puts: changes.puts.map((put) =>
          put.collection === 'agents' ? { ...put, value: pardoned(put.value) } : put,
        ),
      }),
    clear: () => store.clear(),
    close: () => store.close(),
  };
}

/** One replica folds on where the others set an agent aside. */
export function unaffected(fold: FoldLane, replica: string): FoldLane {
  return replica === 'replica-1' ? foldLane : fold;
}

/** Goes on with whom it has set aside. */
export function forgiving(fold: FoldLane): FoldLane {
  return (lane: LaneState, ...record) => {
    for (const agent of lane.agents.values()) agent.quarantined = false;
    return fold(lane, ...record);
  };
}
