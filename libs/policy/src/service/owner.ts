import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Role } from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import { tenantOf } from '@countersign/payment';
import { type LaneHost, Refused } from '@countersign/service-kit';
import { type Registry, newCredential } from './registry.ts';

/** The first person of a tenant, who may do everything. */
const OWNER = 'owner';

/**
 * Adds the first person, unless there is one. The credential is what `file` holds; without such a file one is made, for
 * whoever operates this machine. Of replicas that begin side by side one is heard; the others keep no credential that
 * nobody has.
 */
export async function ensureOwner(
  { host, registry }: { readonly host: LaneHost; readonly registry: Registry },
  tenant: string,
  file: string,
): Promise<void> {
  if (tenantOf(host.control, tenant).people.has(OWNER)) return;
  // Written before the record: a crash in between leaves a credential that is used the next time.
  const isMadeHere = !existsSync(file);
  if (isMadeHere) writeFileSync(file, `${newCredential('person')}\n`, { mode: 0o600, flag: 'wx' });
  const credential = readFileSync(file, 'utf8').trim();
  try {
    await registry.addPerson({ tenant, person: OWNER }, OWNER, Role.options, credential);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // Another replica was first: with this file, if they share it, or with one of its own.
    if (isMadeHere && !host.control.credentials.has(sha256Hex(credential))) rmSync(file);
  }
}
