import { readFile } from 'node:fs/promises';
import { SERVICES } from '@countersign/contracts';
import { UsageError } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../text.ts';

const POLICIES = new URL('../../../../deploy/vault/', import.meta.url);

interface VaultSetupOptions {
  readonly apply?: true;
  readonly vaultTokenFile?: string;
  readonly vaultNamespace?: string;
  readonly logins?: string;
}

/**
 * Mounts, statement keys, policies and AppRoles, from `deploy/vault`. Where they are, the public keys are printed as the
 * setting that every service is given: whose statements are believed is decided by whoever deploys, and by nobody else.
 */
export async function setUpVault(
  address: string,
  { apply, vaultTokenFile: tokenFile, vaultNamespace: namespace, logins }: VaultSetupOptions,
  terminal: Terminal,
): Promise<void> {
  if (tokenFile === undefined) throw new UsageError('--vault needs --vault-token-file');
  const { Vault, applyVault, planVault, vaultStatementKeyVersions, writeLogins } =
    await import('@countersign/adapter-vault');
  const read = async () => (await readFile(tokenFile, 'utf8')).trim();
  const vault = new Vault({
    address,
    auth: { kind: 'token', read },
    ...(namespace !== undefined && { namespace }),
  });
  const roles = await Promise.all(
    SERVICES.map(async (service) => {
      const policy = await readFile(new URL(`${service}.hcl`, POLICIES), 'utf8');
      return { service, signs: true, policy };
    }),
  );
  try {
    const steps = await (apply ? applyVault : planVault)(vault, { roles });
    for (const { what } of steps) terminal.out(`vault   ${visible(what)}`);
    if (steps.length === 0) terminal.out('Vault is as it should be.');
    if (!apply && steps.length > 0) return;
    if (apply && logins !== undefined) await writeLogins(vault, SERVICES, logins);
    const pins = await Promise.all(
      SERVICES.map(async (service) =>
        (await vaultStatementKeyVersions(vault, service)).map((key) => `${service}=${key}`),
      ),
    );
    if (pins.some((versions) => versions.length > 1))
      terminal.out(
        'Some keys have several versions: keep the ends (@…) that the older ones were given.',
      );
    terminal.out(`COUNTERSIGN_TRUSTED_KEYS=${pins.flat().join(',')}`);
  } finally {
    vault.close();
  }
}
