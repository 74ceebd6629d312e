import type { BlockRef, BlockTag } from './block.ts';

/**
 * Holds the P-256 keys that own smart accounts: versions 1, 2, 3 of each wallet's key. Which version owns the account is
 * for the caller to know and to name. Public keys are x and y, 0x and 128 hex digits.
 */
export interface OwnerKeys {
  /**
   * Makes the wallet's keys up to `version`, each once: repeated, it returns the same one.
   *
   * @returns the public key of `version`.
   * @throws Fault `wallet_revoked`, not retryable, for a version more of what was destroyed.
   */
  make(wallet: string, version: number): Promise<string>;
  /** The public key of a version, or undefined for one this store does not have. */
  publicKey(wallet: string, version: number): Promise<string | undefined>;
  /**
   * Signs a 32-byte digest with ECDSA over P-256, low-s. A second signature may be another one.
   *
   * @param digest 0x and 64 hex digits.
   * @returns 64 bytes r, s as 0x hex.
   * @throws Fault `wallet_revoked` or `wallet_unknown`, not retryable; `keys_unavailable`, retryable.
   */
  sign(wallet: string, version: number, digest: string): Promise<string>;
  /**
   * Destroys the wallet's keys, all versions of them, for good: every later `sign` is refused, also after a restart, and
   * nothing this store holds leads to a key any more. Public keys stay known. What was broken off is finished by asking
   * again.
   *
   * @throws Fault `wallet_unknown`, not retryable; `keys_unavailable`, retryable.
   */
  revoke(wallet: string): Promise<void>;
  close(): Promise<void>;
}

/** An account given to another key, as both keys sign it. */
export interface OwnerRotation {
  readonly account: string;
  readonly newOwner: string;
  /** How often the account was rotated before. */
  readonly rotation: number;
}

/** What follows from the account's code alone, without asking a chain. */
export interface SmartAccounts {
  /** Where the account of this first owner stands on every chain, deployed or not; lower case. */
  address(firstOwner: string): string;
  /** EIP-712 digest of `RotateOwner`, as 0x hex of 32 bytes. */
  rotationDigest(rotation: OwnerRotation & { readonly chainId: number }): string;
}

/** What stands at an account's address as of `at`; `account` is null where nothing stands there. */
export interface AccountReading {
  readonly at: BlockRef;
  readonly account: { readonly owner: string; readonly rotations: number } | null;
}

/** Smart accounts on one chain. Whatever goes wrong is a `Fault`, which means unknown, as with the rest of a chain. */
export interface AccountChain {
  /**
   * @throws Fault `foreign_code` when what stands there is not our account; `p256_missing` where the chain has nothing
   * that verifies its owner's signatures: what such an account holds cannot be moved.
   */
  read(address: string, tag: BlockTag): Promise<AccountReading>;
  /** Deploys the account of a first owner, paid by the gas account; anyone may, and it can be done once. */
  deploy(firstOwner: string): Promise<string>;
  /** Relays a rotation that both keys signed. */
  rotate(
    rotation: Omit<OwnerRotation, 'rotation'> & {
      readonly signature: string;
      readonly acceptance: string;
    },
  ): Promise<string>;
}
