import { readFile } from 'node:fs/promises';
import { Fault } from '@countersign/kernel';

/** How a service proves to Vault who it is. Files are read at each login, so that a rotated one counts. */
export type VaultAuth =
  | {
      readonly kind: 'approle';
      /** `approle` when left out. */
      readonly mount?: string;
      readonly roleId: string;
      readonly secretIdFile: string;
    }
  | {
      readonly kind: 'kubernetes';
      /** `kubernetes` when left out. */
      readonly mount?: string;
      readonly role: string;
      /** The pod's service account token. */
      readonly jwtFile: string;
    }
  /** For set-up and tests; never renewed. */
  | { readonly kind: 'token'; readonly read: () => Promise<string> };

export async function loginRequest(
  auth: Exclude<VaultAuth, { kind: 'token' }>,
): Promise<{ path: string; body: object }> {
  if (auth.kind === 'approle') {
    const secretId = await fileText(auth.secretIdFile);
    const path = `auth/${auth.mount ?? 'approle'}/login`;
    return { path, body: { role_id: auth.roleId, secret_id: secretId } };
  }
  const jwt = await fileText(auth.jwtFile);
  return { path: `auth/${auth.mount ?? 'kubernetes'}/login`, body: { role: auth.role, jwt } };
}

async function fileText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new Fault('keys_unavailable', `cannot read ${path}`, { retryable: true, cause });
  }
}
