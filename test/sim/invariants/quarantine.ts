import { agentOf } from '@countersign/payment';
import { CONTROL } from '@countersign/ports';
import type { Process } from '../replica.ts';
import type { MakeInvariant } from './invariant.ts';

interface SetAside {
  readonly tenant: string;
  readonly agent: string;
  readonly lane: number;
  /** Of the record that met the bug. */
  readonly offset: number;
}

/**
 * An agent whose record breaks the fold is set aside by that record, for everybody and whatever they start from: nothing
 * of it counts any more, and operators are told once by each that met the bug. That its lane and all others go on is the other invariants' to say.
 */
export const quarantine: MakeInvariant = (world, report) => {
  const { history } = world;
  const aside = new Map<string, SetAside>();

  const lookAt = ({ name, host }: Process) => {
    for (const { tenant, agent, lane, offset } of aside.values()) {
      const state = host.lanes[lane];
      if (!state || state.next <= offset) continue;
      if (!agentOf(state, tenant, agent).quarantined)
        report(`${name} goes on with ${agent}, whose record ${lane}:${offset} broke the fold`);
    }
  };
  return {
    onRecord({ event, applied, code, record }) {
      // What people change of it in `control` is not the agent's own.
      if (!event || record.lane === CONTROL || !('agent' in event.data)) return;
      const { tenant, agent } = event.data;
      const key = `${tenant}/${agent}`;
      if (applied && aside.has(key)) report(`${event.name} counted for ${key}, which is set aside`);
      if (code !== 'internal') return;
      if (aside.has(key)) return report(`${key} was set aside twice`);
      world.weather.count('agent set aside');
      const { lane, offset } = record;
      aside.set(key, { tenant, agent, lane: Number(lane), offset });
    },
    onFolded(process, { lane, offset }, { code }) {
      if (aside.size > 0 && history.lanes[Number(lane)]) lookAt(process);
      const times = process.told.filter((it) => it === `${lane}:${offset}`).length;
      if (times !== (code === 'internal' ? 1 : 0))
        report(`${process.name} told operators ${times} times of ${lane}:${offset}`);
    },
    atEnd() {
      for (const { process } of world.replicas) lookAt(process);
    },
  };
};
