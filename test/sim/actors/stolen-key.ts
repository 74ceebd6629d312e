import { sha256Hex } from '@countersign/kernel';
import { tenantOf } from '@countersign/payment';
import { CONTROL } from '@countersign/ports';
import { AGENTS, APPROVERS, TENANTS } from '../cast.ts';
import type { World } from '../world.ts';
import { policyText } from '../policies.ts';
import { CONTROL_FORGERIES, Forger, PAYMENT_FORGERIES } from './forgeries.ts';

const TRICKS = {
  policy: { loosen: 3, revoke: 1, control: 6, payment: 12 },
  approval: { grantAll: 10, payment: 12 },
} as const;

/** Somebody who can append to the log, and signs as policy or approval would. */
export function stolenKeyAtWork(world: World): void {
  const { stolen, scheduler, weather } = world;
  if (stolen === undefined) return;
  const dice = world.dice.fork('stolen key');
  const forger = new Forger(world, dice, stolen);
  const tricks: Readonly<Record<string, number>> = TRICKS[stolen];
  weather.count(`${stolen}'s key stolen`);
  const next = () => {
    if (weather.isCalm) return;
    const trick = dice.weighted(tricks);
    weather.count(`stolen ${stolen} key: ${trick}`);
    if (trick === 'loosen') loosen(forger);
    else if (trick === 'revoke') revoke(forger);
    else if (trick === 'control') dice.pick(CONTROL_FORGERIES)(forger, dice.pick(AGENTS));
    else aboutPayment(forger, trick === 'grantAll');
    scheduler.after(dice.between(200, 2_000), 'a stolen key is used', next);
  };
  scheduler.after(5_000, 'a key is stolen', next);
}

/** A policy that lets nearly everything through, in force at once: its record says that it only tightens, and waits no less. */
function loosen(forger: Forger): void {
  const { world, dice } = forger;
  const tenant = dice.pick(TENANTS);
  const { policies, active, delayMs } = tenantOf(world.history.views.at(-1)!, tenant);
  if (!active) return;
  const remark = dice.between(1, 1_000_000);
  const delaySeconds = delayMs / 1_000;
  const text = policyText({ amounts: 50, quorum: 1, again: true, delaySeconds }, remark);
  const version = policies.size + 1;
  const about = { tenant, version, hash: sha256Hex(text), by: 'owner' };
  forger.forge('policy.put', { ...about, text }, CONTROL);
  const claims = { loosens: [], against: active.version, delayMs };
  forger.forge('policy.activated', { ...about, ...claims }, CONTROL);
}

function revoke(forger: Forger): void {
  const { world, dice } = forger;
  const tenant = dice.pick(TENANTS);
  const wallets = [...tenantOf(world.history.views.at(-1)!, tenant).wallets.keys()];
  if (wallets.length === 0) return;
  const order = { tenant, wallet: dice.pick(wallets), by: 'owner' };
  forger.forge('wallet.revoke_ordered', order, CONTROL);
}

function aboutPayment(forger: Forger, isGrant: boolean): void {
  const { world, dice } = forger;
  const alive = world.history.payments().filter(({ phase }) => phase.status !== 'ended');
  const asked = alive.filter(({ phase }) => phase.status === 'awaiting');
  const from = isGrant ? asked : alive;
  if (from.length === 0) return;
  const payment = dice.pick(from);
  if (!isGrant) return dice.pick(PAYMENT_FORGERIES)(forger, payment);
  if (payment.phase.status !== 'awaiting') return;
  const { quoteDigest, decisionId } = payment.phase.approval;
  for (const person of APPROVERS)
    forger.about(payment, 'approval.granted', { person, quoteDigest, decisionId });
}
