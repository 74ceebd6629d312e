import type { EventStore } from '@countersign/ports';
import { EventTables } from '../event-tables.ts';
import type { Surroundings } from '../replica.ts';
import type { World } from '../world.ts';

/** Without `deduplicate_blocks_in_dependent_materialized_views`: what the table drops is added to the rollups again. */
export class TwiceSumming extends EventTables {
  override insert(...[table, ...block]: Parameters<EventTables['insert']>): boolean {
    if (table === 'spend') this.forgetTokens('spend');
    return super.insert(table, ...block);
  }
}

/** Without a deduplication window. */
export class TwiceTaking extends EventTables {
  override insert(...[table, ...block]: Parameters<EventTables['insert']>): boolean {
    if (table === 'records') this.forgetTokens('records');
    return super.insert(table, ...block);
  }
}

/** A cut counts as stored before its records are. */
export function notingFirst(surroundings: Surroundings, world: World): Surroundings {
  const { eventStore } = surroundings;
  const archive: EventStore['archive'] = (batch) => {
    const { lane, from, to } = batch.cut;
    world.events.insert('cuts', `${lane}:${from}-${to}`, batch);
    return eventStore.archive(batch);
  };
  return { ...surroundings, eventStore: { ...eventStore, archive } };
}
