import { type Payment, agentOf } from '@countersign/payment';
import { type Owner, SESSIONS } from '../cast.ts';
import { request } from '../client.ts';
import type { Dice } from '../dice.ts';
import type { World } from '../world.ts';

/** An operator opens a session, sometimes pressing twice, or closes one. */
export async function changeSession(
  world: World,
  dice: Dice,
  { tenant, agent }: Owner,
): Promise<void> {
  const by = { tenant, person: 'owner' };
  const manner = dice.weighted({ open: 3, close: 2 });
  world.weather.count(`session: ${manner}`);
  if (manner === 'close') {
    const used = sessionInUse(world, dice, { tenant, agent });
    await request(world, 'close a session', (it) => it.sessions.close(by, agent, used));
    return;
  }
  const session = dice.pick(SESSIONS);
  const terms = termsFrom(dice);
  for (let press = dice.pick([1, 1, 2]); press > 0; press -= 1) {
    world.acts.note(`session.opened/${tenant}`);
    await request(world, 'open a session', (it) => it.sessions.open(by, agent, session, terms));
  }
}

/** An open one, if it can be one that a payment under way names: closing it finds that payment anywhere on its way. */
function sessionInUse({ history }: World, dice: Dice, { tenant, agent }: Owner): string {
  const lane = history.reference[history.laneOf({ tenant, agent })];
  const { open, payments, openSessions } = lane ? agentOf(lane, tenant, agent) : NOTHING;
  const named = [...open].flatMap((id) => payments.get(id)?.intent.asserted.session ?? []);
  const inUse = named.filter((session) => openSessions.has(session));
  if (inUse.length > 0) return dice.pick(inUse);
  return dice.pick(dice.chance(0.8) && openSessions.size > 0 ? [...openSessions] : SESSIONS);
}
const NOTHING = {
  open: new Set<string>(),
  payments: new Map<string, Payment>(),
  openSessions: new Set<string>(),
};

/** Short enough to end in a run, and ceilings low enough to be reached. */
function termsFrom(dice: Dice) {
  const seconds = dice.between(5, 90);
  if (dice.chance(0.2)) return { seconds };
  return { seconds, unit: 'USD', ceiling: String(dice.between(1, 30) * 100_000) };
}
