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
  const stolen = new Map<string, Usage>();
  const frozenFor = new Set<string>();
  return {
    onUsage(usage) {
      if (isTheft(world, usage)) stolen.set(usage.transactionHash, usage);
    },
    onRecord({ event, applied }) {
      if (event?.name !== 'wallet.frozen' || !applied) return;
      const { tenant, wallet, outflow } = event.data;
      frozenFor.add(outflow.transactionHash);
      const from = stolen.get(outflow.transactionHash)?.submission.from;
      const view = tenantOf(world.history.views.at(-1)!, tenant);
      if (from === undefined || from !== view.wallets.get(wallet)?.address)
        report(`${tenant}/${wallet} was frozen, and nobody stole from it`);
    },
    atEnd() {
      for (const [hash, { submission, block }] of stolen)
        if (isOnChain(world, hash, block.number) && !frozenFor.has(hash))
          report(`money was stolen from ${submission.from} in ${hash}, and its wallet not frozen`);
      for (const tenant of TENANTS) {
        const view = tenantOf(world.history.views.at(-1)!, tenant);
        for (const [wallet, { isFrozen, count }] of view.walletFreezes)
          if (isFrozen && !view.alerted.has(`wallet/${wallet}/${count}/unlogged_outflow`))
            report(`${tenant}/${wallet} is frozen, and nobody was told`);
      }
    },
  };
};

function isTheft({ stolenNonces }: World, { submission }: Usage): boolean {
  if (submission.kind === 'plain') return true;
  return submission.kind === 'transfer' && stolenNonces.has(submission.nonce);
}

/** A reorganisation may have taken it back since. */
function isOnChain({ chain }: World, hash: string, block: number): boolean {
  return chain.usagesAt(block).some((usage) => usage.transactionHash === hash);
}
