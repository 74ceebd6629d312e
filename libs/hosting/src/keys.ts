import { Vault, type VaultAuth, vaultStatementKey } from '@countersign/adapter-vault';
import { Fault, invariant } from '@countersign/kernel';
import type { StatementKey } from '@countersign/ports';
import { type TrustedKeys, trustedBy } from '@countersign/service-kit';
import { tracedCalls } from '@countersign/service-kit/tracing';
import type { ServiceSettings, VaultSettings } from './config.ts';
import { KUBERNETES_TOKEN_FILE } from './setting-files.ts';

/** The pinned keys by the id that records name them with. */
export function trustedKeys(settings: ServiceSettings): TrustedKeys {
  return trustedBy(settings.COUNTERSIGN_TRUSTED_KEYS);
}

export function openVault(settings: VaultSettings): Vault {
  const namespace = settings.COUNTERSIGN_VAULT_NAMESPACE;
  return new Vault({
    address: settings.COUNTERSIGN_VAULT_ADDRESS,
    auth: authOf(settings),
    ...(namespace !== undefined && { namespace }),
  });
}

function authOf(settings: VaultSettings): VaultAuth {
  const {
    COUNTERSIGN_VAULT_KUBERNETES_ROLE: role,
    COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: jwtFile = KUBERNETES_TOKEN_FILE,
    COUNTERSIGN_VAULT_ROLE_ID: roleId,
    COUNTERSIGN_VAULT_SECRET_ID_FILE: secretIdFile,
  } = settings;
  if (role !== undefined) return { kind: 'kubernetes', role, jwtFile };
  invariant(roleId !== undefined && secretIdFile !== undefined, 'settings without a login');
  return { kind: 'approle', roleId, secretIdFile };
}

/**
 * The service's own key.
 *
 * @throws Fault as {@link expectPinned} does.
 */
export async function ownKey(
  vault: Vault,
  service: string,
  trusted: TrustedKeys,
): Promise<StatementKey> {
  const key = await vaultStatementKey(vault, service);
  expectPinned(service, key, trusted);
  return tracedCalls('vault', key);
}

/** @throws Fault `key_not_pinned` or `key_ended`, not retryable, when the others would not believe what the key signs. */
export function expectPinned(
  service: string,
  { keyId, publicKey }: Pick<StatementKey, 'keyId' | 'publicKey'>,
  trusted: TrustedKeys,
): void {
  const pin = trusted.get(keyId);
  const pinned = `${service}=${publicKey}`;
  if (pin?.publicKey !== publicKey) {
    const message = `COUNTERSIGN_TRUSTED_KEYS lacks ${pinned}: add it everywhere, and take no other key away`;
    throw new Fault('key_not_pinned', message, { retryable: false });
  }
  if (pin.untilMs === undefined) return;
  const message = `COUNTERSIGN_TRUSTED_KEYS ends ${pinned}, the newest in Vault: rotate it there and add the new one`;
  throw new Fault('key_ended', message, { retryable: false });
}
