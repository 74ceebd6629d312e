import { tenantOf } from '@countersign/payment';
import { walletKeyName } from '@countersign/signing';
import { TENANTS } from '../cast.ts';
import type { World } from '../world.ts';
import { type Claim, claimOf } from './claim.ts';
import { isOver } from './exposure.ts';
import type { MakeInvariant } from './invariant.ts';

/** A signer's clock may be off by so much, and the log's. */
const CLOCKS_OFF_MS = 47_000;
/** How long after its time a key may still be there. */
const LATE_MAX_MS = 120_000;

/**
 * A revoked wallet signs nothing whose authorization was not fixed before, and nothing that whoever revoked it was not
 * told of. Its key is destroyed by order only, after the signer's own time, and when nothing it signed can be used any
 * more: not even what the log has lost.
 */
export const revocation: MakeInvariant = (world, report) => {
  /** Log time of the order, by key. */
  const ordered = new Map<string, number>();
  return {
    onRecord({ event, applied, laneMs }) {
      if (!applied || !event) return;
      if (event.name !== 'wallet.revoke_ordered' && event.name !== 'wallet.revoked') return;
      const key = walletKeyName(event.data.tenant, event.data.wallet);
      if (event.name === 'wallet.revoke_ordered') ordered.set(key, laneMs);
      else if (!world.vault.isDestroyed(key)) report(`${key} is said to be gone, and is not`);
      else world.weather.count('keys destroyed');
    },
    onSignature({ wallet, meaning }) {
      if (meaning?.kind !== 'transfer' || isOver(world.chain, meaning.authorization)) return;
      const claim = claimOf(world.history, meaning.authorization);
      if (typeof claim === 'string') return;
      if (isFixedAfter(world, claim, wallet))
        report(`${wallet} signed ${claim.paymentId}, which was fixed when it was revoked`);
      const outstanding = world.acts.revocations.get(wallet);
      if (outstanding && !outstanding.has(claim.paymentId) && !isRepeat(world, claim))
        report(`${wallet} signed ${claim.paymentId}, and somebody was told that it is revoked`);
    },
    onDestroyed(key) {
      const live = world.signed.find(
        (it) => keyOf(world, it.from) === key && !isOver(world.chain, it),
      );
      if (live) report(`${key} is destroyed while ${live.nonce} can still be used`);
      const orderedMs = ordered.get(key);
      if (orderedMs === undefined) return report(`${key} is destroyed, and nobody ordered it`);
      const keptMs = world.scheduler.nowMs - orderedMs;
      if (keptMs < world.revokedKeyKeptMs - CLOCKS_OFF_MS)
        report(`${key} is destroyed after ${keptMs} of ${world.revokedKeyKeptMs} ms`);
    },
    atEnd() {
      // What the log has lost may be valid for an hour: a signer that saw it fixed does not know that nobody signed it.
      if (world.wasRestored) return;
      const latestMs = world.scheduler.nowMs - world.revokedKeyKeptMs - LATE_MAX_MS;
      for (const [key, atMs] of ordered)
        if (atMs < latestMs && !world.vault.isDestroyed(key) && !isHeld(world, key))
          report(`${key} is still there`);
    },
  };
};

/** By the marks of its lane: the order was in force there when the authorization was recorded. */
function isFixedAfter({ history }: World, { lane, fixed, tenant }: Claim, key: string): boolean {
  const view = tenantOf(history.viewBefore(lane, fixed.record.offset), tenant);
  return [...view.wallets.values()].some(
    ({ id, revocation: order }) => order !== null && walletKeyName(tenant, id) === key,
  );
}

function isHeld(world: World, key: string): boolean {
  const addresses = new Set(world.signed.map(({ from }) => from));
  return [...addresses].some((it) => keyOf(world, it) === key && world.history.isHeld(it));
}

/** Bytes that the log holds already may be made again by a straggler. */
function isRepeat({ history }: World, { paymentId, fixed }: Claim): boolean {
  return history
    .named(paymentId, 'signing.completed')
    .some((seen) => seen.applied && seen.record.offset > fixed.record.offset);
}

function keyOf({ history }: World, address: string): string | undefined {
  const view = history.views.at(-1);
  for (const tenant of view ? TENANTS : [])
    for (const wallet of tenantOf(view!, tenant).wallets.values())
      if (wallet.address === address) return walletKeyName(tenant, wallet.id);
  return undefined;
}
