import type { Authorization } from '@countersign/contracts';
import { isAccount, tenantOf } from '@countersign/payment';
import { walletKeyName } from '@countersign/signing';
import { TENANTS } from '../cast.ts';
import { isOver } from './exposure.ts';
import type { MakeInvariant } from './invariant.ts';

/**
 * An account is handed over only when nothing it signed can be used any more; and when faults are over, every account
 * stands, is whose the log says it is, and none is left between two keys. One that was taken is known as taken.
 */
export const handover: MakeInvariant = (world, report) => {
  const signed = new Map<string, Authorization[]>();
  const taken = new Set<string>();
  const handedOver = new Set<string>();
  return {
    onRecord({ event, applied }) {
      if (event?.name !== 'wallet.taken' || !applied) return;
      taken.add(`${event.data.tenant}/${event.data.wallet}`);
    },
    onSignature({ meaning }) {
      if (meaning?.kind === 'transfer') {
        if (world.chain.accounts.isAccount(meaning.authorization.from))
          world.weather.count('signed by an account');
        const { authorization } = meaning;
        const before = signed.get(authorization.from) ?? [];
        signed.set(authorization.from, [...before, authorization]);
      }
      if (meaning?.kind !== 'rotation') return;
      // A replica that slept signs the same again; the account takes it once, and nothing is given to a key twice.
      const once = `${meaning.account}/${meaning.newOwner}`;
      if (handedOver.has(once)) return;
      handedOver.add(once);
      const live = signed.get(meaning.account)?.find((it) => !isOver(world.chain, it));
      if (live) report(`${meaning.account} is handed over while ${live.nonce} can still be used`);
    },
    atEnd() {
      const view = world.history.views.at(-1);
      if (!view) return;
      for (const tenant of TENANTS)
        for (const wallet of tenantOf(view, tenant).wallets.values()) {
          if (!isAccount(wallet)) continue;
          const { id, address, keys, pinned, rotatingSince, accounts } = wallet;
          const { account } = world.chain.accounts.readAt(address, world.chain.at('finalized', 0));
          if (account && !keys.includes(account.owner)) {
            // Revoked before anybody knew that it stands, nothing is ever signed for it: nobody watches it.
            const isWatched = !wallet.revocation || accounts.size > 0;
            if (isWatched && !taken.has(`${tenant}/${id}`))
              report(`${id} was taken, and its wallet not frozen`);
            continue;
          }
          // Revoked, it is left as it is, on its way or not.
          if (wallet.revocation || world.vault.isDestroyed(walletKeyName(tenant, id))) continue;
          if (accounts.size === 0) report(`${id} stands nowhere`);
          if (world.history.isHeld(address)) continue;
          if (rotatingSince !== null) report(`${id} is still being given to another key`);
          if (account?.owner !== keys[pinned - 1]) report(`${id} is owned by another key`);
        }
    },
  };
};
