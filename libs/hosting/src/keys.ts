import { Vault, vaultStatementKey } from '@countersign/adapter-vault';
import { Fault } from '@countersign/kernel';
import type { StatementKey } from '@countersign/ports';
import type { TrustedKeys } from '@countersign/service-kit';
import { tracedCalls } from '@countersign/service-kit/tracing';
import type { ServiceSettings, VaultSettings } from './config.ts';

/** The pinned keys by the id that records name them with. */
export function trustedKeys(settings: ServiceSettings): TrustedKeys {
  return new Map(
    settings.COUNTERSIGN_TRUSTED_KEYS.map(({ service, publicKey }) => [
      `${service}-${publicKey.slice(0, 12)}`,
      { service, publicKey },
    ]),
  );
}

export function openVault(settings: VaultSettings): Vault {
  const namespace = settings.COUNTERSIGN_VAULT_NAMESPACE;
  return new Vault({
    address: settings.COUNTERSIGN_VAULT_ADDRESS,
    auth: {
      kind: 'approle',
      roleId: settings.COUNTERSIGN_VAULT_ROLE_ID,
      secretIdFile: settings.COUNTERSIGN_VAULT_SECRET_ID_FILE,
    },
    ...(namespace !== undefined && { namespace }),
  });
}

/**
 * The service's own key.
 *
 * @throws Fault `key_not_pinned`, not retryable, when the others would not believe what it signs.
 */
export async function ownKey(
  vault: Vault,
  service: string,
  trusted: TrustedKeys,
): Promise<StatementKey> {
  const key = await vaultStatementKey(vault, service);
  if (trusted.get(key.keyId)?.publicKey === key.publicKey) return tracedCalls('vault', key);
  const message = `COUNTERSIGN_TRUSTED_KEYS lacks ${service}=${key.publicKey}: run "countersign setup"`;
  throw new Fault('key_not_pinned', message, { retryable: false });
}
