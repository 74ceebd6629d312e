export type { VaultAuth } from './auth.ts';
export { writeLogins } from './logins.ts';
export { VaultOwnerKeys } from './owner-keys.ts';
export {
  type VaultRole,
  type VaultStep,
  type VaultWanted,
  applyVault,
  planVault,
  roleName,
} from './setup.ts';
export { vaultStatementKey, vaultStatementKeyVersions } from './statement-key.ts';
export { Vault, type VaultOptions } from './vault.ts';
export { VaultWalletKeys } from './wallet-keys.ts';
