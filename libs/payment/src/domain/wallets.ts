import type { ControlEvent, RefusalCode, Seller, WalletKind } from '@countersign/contracts';
import { InvariantViolation } from '@countersign/kernel';

/** That a wallet is to sign nothing more, for good. */
export interface Revocation {
  /** Offset of the order. */
  readonly since: number;
  /** Log time of the order. */
  readonly atMs: number;
  readonly isKeyDestroyed: boolean;
}

/** An account of one key, which its address follows from. */
interface KeyWallet {
  readonly id: string;
  readonly revocation: Revocation | null;
  readonly kind: 'eoa-secp256k1';
  readonly address: string;
}

/** A smart account where it is deployed. */
export interface DeployedAccount {
  /** Version of the key that owns it by finalized evidence: what it signs with. */
  readonly ownedBy: number;
  /** How often it was handed over. */
  readonly rotations: number;
  /** The signed handing over to the newest key, once the signer made one. */
  readonly handover: { readonly signature: string; readonly acceptance: string } | null;
}

/** A smart account that a P-256 key owns; its address follows from its first owner. */
export interface AccountWallet {
  readonly id: string;
  readonly revocation: Revocation | null;
  readonly kind: 'erc1271-p256';
  readonly address: string;
  /** Public keys of all versions, the first one's at 0. The last one is where every account is to go. */
  readonly keys: readonly string[];
  /** Version the wallet pays with. */
  readonly pinned: number;
  /** Offset of the order to rotate; null while none is under way. */
  readonly rotatingSince: number | null;
  /** By CAIP-2 network. */
  readonly accounts: ReadonlyMap<string, DeployedAccount>;
}

export type Wallet = KeyWallet | AccountWallet;

type WalletRecord<N extends string> = Extract<ControlEvent, { name: N }>;
const OF_A_WALLET = [
  'wallet.deployed',
  'wallet.rotation_ordered',
  'wallet.key_renewed',
  'wallet.rotation_signed',
  'wallet.rotated',
  'wallet.revoke_ordered',
  'wallet.revoked',
] as const satisfies readonly ControlEvent['name'][];
/** Records that change one wallet, and nothing else. */
export type WalletEvent = WalletRecord<(typeof OF_A_WALLET)[number]>;
type RevocationEvent = WalletRecord<'wallet.revoke_ordered' | 'wallet.revoked'>;

export function isWalletEvent(event: ControlEvent): event is WalletEvent {
  return (OF_A_WALLET as readonly string[]).includes(event.name);
}

/** The wallet of a `wallet.created`. */
export function madeWallet({ data }: WalletRecord<'wallet.created'>): Wallet {
  const { wallet: id, address } = data;
  const made = { id, address, revocation: null };
  if (data.kind === 'eoa-secp256k1') return { ...made, kind: data.kind };
  const { kind, owner } = data;
  return { ...made, kind, keys: [owner], pinned: 1, rotatingSince: null, accounts: new Map() };
}

/** Why a record does not apply to a wallet. */
export function walletRefusal(
  wallet: Wallet | undefined,
  event: WalletEvent,
): RefusalCode | undefined {
  if (!wallet) return 'wallet_unknown';
  const { revocation } = wallet;
  if (event.name === 'wallet.revoke_ordered') return revocation ? 'wallet_revoked' : undefined;
  if (event.name === 'wallet.revoked') {
    if (!revocation) return 'not_waiting';
    return revocation.isKeyDestroyed ? 'duplicate' : undefined;
  }
  if (wallet.kind !== 'erc1271-p256') return 'wallet_kind_wrong';
  return accountRefusal(wallet, event);
}

function accountRefusal(
  wallet: AccountWallet,
  event: Exclude<WalletEvent, RevocationEvent>,
): RefusalCode | undefined {
  const newest = wallet.keys.length;
  switch (event.name) {
    case 'wallet.deployed':
      if (wallet.accounts.has(event.data.network)) return 'duplicate';
      return event.data.owner === wallet.keys[0] ? undefined : 'owner_wrong';
    case 'wallet.rotation_ordered':
      if (wallet.revocation) return 'wallet_revoked';
      if (wallet.rotatingSince !== null) return 'wallet_rotating';
      return wallet.accounts.size === 0 ? 'wallet_not_deployed' : undefined;
    case 'wallet.key_renewed':
      if (wallet.revocation) return 'wallet_revoked';
      if (wallet.rotatingSince === null || event.data.keyVersion !== wallet.pinned + 1)
        return 'not_waiting';
      if (newest > wallet.pinned) return 'duplicate';
      return wallet.keys.includes(event.data.owner) ? 'owner_wrong' : undefined;
    case 'wallet.rotation_signed': {
      if (wallet.revocation) return 'wallet_revoked';
      const account = wallet.accounts.get(event.data.network);
      if (!account || !isBehind(wallet, account) || event.data.keyVersion !== newest)
        return 'not_waiting';
      if (event.data.rotation !== account.rotations) return 'not_waiting';
      return account.handover ? 'duplicate' : undefined;
    }
    case 'wallet.rotated': {
      const account = wallet.accounts.get(event.data.network);
      const { keyVersion, owner } = event.data;
      if (!account || keyVersion <= account.ownedBy || keyVersion > newest) return 'not_waiting';
      return owner === wallet.keys[keyVersion - 1] ? undefined : 'owner_wrong';
    }
  }
}

/** The wallet after a record that applies. */
export function evolveWallet(
  wallet: Wallet,
  { offset, atMs }: { readonly offset: number; readonly atMs: number },
  event: WalletEvent,
): Wallet {
  if (event.name === 'wallet.revoke_ordered')
    return { ...wallet, revocation: { since: offset, atMs, isKeyDestroyed: false } };
  if (event.name === 'wallet.revoked')
    return {
      ...wallet,
      revocation: wallet.revocation && { ...wallet.revocation, isKeyDestroyed: true },
    };
  if (wallet.kind !== 'erc1271-p256')
    throw new InvariantViolation(`${event.name} does not apply to ${wallet.kind}`);
  const { accounts } = wallet;
  switch (event.name) {
    case 'wallet.deployed': {
      const account = { ownedBy: 1, rotations: 0, handover: null };
      return { ...wallet, accounts: new Map(accounts).set(event.data.network, account) };
    }
    case 'wallet.rotation_ordered':
      return { ...wallet, rotatingSince: offset };
    case 'wallet.key_renewed': {
      // What was signed to hand an account over to the key before is not what is wanted any more.
      const behind = [...accounts].map(
        ([network, it]) => [network, { ...it, handover: null }] as const,
      );
      return { ...wallet, keys: [...wallet.keys, event.data.owner], accounts: new Map(behind) };
    }
    case 'wallet.rotation_signed': {
      const { network, bytes: signature, acceptance } = event.data;
      return withAccount(wallet, network, { handover: { signature, acceptance } });
    }
    case 'wallet.rotated': {
      const { network, keyVersion } = event.data;
      const rotations = (accounts.get(network)?.rotations ?? 0) + 1;
      const change = { ownedBy: keyVersion, rotations, handover: null };
      return settled(withAccount(wallet, network, change));
    }
  }
}

export function isAccount(wallet: Wallet): wallet is AccountWallet {
  return wallet.kind === 'erc1271-p256';
}

/** The wallets that are revoked or being given to another key: they sign nothing, and what they signed is canceled. */
export function stoppedWallets(
  wallets: Iterable<Wallet>,
): ReadonlyMap<string, 'rotated' | 'revoked'> {
  const stopped = new Map<string, 'rotated' | 'revoked'>();
  for (const wallet of wallets)
    if (wallet.revocation) stopped.set(wallet.id, 'revoked');
    else if (isAccount(wallet) && wallet.rotatingSince !== null) stopped.set(wallet.id, 'rotated');
  return stopped;
}

/** Whether the account on this network is still to be given to the newest key. */
export function isBehind(wallet: AccountWallet, account: DeployedAccount): boolean {
  return account.ownedBy < wallet.keys.length;
}

/** Why a wallet cannot pay now. */
export type Unpayable =
  'wallet_kind_not_taken' | 'wallet_not_deployed' | 'wallet_rotating' | 'wallet_revoked';

/** The wallet a payment is made from; without one the reason, or null where the agent has none at all. */
export type PayingWallet =
  | { readonly wallet: Wallet; readonly unpayable: null }
  | { readonly wallet: null; readonly unpayable: Unpayable | null };

/**
 * Which of an agent's wallets pays: one of a kind the seller takes, that can pay on this network now, and a smart account
 * before a key's own, because its key need never leave its store. A withdrawal names its wallet.
 *
 * @param takes as the seller's record says; a seller that nobody registered is taken to know key accounts only.
 */
export function payingWallet(
  owned: readonly Wallet[],
  ask: {
    readonly network: string;
    readonly takes: Seller['takes'];
    readonly withdrawFrom: string | undefined;
  },
): PayingWallet {
  const { network, takes, withdrawFrom } = ask;
  const taken = owned.filter((wallet) =>
    withdrawFrom === undefined
      ? takes === 'any' || wallet.kind === 'eoa-secp256k1'
      : wallet.id === withdrawFrom,
  );
  const first = inPreference(taken).find((wallet) => unpayable(wallet, network) === null);
  if (first) return { wallet: first, unpayable: null };
  const inOrder = inPreference(taken);
  const preferred = inOrder.find(({ revocation }) => !revocation) ?? inOrder[0];
  if (preferred) return { wallet: null, unpayable: unpayable(preferred, network) };
  return { wallet: null, unpayable: owned.length > 0 ? 'wallet_kind_not_taken' : null };
}

const PREFERENCE = ['erc1271-p256', 'eoa-secp256k1'] as const satisfies readonly WalletKind[];

function inPreference(wallets: readonly Wallet[]): readonly Wallet[] {
  return PREFERENCE.flatMap((kind) => wallets.filter((wallet) => wallet.kind === kind));
}

function unpayable(wallet: Wallet, network: string): Unpayable | null {
  if (wallet.revocation) return 'wallet_revoked';
  if (wallet.kind === 'eoa-secp256k1') return null;
  if (wallet.rotatingSince !== null) return 'wallet_rotating';
  return wallet.accounts.get(network)?.ownedBy === wallet.pinned ? null : 'wallet_not_deployed';
}

function withAccount(
  wallet: AccountWallet,
  network: string,
  change: Partial<DeployedAccount>,
): AccountWallet {
  const account = wallet.accounts.get(network);
  if (!account) throw new InvariantViolation(`${wallet.id} is not deployed on ${network}`);
  return { ...wallet, accounts: new Map(wallet.accounts).set(network, { ...account, ...change }) };
}

/** A rotation is over when the newest key owns the account everywhere. */
function settled(wallet: AccountWallet): AccountWallet {
  if (wallet.rotatingSince !== null && wallet.keys.length === wallet.pinned) return wallet;
  const over = [...wallet.accounts.values()].every((account) => !isBehind(wallet, account));
  return over ? { ...wallet, pinned: wallet.keys.length, rotatingSince: null } : wallet;
}
