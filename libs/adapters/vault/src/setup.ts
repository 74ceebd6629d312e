import { z } from 'zod';
import { OWNERS, RECORDS, STATEMENTS, WALLETS, WRAPPING_KEY, statementKeyPath } from './places.ts';
import type { Vault } from './vault.ts';

/** What one service is to Vault: a policy of this name, and an AppRole that has it. */
export interface VaultRole {
  readonly service: string;
  /** HCL, from `deploy/vault`. */
  readonly policy: string;
  /** Whether it signs statements with a key of its own. */
  readonly signs: boolean;
}

export interface VaultWanted {
  readonly roles: readonly VaultRole[];
}

/** One thing to do, in words, and the request that does it. */
export interface VaultStep {
  readonly what: string;
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: object;
}

const Mounts = z.object({ data: z.record(z.string(), z.object({ type: z.string() })) });
const Policy = z.object({ data: z.object({ policy: z.string() }) });
const AppRole = z.object({ data: z.object({ token_policies: z.array(z.string()) }) });

const ROLE = {
  token_ttl: '20m',
  token_max_ttl: '24h',
  token_type: 'service',
  secret_id_num_uses: 0,
} as const;

export const roleName = (service: string) => `countersign-${service}`;

/**
 * What would have to change in Vault, in order; empty when everything is as it should be. Changes nothing. Nothing is
 * ever taken away or replaced but the text of a policy.
 */
export async function planVault(vault: Vault, wanted: VaultWanted): Promise<readonly VaultStep[]> {
  const steps: VaultStep[] = [...(await mountSteps(vault)), ...(await keySteps(vault, wanted))];
  for (const role of wanted.roles) steps.push(...(await roleSteps(vault, role)));
  return steps;
}

/** Does what {@link planVault} says. May be repeated; needs an identity that may do it. */
export async function applyVault(vault: Vault, wanted: VaultWanted): Promise<readonly VaultStep[]> {
  const steps = await planVault(vault, wanted);
  for (const { method, path, body } of steps) await vault.json(z.unknown(), method, path, body);
  return steps;
}

async function mountSteps(vault: Vault): Promise<VaultStep[]> {
  const mounts = (await vault.json(Mounts, 'GET', 'sys/mounts'))?.data ?? {};
  const logins = (await vault.json(Mounts, 'GET', 'sys/auth'))?.data ?? {};
  const engines = [
    ...[STATEMENTS, WALLETS, OWNERS].map((path) => ({ path, type: 'transit' })),
    { path: RECORDS, type: 'kv', options: { version: '2' } },
  ];
  const missing = engines
    .filter(({ path }) => !mounts[`${path}/`])
    .map(({ path, ...body }) => ({
      what: `mount the ${body.type} engine at ${path}/`,
      method: 'POST' as const,
      path: `sys/mounts/${path}`,
      body,
    }));
  if (logins['approle/']) return missing;
  const what = 'let services log in by AppRole';
  return [
    ...missing,
    { what, method: 'POST', path: 'sys/auth/approle', body: { type: 'approle' } },
  ];
}

async function keySteps(vault: Vault, { roles }: VaultWanted): Promise<VaultStep[]> {
  const keys = [
    {
      what: 'make the key that wraps the keys of wallets',
      path: `${WALLETS}/keys/${WRAPPING_KEY}`,
      body: { type: 'aes256-gcm96', derived: true },
    },
    ...roles
      .filter(({ signs }) => signs)
      .map(({ service }) => ({
        what: `make the statement key of ${service}`,
        path: statementKeyPath(service),
        body: { type: 'ed25519' },
      })),
  ];
  const steps: VaultStep[] = [];
  for (const key of keys)
    if (!(await exists(vault, key.path))) steps.push({ ...key, method: 'POST' });
  return steps;
}

async function roleSteps(vault: Vault, { service, policy }: VaultRole): Promise<VaultStep[]> {
  const name = roleName(service);
  const steps: VaultStep[] = [];
  const policyPath = `sys/policies/acl/${name}`;
  const now = await vault.json(Policy, 'GET', policyPath);
  if (now?.data.policy !== policy)
    steps.push({
      what: `${now ? 'change' : 'write'} the policy ${name}`,
      method: 'PUT',
      path: policyPath,
      body: { policy },
    });
  const rolePath = `auth/approle/role/${name}`;
  const role = (await exists(vault, 'sys/auth/approle/tune'))
    ? await vault.json(AppRole, 'GET', rolePath)
    : undefined;
  if (role?.data.token_policies.join() !== name)
    steps.push({
      what: `let ${service} log in as ${name}`,
      method: 'POST',
      path: rolePath,
      body: { ...ROLE, token_policies: [name] },
    });
  return steps;
}

/** Where an engine is not mounted yet, nothing of it exists: Vault answers with another 4xx than 404 there. */
async function exists(vault: Vault, path: string): Promise<boolean> {
  return (await vault.request('GET', path)).status === 200;
}
