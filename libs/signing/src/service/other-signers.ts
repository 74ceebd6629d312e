import { type LaneState, type Payment, tenantOf } from '@countersign/payment';
import { CONTROL } from '@countersign/ports';
import type { LaneHost } from '@countersign/service-kit';
import { walletKeyName } from '../domain/preconditions.ts';
import { UnderWay } from '../domain/under-way.ts';
import type { SigningJournal } from './signing-journal.ts';

/**
 * Several signers share out the lanes, and a wallet's payments are in many: what another one signed counts against the
 * ceiling here as soon as the log tells of it, and until then what it may be about to sign.
 */
export function watchOthers(host: LaneHost, journal: SigningJournal): UnderWay {
  const standing = host.lanes.flatMap((lane) =>
    [...lane.agents.values()].flatMap((agent) =>
      [...agent.payments.values()].map((it) => [it, lane.lane] as const),
    ),
  );
  const underWay = new UnderWay(standing);
  for (const [payment] of standing) learn(journal, payment);
  host.onTouched((payments: readonly Payment[], { lane }: LaneState) => {
    for (const payment of payments) {
      learn(journal, payment);
      underWay.take(payment, lane);
    }
  });
  return underWay;
}

function learn(journal: SigningJournal, { id: paymentId, tenant, phase }: Payment): void {
  if (phase.status !== 'signed') return;
  const { authorization, authorizationDigest, walletId, renews } = phase.fixed;
  const { token, value } = authorization;
  const wallet = walletKeyName(tenant, walletId);
  const signed = { paymentId, wallet, token, value, authorizationDigest };
  journal.learn({ ...signed, atMs: phase.signedAtMs, ...(renews !== null && { renews }) });
}

/**
 * Reads every lane in which a payment of this wallet may stand, to its end: of two signers at work at the same moment, one
 * then sees what the other has fixed.
 */
export async function caughtUpWithWallet(
  host: LaneHost,
  { tenant, agent }: Payment,
  wallet: string,
): Promise<void> {
  const done = new Set<string>();
  for (;;) {
    const { agents } = tenantOf(host.control, tenant);
    const having = [...agents].filter(([, { wallets }]) => wallets.includes(wallet));
    const lanes = [agent, ...having.map(([name]) => name)].map((name) =>
      String(host.laneFor(tenant, name).lane),
    );
    // Control too, for an agent that was given the wallet just now.
    const due = [...new Set([CONTROL, ...lanes])].filter((name) => !done.has(name));
    if (due.length === 0) return;
    await Promise.all(due.map((name) => host.caughtUp(name)));
    for (const name of due) done.add(name);
  }
}
