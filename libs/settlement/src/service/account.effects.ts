import { Fault, InvariantViolation } from '@countersign/kernel';
import { type AccountWallet, type WalletDebt, isAccount, tenantOf } from '@countersign/payment';
import type { Chain } from '@countersign/ports';
import { type WalletEffect, type WalletEffects, signStatement } from '@countersign/service-kit';
import { type OwnerWatchParts, freezeTaken } from './owner-watch.ts';
import { RESEND_MS, type SettlementParts } from './settlement.effects.ts';

/** With the log of the process, where people look. */
type AccountParts = SettlementParts & OwnerWatchParts;

/**
 * What settlement owes to smart accounts: that they stand where they pay, and that they are owned by the newest key.
 * Neither is claimed before it is sent: whoever sends it, it is the same, and it has its effect once.
 */
export function accountEffects(parts: AccountParts): WalletEffects {
  const sentAt = new Map<string, number>();
  const due = (what: string) => {
    const nowMs = parts.clock.monotonicMs();
    if (nowMs - (sentAt.get(what) ?? -Infinity) < RESEND_MS) return false;
    sentAt.set(what, nowMs);
    return true;
  };
  return { deploy: deploy(parts, due), rotate: rotate(parts, due) };
}

type Due = (what: string) => boolean;

function deploy(parts: AccountParts, due: Due): WalletEffect {
  return async (tenant, debt) => {
    const { wallet, chain, network } = accountOn(parts, tenant, debt);
    const again = { againAfterMs: parts.pollMs };
    const final = await chain.accounts.read(wallet.address, 'finalized');
    if (final.account) {
      const { owner } = final.account;
      const about = { tenant, wallet: wallet.id, network, owner, at: final.at };
      // Ours was lost with an older copy of the log, or it was taken before anybody recorded that it stands.
      if (!wallet.keys.includes(owner)) {
        await freezeTaken(parts, about);
        throw foreignOwner(wallet, network);
      }
      const cause = `deployment/${tenant}.${wallet.id}/${network}`;
      const data = await signStatement(parts.key, 'wallet.deployed', about, cause);
      await parts.host.appendControl('wallet.deployed', data, { cause });
      return again;
    }
    // Reading it says that this chain verifies such signatures: on another the account could never pay.
    const latest = await chain.accounts.read(wallet.address, 'latest');
    const first = wallet.keys[0] ?? '';
    if (!latest.account && due(`deploy/${network}/${first}`)) await chain.accounts.deploy(first);
    return again;
  };
}

function rotate(parts: SettlementParts, due: Due): WalletEffect {
  return async (tenant, debt) => {
    const { wallet, chain, network } = accountOn(parts, tenant, debt);
    const account = wallet.accounts.get(network);
    if (!account) return { againAfterMs: parts.pollMs };
    const final = await chain.accounts.read(wallet.address, 'finalized');
    if (final.account && final.account.rotations > account.rotations) {
      const { owner, rotations } = final.account;
      const keyVersion = wallet.keys.indexOf(owner) + 1;
      if (keyVersion <= account.ownedBy || rotations !== account.rotations + 1)
        throw foreignOwner(wallet, network);
      const about = { tenant, wallet: wallet.id, network, owner, keyVersion, at: final.at };
      const cause = `rotated/${tenant}.${wallet.id}/${network}/${keyVersion}`;
      const data = await signStatement(parts.key, 'wallet.rotated', about, cause);
      await parts.host.appendControl('wallet.rotated', data, { cause });
      return { againAfterMs: parts.pollMs };
    }
    const latest = await chain.accounts.read(wallet.address, 'latest');
    const newOwner = wallet.keys.at(-1) ?? '';
    const { handover } = account;
    const asKnown = latest.account?.rotations === account.rotations;
    if (handover && asKnown && due(`rotate/${network}/${newOwner}`))
      await chain.accounts.rotate({ account: wallet.address, newOwner, ...handover });
    return { againAfterMs: parts.pollMs };
  };
}

function foreignOwner({ id }: AccountWallet, network: string): Fault {
  return new Fault('foreign_owner', `${id} on ${network} was given to another key`, {
    retryable: false,
  });
}

function accountOn(
  { host, chains }: SettlementParts,
  tenant: string,
  { wallet: id, network }: WalletDebt,
): { readonly wallet: AccountWallet; readonly chain: Chain; readonly network: string } {
  const wallet = tenantOf(host.control, tenant).wallets.get(id);
  if (!wallet || !isAccount(wallet) || network === null)
    throw new InvariantViolation(`the wallet ${id} owes what only a smart account can`);
  const chain = chains.get(network);
  if (chain) return { wallet, chain, network };
  throw new Fault('chain_unavailable', `no chain is configured for ${network}`, {
    retryable: true,
  });
}
