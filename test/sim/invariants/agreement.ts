import { sha256Hex } from '@countersign/kernel';
import {
  type Agent,
  EMPTY_HEAD,
  type LaneState,
  type Payment,
  agentOf,
  chainedHead,
  leafDigest,
} from '@countersign/payment';
import { CONTROL } from '@countersign/ports';
import type { Process } from '../replica.ts';
import type { World } from '../world.ts';
import type { MakeInvariant, Report } from './invariant.ts';

/** States are compared each time a lane has grown by so many records. */
const COMPARED_EACH = 64;
/** One stored record is read again each so many steps. */
const REREAD_EACH = 50;

/**
 * Invariant 7: heads recomputed over the true log are those of every replica; whoever has folded the same records is in
 * the same state; and what was recorded reads the same ever after.
 */
export const agreement: MakeInvariant = (world, report) => {
  const dice = world.dice.fork('agreement');
  const { history, store } = world;
  const heads = new Map<string, string[]>();
  const states = new Map<string, string>();
  const digest = stateDigester();

  const compareState = (who: string, lane: LaneState) => {
    const point = `${lane.lane}:${lane.next}`;
    const mine = digest(lane);
    const known = states.get(point) ?? mine;
    states.set(point, known);
    if (known !== mine)
      report(`${who} folded lane ${lane.lane} up to ${lane.next} into another state`);
  };
  const reread = (lane: string, offset: number) => {
    const record = store.readNow(lane, offset, 1)[0];
    const before = heads.get(lane)?.[offset - 1] ?? EMPTY_HEAD;
    const expected = heads.get(lane)?.[offset];
    if (!record || chainedHead(before, leafDigest(record)) !== expected)
      report(`the record at ${lane}:${offset} is not what it was`);
  };
  return {
    onRecord({ record }) {
      const all = heads.get(record.lane) ?? [];
      heads.set(record.lane, all);
      all.push(chainedHead(all.at(-1) ?? EMPTY_HEAD, leafDigest(record)));
      const lane = record.lane === CONTROL ? undefined : history.reference[Number(record.lane)];
      if (lane && lane.next % COMPARED_EACH === 0 && lane.next === record.offset + 1)
        compareState('the undisturbed fold', lane);
    },
    onFolded({ name, host }, { lane, offset }, { applied, code }) {
      const seen = (lane === CONTROL ? history.control : history.lanes[Number(lane)])?.[offset];
      if (seen?.applied !== applied || seen.code !== code)
        report(`${name} judged ${lane}:${offset} ${code}, and the undisturbed fold ${seen?.code}`);
      if (host.head(lane) !== heads.get(lane)?.[offset])
        report(`${name} has another head of ${lane} after ${offset}`);
      const state = lane === CONTROL ? undefined : host.lanes[Number(lane)];
      if (state && state.next % COMPARED_EACH === 0) compareState(name, state);
    },
    onStep() {
      if (heads.size === 0 || world.scheduler.steps % REREAD_EACH !== 0) return;
      const lane = dice.pick([...heads.keys()]);
      reread(lane, dice.between(0, (heads.get(lane)?.length ?? 1) - 1));
    },
    atEnd() {
      for (const [lane, all] of heads) for (const offset of all.keys()) reread(lane, offset);
      for (const lane of history.reference) compareState('the undisturbed fold', lane);
      for (const { process } of world.replicas) allFolded(world, process, report);
      for (const { process } of world.replicas)
        for (const lane of process.host.lanes) compareState(process.name, lane);
      for (const { process } of world.replicas)
        for (const lane of history.reference) compareHistory(process, lane, report);
    },
  };
};

function allFolded(world: World, { name, host }: Process, report: (account: string) => void): void {
  for (const [index, all] of world.history.lanes.entries())
    if (host.lanes[index]?.next !== all.length)
      report(`${name} has not folded all of lane ${index}`);
}

/** Whatever a replica has let go of, it must find again. */
function compareHistory({ name, host }: Process, lane: LaneState, report: Report): void {
  for (const agent of lane.agents.values()) {
    const mine = agentOf(host.lanes[lane.lane] ?? lane, agent.tenant, agent.agent);
    for (const payment of agent.payments.values()) {
      if (JSON.stringify(host.payment(payment.id)) !== JSON.stringify(payment))
        report(`${name} has another payment ${payment.id}`);
      if (JSON.stringify(mine.payments.get(payment.id)) !== JSON.stringify(payment))
        report(`${name} finds another payment ${payment.id} with its agent`);
    }
    for (const table of ['purchases', 'keys', 'sessions'] as const)
      for (const [key, value] of agent[table] as Map<string, unknown>)
        if (JSON.stringify(mine[table].get(key), asJson) !== JSON.stringify(value, asJson))
          report(`${name} knows other ${table} of ${key}`);
    for (const order of agent.orders as Set<string>)
      if (!mine.orders.has(order)) report(`${name} has forgotten the order ${order}`);
    const newest = { tenant: agent.tenant, agents: [agent.agent], max: 1_000_000 };
    if (host.newest(newest).length !== [...agent.payments.values()].length)
      report(`${name} does not list every payment of ${agent.agent}`);
  }
}

/** What JSON has no form for, in one. */
function asJson(_: string, it: unknown): unknown {
  if (it instanceof Map || it instanceof Set) return [...(it as Iterable<unknown>)];
  return typeof it === 'bigint' ? it.toString() : it;
}

function byName(one: Agent, other: Agent): number {
  return `${one.tenant}/${one.agent}` < `${other.tenant}/${other.agent}` ? -1 : 1;
}

/** A digest of a lane's whole state. Payments are never changed, so each is serialised once. */
function stateDigester(): (lane: LaneState) => string {
  const texts = new WeakMap<Payment, string>();
  const textOf = (payment: Payment) => {
    const known = texts.get(payment) ?? sha256Hex(JSON.stringify(payment));
    texts.set(payment, known);
    return known;
  };
  const paymentOf = (agent: Agent, id: string) => {
    const payment = agent.payments.get(id);
    return payment && textOf(payment);
  };
  // Tables may be in a store: they are compared at the end, and until then by what every record did.
  const partsOf = ({ payments: _, purchases, keys, sessions, orders, ...rest }: Agent) => rest;
  return ({ lane, next, atMs, through, view, agents }) =>
    sha256Hex(
      JSON.stringify(
        [
          [lane, next, atMs, through, view.offset],
          [...agents.values()]
            .sort(byName)
            .map((agent) => [partsOf(agent), [...agent.open].map((id) => paymentOf(agent, id))]),
        ],
        asJson,
      ),
    );
}
