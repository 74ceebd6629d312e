import { newestBook } from '../budget-stores.ts';
import { CEILINGS, TENANTS } from '../cast.ts';
import type { Payment } from '@countersign/payment';
import type { World } from '../world.ts';
import { paidAtMs } from './exposure.ts';
import type { MakeInvariant } from './invariant.ts';

/**
 * When faults are over and time has passed, every payment has ended, and its reservation with it; of an agent that is set
 * aside they stay as they are.
 */
export const liveness: MakeInvariant = (world, report) => ({
  atEnd() {
    const { history } = world;
    const worked = history.payments().filter((it) => !history.isSetAside(it));
    for (const { id, phase, reservationEnded } of worked)
      if (phase.status !== 'ended') report(`${id} is stuck: ${phase.status}`);
      else if (!reservationEnded) report(`${id} is ${phase.how}, and its reservation never ended`);
    for (const { id, phase } of history.payments())
      if (phase.status === 'ended' && phase.how === 'refused' && !mayRefuse(world, phase.code))
        report(`${id} was refused by the signer, which had no cause: ${phase.code}`);
    const last = history.views.at(-1)?.offset ?? -1;
    for (const lane of history.reference)
      if (lane.through < last)
        report(`lane ${lane.lane} sees control up to ${lane.through} of ${last}`);
    for (const tenant of TENANTS) {
      const book = newestBook(history, tenant);
      if (!world.budgets.isOpen(book)) {
        report(`the counters of ${tenant} were lost, and never made anew`);
        continue;
      }
      const left = history.payments().filter((it) => history.isSetAside(it));
      const leftIds = new Set(left.map(({ id }) => id));
      const open = world.budgets.store
        .openNow(book)
        .filter(({ paymentId }) => !leftIds.has(paymentId));
      if (open.length > 0) report(`${tenant} has ${open.length} open reservations, and no payment`);
      sumsAgree(world, tenant, report);
    }
  },
});

/** A task may be closed after a decision; a ceiling may be reached. Nothing else changes what was decided. */
function mayRefuse({ ceiling, wasRestored }: World, code: string | null): boolean {
  // Also for what was only fixed: a signer that saw it does not know that nobody signed it.
  if (code === 'signed_before') return wasRestored;
  return code === 'facts_changed' || (code === 'over_ceiling' && ceiling === CEILINGS.low);
}

/**
 * What the counters hold in the end is what the chain says was paid; of an agent that is set aside, what was committed
 * before.
 */
function sumsAgree(world: World, tenant: string, report: (account: string) => void): void {
  const { history, budgets } = world;
  const known = history.payments().filter((it) => it.tenant === tenant);
  const left = paidSum(
    world,
    known.filter((it) => history.isSetAside(it)),
  );
  const worked = paidSum(
    world,
    known.filter((it) => !history.isSetAside(it)),
  );
  const limit = { id: 'all', scope: `tenant:${tenant}`, window: { kind: 'lifetime' as const } };
  const committed = budgets.store.readingsNow(newestBook(history, tenant), [limit])[0]?.committed;
  const sum = BigInt(committed ?? -1);
  if (sum < worked || sum > worked + left)
    report(
      `${tenant} has ${committed} committed, and the chain paid ${worked} (${left} set aside)`,
    );
}

function paidSum({ chain, lostNonces }: World, payments: readonly Payment[]): bigint {
  return (
    payments
      .filter((it) => it.intent.kind === 'payment')
      // What was paid by lost records freezes its wallet, and is in no counter, unless the log holds the payment all the same.
      .filter(({ phase }) => !isLost(lostNonces, phase) || isSettled(phase))
      .flatMap(({ phase }) => ('fixed' in phase && phase.fixed ? [phase.fixed.authorization] : []))
      .filter((authorization) => paidAtMs(chain, authorization) !== undefined)
      .reduce((total, { value }) => total + BigInt(value), 0n)
  );
}

function isLost(lostNonces: ReadonlySet<string>, phase: Payment['phase']): boolean {
  return (
    'fixed' in phase && phase.fixed !== null && lostNonces.has(phase.fixed.authorization.nonce)
  );
}

function isSettled(phase: Payment['phase']): boolean {
  return phase.status === 'ended' && phase.how === 'settled';
}
