import { tenantOf } from '@countersign/payment';
import { TENANTS } from '../cast.ts';
import type { Usage } from '../chain.ts';
import type { World } from '../world.ts';
import type { MakeInvariant } from './invariant.ts';

/**
 * An outflow that is not in the log freezes its wallet, and people are told; and nothing else freezes a wallet. That
 * nothing is signed for it then is said by `stops`.
 */
export const outflows: MakeInvariant = (world, report) => {
  const frozenFor = new Set<string>();
  return {
    onRecord({ event, applied }) {
      if (event?.name !== 'wallet.frozen' || !applied) return;
      const { tenant, wallet, outflow } = event.data;
      frozenFor.add(outflow.transactionHash);
      const usage = world.usages.get(outflow.transactionHash);
      const from = usage && isUnlogged(world, usage) ? usage.submission.from : undefined;
      const view = tenantOf(world.history.views.at(-1)!, tenant);
      if (from === undefined || from !== view.wallets.get(wallet)?.address)
        report(`${tenant}/${wallet} was frozen, and no money of it is unaccounted for`);
    },
    atEnd() {
      for (const [hash, usage] of world.usages) {
        const isMissed =
          isUnlogged(world, usage) && !frozenFor.has(hash) && !isStillRecorded(world, usage);
        if (isMissed && isOnChain(world, hash, usage.block.number))
          report(`${usage.submission.from} lost money in ${hash}, and was not frozen`);
      }
      for (const tenant of TENANTS) {
        const view = tenantOf(world.history.views.at(-1)!, tenant);
        for (const [wallet, { isFrozen, count }] of view.walletFreezes)
          if (isFrozen && !view.alerted.has(`wallet/${wallet}/${count}/unlogged_outflow`))
            report(`${tenant}/${wallet} is frozen, and nobody was told`);
      }
    },
  };
};

/** Stolen, or paid by records that the log has lost; not what moved nothing and needed no key. */
function isUnlogged({ stolenUses, lostNonces }: World, { submission }: Usage): boolean {
  if (submission.kind === 'plain') return submission.value > 0n;
  if (submission.kind === 'cancellation') return false;
  const { from, nonce } = submission;
  return stolenUses.has(`${from}/${nonce}`) || lostNonces.has(nonce);
}

/** Only a renewal of it was lost with an older copy of the log: the payment, its nonce and what it moves stand there. */
function isStillRecorded({ history }: World, { submission }: Usage): boolean {
  if (submission.kind !== 'transfer') return false;
  const { nonce, token, from, to, value } = submission;
  const paymentId = history.paymentOfNonce(nonce);
  if (paymentId === undefined) return false;
  return history.named(paymentId, 'authorization.fixed').some(({ applied, event }) => {
    const { authorization: it } = event.data;
    const isSame = it.token === token && it.from === from && it.to === to;
    return applied && isSame && it.nonce === nonce && it.value === value.toString();
  });
}

/** A reorganisation may have taken it back since. */
function isOnChain({ chain }: World, hash: string, block: number): boolean {
  return chain.usagesAt(block).some((usage) => usage.transactionHash === hash);
}
