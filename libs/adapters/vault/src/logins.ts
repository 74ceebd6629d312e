import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@countersign/kernel';
import { z } from 'zod';
import { roleName } from './setup.ts';
import type { Vault } from './vault.ts';

const RoleId = z.object({ data: z.object({ role_id: z.string() }) });
const SecretId = z.object({ data: z.object({ secret_id: z.string() }) });
const Known = z.object({ data: z.object({}) });

/**
 * Writes `<service>.role-id` and `<service>.secret-id` into the folder, readable by its owner only. A secret that is
 * there already is left alone while Vault takes it, so that repeating this changes nothing.
 *
 * @throws Fault `role_missing`, not retryable, for a service that set-up has not made a role for.
 */
export async function writeLogins(
  vault: Vault,
  services: readonly string[],
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const service of services) {
    const role = `auth/approle/role/${roleName(service)}`;
    const id = await vault.json(RoleId, 'GET', `${role}/role-id`);
    if (!id) throw missing(service);
    await writeFile(join(folder, `${service}.role-id`), id.data.role_id, { mode: 0o600 });
    const secretFile = join(folder, `${service}.secret-id`);
    if (await isTaken(vault, role, secretFile)) continue;
    const secret = await vault.json(SecretId, 'POST', `${role}/secret-id`, {});
    if (!secret) throw missing(service);
    await writeFile(secretFile, secret.data.secret_id, { mode: 0o600 });
  }
}

/** Whether there is a secret that Vault knows: one that lost its storage, or another one, knows none of before. */
async function isTaken(vault: Vault, role: string, secretFile: string): Promise<boolean> {
  if (!existsSync(secretFile)) return false;
  const secret_id = (await readFile(secretFile, 'utf8')).trim();
  return (await vault.json(Known, 'POST', `${role}/secret-id/lookup`, { secret_id })) !== undefined;
}

function missing(service: string): Fault {
  return new Fault('role_missing', `Vault has no role of ${service}`, { retryable: false });
}
