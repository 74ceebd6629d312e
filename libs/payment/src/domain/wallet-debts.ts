import type { Service } from '@countersign/contracts';
import { type AccountWallet, type Wallet, isAccount, isBehind } from './wallets.ts';
import type { LaneState } from './lane.ts';
import { type Payment, fixedOf } from './payment.ts';
import type { TenantView } from './tenant.ts';

/** What must be done about a wallet, and by whom. `network` is null where it is about none in particular. */
export interface WalletDebt {
  readonly service: Service;
  readonly kind: 'make_key' | 'deploy' | 'renew_key' | 'sign_rotation' | 'rotate' | 'destroy_key';
  readonly wallet: string;
  readonly network: string | null;
}

/**
 * What the wallets of a tenant owe, as `control` stands. As with payments nothing else needs to be remembered: a debt is
 * paid when its record has been read back as applied.
 *
 * @param networks where accounts are to be deployed.
 */
export function owedForWallets(
  view: TenantView,
  networks: Iterable<string>,
): readonly WalletDebt[] {
  const wanted = [...view.walletsWanted.keys()].map((wallet): WalletDebt => {
    return { service: 'signer', kind: 'make_key', wallet, network: null };
  });
  const on = [...networks];
  return [...wanted, ...[...view.wallets.values()].flatMap((wallet) => owedForWallet(wallet, on))];
}

/** For a revoked wallet only the end of its key is owed: nothing is deployed or handed over any more. */
function owedForWallet(wallet: Wallet, networks: readonly string[]): readonly WalletDebt[] {
  const { id, revocation } = wallet;
  if (revocation?.isKeyDestroyed) return [];
  if (revocation) return [{ service: 'signer', kind: 'destroy_key', wallet: id, network: null }];
  return isAccount(wallet) ? owedForAccount(wallet, networks) : [];
}

function owedForAccount(wallet: AccountWallet, networks: readonly string[]): WalletDebt[] {
  const { id, accounts, rotatingSince, keys, pinned } = wallet;
  const deploy = networks
    .filter((network) => !accounts.has(network))
    .map((network): WalletDebt => {
      return { service: 'settlement', kind: 'deploy', wallet: id, network };
    });
  if (rotatingSince !== null && keys.length === pinned)
    return [...deploy, { service: 'signer', kind: 'renew_key', wallet: id, network: null }];
  const behind = [...accounts]
    .filter(([, account]) => isBehind(wallet, account))
    .map(([network, account]): WalletDebt => {
      return account.handover
        ? { service: 'settlement', kind: 'rotate', wallet: id, network }
        : { service: 'signer', kind: 'sign_rotation', wallet: id, network };
    });
  return [...deploy, ...behind];
}

/**
 * Whether nothing that a wallet signed can be used any more, and nothing more will be signed: every lane has seen the
 * order to rotate or to revoke, after which none takes an authorization of this wallet, and all there were have ended.
 * Only then is the account given to another key, or the key destroyed; a lane that is folded too little shows more that
 * is live, never less.
 */
export function isQuiet(lanes: readonly LaneState[], tenant: string, wallet: Wallet): boolean {
  const rotating = isAccount(wallet) ? wallet.rotatingSince : null;
  const ordered = wallet.revocation?.since ?? rotating ?? -1;
  return lanes.every((lane) => lane.through >= ordered && !hasLive(lane, tenant, wallet.id));
}

function hasLive(lane: LaneState, tenant: string, walletId: string): boolean {
  for (const agent of lane.agents.values()) {
    if (agent.tenant !== tenant) continue;
    for (const id of agent.open) if (isLive(agent.payments.get(id), walletId)) return true;
  }
  return false;
}

function isLive(payment: Payment | undefined, walletId: string): boolean {
  const status = payment?.phase.status;
  if (!payment || (status !== 'fixed' && status !== 'signed')) return false;
  return fixedOf(payment)?.walletId === walletId;
}
