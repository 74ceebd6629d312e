import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVICES } from '@countersign/contracts';
import { z } from 'zod';
import { applyVault, roleName } from './setup.ts';
import { Vault } from './vault.ts';

/** A Vault in its development mode, with its root token. */
interface DevelopmentVault {
  readonly url: string;
  readonly token: string;
  readonly folder: string;
}

/** What set-up wants, from the very files that are deployed. */
export const wanted = {
  roles: SERVICES.map((service) => ({
    service,
    signs: true,
    policy: readFileSync(
      new URL(`../../../../deploy/vault/${service}.hcl`, import.meta.url),
      'utf8',
    ),
  })),
};

export function rootOf({ url, token }: DevelopmentVault): Vault {
  return new Vault({ address: url, auth: { kind: 'token', read: async () => token } });
}

const RoleId = z.object({ data: z.object({ role_id: z.string() }) });
const SecretId = z.object({ data: z.object({ secret_id: z.string() }) });

/** Logs in as a service would: by its AppRole, with the secret in a file of its own. */
export async function loginAs(
  server: DevelopmentVault,
  service: string,
  monotonicMs?: () => number,
): Promise<Vault> {
  const root = rootOf(server);
  const role = `auth/approle/role/${roleName(service)}`;
  const id = await root.json(RoleId, 'GET', `${role}/role-id`);
  const secret = await root.json(SecretId, 'POST', `${role}/secret-id`, {});
  if (!id || !secret) throw new Error(`no role of ${service}`);
  const secretIdFile = join(server.folder, `${service}-${crypto.randomUUID()}.secret`);
  await writeFile(secretIdFile, secret.data.secret_id, { mode: 0o600 });
  const auth = { kind: 'approle', roleId: id.data.role_id, secretIdFile } as const;
  return new Vault({ address: server.url, auth, ...(monotonicMs && { monotonicMs }) });
}

export async function setUp(server: DevelopmentVault): Promise<void> {
  await applyVault(rootOf(server), wanted);
}
