import { Fault } from '@countersign/kernel';

/** Mounts of ours, one for each kind of key, so that a policy's path can name exactly what a role may do. */
export const STATEMENTS = 'countersign-statements';
export const WALLETS = 'countersign-wallets';
export const OWNERS = 'countersign-owners';
export const RECORDS = 'countersign';
/** Wraps the secp256k1 keys of wallets, each under a key derived for it. */
export const WRAPPING_KEY = 'wallets';

/** The shape of wallet key names elsewhere: one or two names with a dot between. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}(?:\.[a-z0-9][a-z0-9_-]{0,63})?$/;

/** @throws Fault `invalid_name`, not retryable: what is no name must not become a part of a path. */
function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw new Fault('invalid_name', `not a name of a wallet or service: ${JSON.stringify(name)}`, {
    retryable: false,
  });
}

export const statementKeyPath = (service: string) => `${STATEMENTS}/keys/${checked(service)}`;
export const statementSignPath = (service: string) => `${STATEMENTS}/sign/${checked(service)}`;
export const ownerKeyPath = (wallet: string) => `${OWNERS}/keys/${checked(wallet)}`;
export const ownerSignPath = (wallet: string) => `${OWNERS}/sign/${checked(wallet)}/sha2-256`;
export const ownerPath = (wallet: string) => `${RECORDS}/data/owners/${checked(wallet)}`;
export const walletPath = (wallet: string) => `${RECORDS}/data/wallets/${checked(wallet)}`;
/** Where versions of a record are destroyed that {@link walletPath} still holds. */
export const walletDestroyPath = (wallet: string) =>
  `${RECORDS}/destroy/wallets/${checked(wallet)}`;
export const DATA_KEY_PATH = `${WALLETS}/datakey/plaintext/${WRAPPING_KEY}`;
export const DECRYPT_PATH = `${WALLETS}/decrypt/${WRAPPING_KEY}`;

/** What binds a wrapped key to its wallet: transit derives the wrapping key from it. */
export function walletContext(wallet: string): string {
  return Buffer.from(`countersign/wallet/${checked(wallet)}`).toString('base64');
}
