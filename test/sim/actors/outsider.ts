import { type EventData, decodeEvent, encodeEvent } from '@countersign/contracts';
import type { Payment } from '@countersign/payment';
import { ARCHIVE, CONTROL } from '@countersign/ports';
import { AGENTS, LANES } from '../cast.ts';
import type { Dice } from '../dice.ts';
import type { Seen } from '../history.ts';
import type { World } from '../world.ts';
import { CONTROL_FORGERIES, Forger, PAYMENT_FORGERIES } from './forgeries.ts';

const TRICKS = {
  repeat: 5,
  misplace: 2,
  garble: 2,
  transplant: 3,
  mark: 2,
  cut: 2,
  control: 5,
  payment: 25,
};

/** Somebody who can read the log and append to it, and has none of our keys. */
export function outsiderAtWork(world: World): void {
  const dice = world.dice.fork('outsider');
  const next = () => {
    if (world.weather.isCalm) return;
    act(world, dice);
    world.scheduler.after(dice.between(200, 5_000), 'an outsider acts', next);
  };
  world.scheduler.after(2_000, 'an outsider begins', next);
}

function act(world: World, dice: Dice): void {
  const forger = new Forger(world, dice);
  const trick = dice.weighted(TRICKS);
  if (trick === 'control') {
    const forgery = dice.pick(CONTROL_FORGERIES);
    world.weather.count(`outsider: ${forgery.name}`);
    return forgery(forger, dice.pick(AGENTS));
  }
  if (trick === 'mark') {
    world.weather.count('outsider: mark');
    const lane = dice.between(0, LANES - 1);
    return forger.forge('mark.made', { lane, through: dice.pick([0, 3, 1_000_000]) }, lane);
  }
  if (trick === 'cut') {
    world.weather.count('outsider: cut');
    return cut(forger);
  }
  const payment = anyPayment(world, dice);
  if (trick === 'payment') {
    if (!payment) return;
    const forgery = dice.pick(PAYMENT_FORGERIES);
    world.weather.count(`outsider: ${forgery.name}`);
    return forgery(forger, payment);
  }
  const seen = anyRecord(world, dice);
  if (!seen) return;
  world.weather.count(`outsider: ${trick}`);
  const { lane, bytes } = seen.record;
  if (trick === 'repeat') forger.append(lane, bytes);
  if (trick === 'misplace') forger.append(dice.pick([CONTROL, ARCHIVE, '0', '1', '2']), bytes);
  if (trick === 'garble') forger.append(lane, garbled(bytes, dice));
  if (trick === 'transplant' && payment) transplant(forger, seen, payment);
}

/** A range that would come next, if it were the recorder's word. */
function cut(forger: Forger): void {
  const { history } = forger.world;
  const lane = String(forger.dice.between(0, LANES - 1));
  const from = history.cuts.findLast((it) => it.lane === lane)?.to ?? 0;
  const to = from + forger.dice.between(1, 20);
  const treeSize = (history.cuts.at(-1)?.treeSize ?? 0) + to - from;
  forger.forge('archive.cut', { lane, from, to, treeSize }, ARCHIVE);
}

/** A genuine statement about one payment, as if it had been made about another. */
function transplant(forger: Forger, { event }: Seen, payment: Payment): void {
  if (!event || !('paymentId' in event.data) || event.name === 'intent.submitted') return;
  const { tenant, agent, id: paymentId, round } = payment;
  const fits = 'round' in event.data && event.name !== 'payment.claimed' ? { round } : {};
  const moved = { ...event.data, tenant, agent, paymentId, ...fits };
  const { bytes } = encodeEvent(event.name, moved as EventData<typeof event.name>, 'moved');
  forger.append(String(forger.world.history.laneOf(payment)), bytes);
}

function anyRecord(world: World, dice: Dice): Seen | undefined {
  const { lanes, control, archive } = world.history;
  const all = dice.pick([...lanes, control, archive]);
  if (all.length === 0) return undefined;
  const seen = dice.pick(dice.chance(0.7) ? all.slice(-30) : all);
  return 'undecodable' in decodeEvent(seen.record.bytes) ? undefined : seen;
}

function anyPayment(world: World, dice: Dice): Payment | undefined {
  const alive = world.history.payments().filter((it) => it.phase.status !== 'ended');
  return alive.length > 0 ? dice.pick(alive) : undefined;
}

function garbled(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = dice.between(0, copy.length - 1);
  copy[at] = (copy[at] ?? 0) ^ (1 << dice.between(0, 7));
  return copy;
}
