import { Fault, invariant } from '@countersign/kernel';
import type { StatementKey } from '@countersign/ports';
import { z } from 'zod';
import { statementKeyPath, statementSignPath } from './places.ts';
import type { Vault } from './vault.ts';

const TransitKey = z.object({
  data: z.object({
    type: z.literal('ed25519'),
    latest_version: z.number(),
    keys: z.record(z.string(), z.object({ public_key: z.string() })),
  }),
});
const Signature = z.object({
  data: z.object({ signature: z.string().regex(/^vault:v\d+:[\w+/=]+$/) }),
});

/**
 * The service's ed25519 key, which never leaves Vault. Its newest version at start is used until the process ends, since
 * others pin the public key.
 *
 * @throws Fault `key_missing`, not retryable, when set-up has not made it.
 */
export async function vaultStatementKey(vault: Vault, service: string): Promise<StatementKey> {
  const key = await vault.json(TransitKey, 'GET', statementKeyPath(service));
  if (!key) throw missing(service);
  const { latest_version: version, keys } = key.data;
  const encoded = keys[String(version)]?.public_key;
  invariant(encoded !== undefined, 'a transit key has no newest version');
  const publicKey = base64Url(encoded);
  return {
    capabilities: { inProcess: false },
    keyId: `${service}-${publicKey.slice(0, 12)}`,
    publicKey,
    sign: async (text) => {
      const input = Buffer.from(text).toString('base64');
      const asked = { input, key_version: version };
      const answer = await vault.json(Signature, 'POST', statementSignPath(service), asked);
      if (!answer) throw missing(service);
      const signature = answer.data.signature.split(':')[2] ?? '';
      return Buffer.from(signature, 'base64').toString('base64url');
    },
  };
}

/**
 * Public keys of every version of the service's key that transit holds, as base64url, the newest last: statements by the
 * older ones stand in the log, and are to be believed when they are folded again.
 *
 * @throws Fault `key_missing`, not retryable, when set-up has not made it.
 */
export async function vaultStatementKeyVersions(
  vault: Vault,
  service: string,
): Promise<readonly string[]> {
  const key = await vault.json(TransitKey, 'GET', statementKeyPath(service));
  if (!key) throw missing(service);
  const versions = Object.entries(key.data.keys).sort(([a], [b]) => Number(a) - Number(b));
  return versions.map(([, { public_key: encoded }]) => base64Url(encoded));
}

function base64Url(encoded: string): string {
  return Buffer.from(encoded, 'base64').toString('base64url');
}

function missing(service: string): Fault {
  const text = `Vault has no statement key of "${service}": run set-up`;
  return new Fault('key_missing', text, { retryable: false });
}
