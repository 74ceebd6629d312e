import type { OwnerKeys, StatementKey, WalletKeys } from '@countersign/ports';
import { LocalOwnerKeys } from './owner-keys.ts';
import { openSealedFolder } from './sealed-folder.ts';
import { loadStatementKey } from './statement-key.ts';
import { LocalWalletKeys } from './wallet-keys.ts';

export interface KeystoreOptions {
  /** One file per key, mode 0600. Made, mode 0700, when it is not there. */
  readonly folder: string;
  /** Text of which a last line break is no part. Made with a random passphrase when folder and file are new. */
  readonly passphraseFile: string;
  /** Base-two logarithm of scrypt's cost for a new folder, 14 to 20; 17 when left out. */
  readonly scryptLog2?: number;
}

export interface Keystore {
  readonly wallets: WalletKeys;
  readonly owners: OwnerKeys;
  /**
   * The ed25519 key of a service, made on first use and the same ever after.
   *
   * @throws Fault as {@link openKeystore}, and `invalid_name` or `key_damaged`.
   */
  statementKey(service: string): Promise<StatementKey>;
}

/**
 * Keys in encrypted files on this machine, for development: whoever reads folder and passphrase has the keys. Any
 * number of processes may have one folder open; what one revokes, all refuse.
 *
 * @throws Fault `wrong_passphrase`, `passphrase_missing` or `keystore_damaged`, not retryable; `keys_unavailable`,
 * retryable.
 */
export async function openKeystore(options: KeystoreOptions): Promise<Keystore> {
  const folder = await openSealedFolder(options);
  const loaded = new Map<string, Promise<StatementKey>>();
  return {
    wallets: new LocalWalletKeys(folder),
    owners: new LocalOwnerKeys(folder),
    statementKey(service) {
      const known = loaded.get(service);
      if (known) return known;
      const key = loadStatementKey(folder, service);
      loaded.set(service, key);
      key.catch(() => loaded.delete(service));
      return key;
    },
  };
}
