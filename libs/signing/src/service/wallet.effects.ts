import { LIFETIME_MAX_SECONDS } from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  type AccountWallet,
  SKEW_MAX_MS,
  type WalletDebt,
  fixedOf,
  isAccount,
  isQuiet,
  tenantOf,
} from '@countersign/payment';
import type { Clock, OwnerKeys, SmartAccounts, StatementKey, WalletKeys } from '@countersign/ports';
import {
  type LaneHost,
  type WalletEffect,
  type WalletEffects,
  signStatement,
} from '@countersign/service-kit';
import { walletKeyName } from '../domain/preconditions.ts';
import type { SigningJournal } from './signing-journal.ts';

export interface WalletParts {
  readonly host: LaneHost;
  readonly keys: WalletKeys;
  readonly owners: OwnerKeys;
  readonly accounts: SmartAccounts;
  /** The signer's own statement key. */
  readonly key: StatementKey;
  readonly journal: SigningJournal;
  /** How long a revoked wallet's key is kept at least, from the order on; from the signer's own configuration. */
  readonly revokedKeyKeptMs: number;
  readonly clock: Clock;
}

/** How soon it is looked again whether what a stopped wallet signed has ended. */
const QUIET_POLL_MS = 500;
/** Longest until it is looked again whether a key's time is over: clocks are set. */
const KEPT_POLL_MS = 60_000;
/** A signature is no longer valid so long after it was made, whatever the policy said then. */
const VALID_MAX_MS = LIFETIME_MAX_SECONDS * 1_000 + SKEW_MAX_MS;
const DONE = { againAfterMs: 1_000 } as const;

/** What the signer owes to wallets: their keys, the handing over of accounts to new ones, and the end of revoked ones. */
export function walletEffects(parts: WalletParts): WalletEffects {
  return {
    make_key: makeKey(parts),
    renew_key: renewKey(parts),
    sign_rotation: signRotation(parts),
    destroy_key: destroyKey(parts),
  };
}

/** Made twice it is the same key; the first record counts. */
function makeKey({ host, keys, owners, accounts, key }: WalletParts): WalletEffect {
  return async (tenant, { wallet }) => {
    const kind = tenantOf(host.control, tenant).walletsWanted.get(wallet);
    if (kind === undefined) return DONE;
    const name = walletKeyName(tenant, wallet);
    const cause = `wallet/${tenant}.${wallet}`;
    if (kind === 'eoa-secp256k1') {
      const address = await keys.create(name);
      const made = { tenant, wallet, kind, address };
      const data = await signStatement(key, 'wallet.created', made, cause);
      await host.appendControl('wallet.created', data, { cause });
      return DONE;
    }
    const owner = await owners.make(name, 1);
    const address = accounts.address(owner);
    const made = { tenant, wallet, kind, address, owner, keyVersion: 1 };
    const data = await signStatement(key, 'wallet.created', made, cause);
    await host.appendControl('wallet.created', data, { cause });
    return DONE;
  };
}

function renewKey({ host, owners, key }: WalletParts): WalletEffect {
  return async (tenant, debt) => {
    const wallet = accountOf(host, tenant, debt);
    const keyVersion = wallet.pinned + 1;
    const owner = await owners.make(walletKeyName(tenant, wallet.id), keyVersion);
    const cause = `rotation/${wallet.rotatingSince}`;
    const made = { tenant, wallet: wallet.id, owner, keyVersion };
    const data = await signStatement(key, 'wallet.key_renewed', made, cause);
    await host.appendControl('wallet.key_renewed', data, { cause });
    return DONE;
  };
}

/** The present owner hands the account over, and the new one accepts: only once nothing it signed can be used. */
function signRotation({ host, owners, accounts, key }: WalletParts): WalletEffect {
  return async (tenant, debt) => {
    const wallet = accountOf(host, tenant, debt);
    const { network } = debt;
    const account = wallet.accounts.get(network ?? '');
    if (network === null || !account) return DONE;
    if (!isQuiet(host.lanes, tenant, wallet)) return { againAfterMs: QUIET_POLL_MS };
    const keyVersion = wallet.keys.length;
    const newOwner = wallet.keys[keyVersion - 1] ?? '';
    const name = walletKeyName(tenant, wallet.id);
    const digest = accounts.rotationDigest({
      account: wallet.address,
      chainId: Number(network.slice('eip155:'.length)),
      newOwner,
      rotation: account.rotations,
    });
    // The store holds the key that the log says is the new one, or the account would be handed to nobody.
    if ((await owners.publicKey(name, keyVersion)) !== newOwner)
      throw new Fault('owner_key_unknown', `version ${keyVersion} of ${name} is another key`, {
        retryable: false,
      });
    const bytes = await owners.sign(name, account.ownedBy, digest);
    const acceptance = await owners.sign(name, keyVersion, digest);
    const { rotations: rotation } = account;
    const cause = `rotation/${network}/${rotation}/${keyVersion}`;
    const about = { tenant, wallet: wallet.id, network, rotation, keyVersion, bytes, acceptance };
    const data = await signStatement(key, 'wallet.rotation_signed', about, cause);
    await host.appendControl('wallet.rotation_signed', data, { cause });
    return DONE;
  };
}

/**
 * Destroys the key of a revoked wallet: once nothing it signed can be used any more, by the log and by this signer's own
 * journal, and no sooner than its own configuration says. Whoever stole policy's key can order this, and must not cost
 * people what the wallet holds before they have seen it.
 */
function destroyKey(parts: WalletParts): WalletEffect {
  const { host, keys, owners, key, clock, revokedKeyKeptMs } = parts;
  return async (tenant, debt) => {
    const wallet = tenantOf(host.control, tenant).wallets.get(debt.wallet);
    if (!wallet?.revocation || wallet.revocation.isKeyDestroyed) return DONE;
    if (!isQuiet(host.lanes, tenant, wallet)) return { againAfterMs: QUIET_POLL_MS };
    const name = walletKeyName(tenant, wallet.id);
    const keptUntilMs = wallet.revocation.atMs + revokedKeyKeptMs;
    const leftMs = Math.max(keptUntilMs, lostUntilMs(parts, name)) - clock.nowMs();
    if (leftMs > 0) return { againAfterMs: Math.min(leftMs, KEPT_POLL_MS) };
    await (isAccount(wallet) ? owners : keys).revoke(name);
    const cause = `revocation/${tenant}.${wallet.id}`;
    const about = { tenant, wallet: wallet.id };
    const data = await signStatement(key, 'wallet.revoked', about, cause);
    await host.appendControl('wallet.revoked', data, { cause });
    return DONE;
  };
}

/** Until when something may be valid that the wallet signed by records which the log has lost; 0 where nothing was. */
function lostUntilMs({ host, journal }: WalletParts, name: string): number {
  let untilMs = 0;
  for (const { paymentId, wallet, atMs } of journal.known()) {
    const payment = wallet === name ? host.payment(paymentId) : undefined;
    const isLost = wallet === name && !(payment && fixedOf(payment));
    if (isLost) untilMs = Math.max(untilMs, atMs + VALID_MAX_MS);
  }
  return untilMs;
}

function accountOf(host: LaneHost, tenant: string, { wallet: id }: WalletDebt): AccountWallet {
  const wallet = tenantOf(host.control, tenant).wallets.get(id);
  if (wallet && isAccount(wallet)) return wallet;
  throw new InvariantViolation(`the wallet ${id} owes what only a smart account can`);
}
