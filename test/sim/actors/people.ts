import { personKeyOf } from '@countersign/service-kit';
import { APPROVERS, PEOPLE, TENANTS, type TenantName, credentialOf } from '../cast.ts';
import { request } from '../client.ts';
import type { Dice } from '../dice.ts';
import type { World } from '../world.ts';

/** Approvers look at what waits for people; they grant, veto, hesitate, press twice, and act on what they saw long ago. */
export function approversAtWork(world: World): void {
  const dice = world.dice.fork('approvers');
  const next = () => {
    if (world.weather.isCalm) return;
    void decide(world, dice);
    world.scheduler.after(dice.between(100, 2_000), 'an approver looks', next);
  };
  world.scheduler.after(0, 'approvers begin', next);
}

async function decide(world: World, dice: Dice): Promise<void> {
  const tenant = dice.pick(TENANTS);
  const waiting = world.history
    .payments()
    .filter((it) => it.tenant === tenant && it.phase.status === 'awaiting');
  if (dice.chance(0.15)) return veto(world, dice, tenant);
  if (waiting.length === 0) return;
  const { id } = dice.pick(waiting);
  const by = { tenant, person: dice.pick(APPROVERS) };
  const seen = await request(world, `${by.person} looks`, (it) => it.approvals.read(by, id));
  if (seen.kind !== 'answer') return;
  await world.scheduler.sleep(dice.between(0, dice.pick([500, 8_000])), `${by.person} thinks`);
  const { approval, quoteDigest } = seen.value.payment;
  if (!approval || dice.chance(0.15)) return;
  if (dice.chance(0.08)) return veto(world, dice, tenant, id);
  const { decisionId } = approval;
  const prove = personKeyOf(credentialOf(by)).sign;
  world.acts.note(`grant/${id}/${by.person}/${decisionId}`);
  for (let press = dice.pick([1, 1, 1, 2]); press > 0; press -= 1)
    await request(world, `${by.person} grants`, (it) =>
      it.approvals.grant({ ...by, prove }, id, { quoteDigest, decisionId }),
    );
}

/** A veto may come at any moment of a payment's life, also when nobody was asked. */
async function veto(
  world: World,
  dice: Dice,
  tenant: TenantName,
  paymentId?: string,
): Promise<void> {
  const alive = world.history
    .payments()
    .filter((it) => it.tenant === tenant && it.phase.status !== 'ended');
  const id = paymentId ?? (alive.length > 0 ? dice.pick(alive).id : undefined);
  if (id === undefined) return;
  const by = { tenant, person: dice.pick(PEOPLE).person };
  const reason = dice.chance(0.3) ? 'I have a bad feeling' : undefined;
  const answer = await request(world, `${by.person} vetoes`, (it) =>
    it.approvals.veto(by, id, reason),
  );
  world.weather.count(`vetoes: ${answer.kind === 'refused' ? answer.code : answer.kind}`);
  if (answer.kind === 'answer')
    world.acts.acknowledge({ kind: 'veto', tenant, paymentId: id, tooLate: new Set() });
}
