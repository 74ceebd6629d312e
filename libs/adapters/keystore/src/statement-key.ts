import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign as signWith,
} from 'node:crypto';
import { promisify } from 'node:util';
import { invariant } from '@countersign/kernel';
import type { StatementKey } from '@countersign/ports';
import type { SealedFolder } from './sealed-folder.ts';

/** What stands before the 32 bytes of an ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** On another thread: many payments are decided at once, and a signature costs more than a decision. */
const signElsewhere = promisify<null, Buffer, KeyObject, Buffer>(signWith);

/**
 * The service's key, made when it has none. It stays open in this process, inside OpenSSL: policy signs each decision,
 * and a file read for each would cost more than the signature.
 */
export async function loadStatementKey(
  folder: SealedFolder,
  service: string,
): Promise<StatementKey> {
  const found = await folder.open('statement', service, opened);
  if (found) return statementKey(service, found);
  const seed = randomBytes(32);
  try {
    const identity = publicKeyOf(opened(seed));
    await folder.add(seed, { kind: 'statement', name: service, identity, state: 'active' });
  } finally {
    seed.fill(0);
  }
  // What is in the folder counts: another process may have been first.
  const kept = await folder.open('statement', service, opened);
  invariant(kept, 'a key file vanished right after it was written');
  return statementKey(service, kept);
}

function statementKey(service: string, key: KeyObject): StatementKey {
  const publicKey = publicKeyOf(key);
  return {
    capabilities: { inProcess: true },
    keyId: `${service}-${publicKey.slice(0, 12)}`,
    publicKey,
    sign: async (text) => (await signElsewhere(null, Buffer.from(text), key)).toString('base64url'),
  };
}

function opened(seed: Uint8Array): KeyObject {
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, seed]);
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } finally {
    pkcs8.fill(0);
  }
}

function publicKeyOf(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  invariant(x !== undefined, 'an ed25519 key has no public part');
  return x;
}
