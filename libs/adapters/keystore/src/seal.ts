import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { type Canonical, canonicalText } from '@countersign/kernel';

const BLOCK_SIZE = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The key of a whole folder; slow on purpose: 0.4 s and 128 MiB at a cost of 2^17. */
export function deriveKey(passphrase: string, salt: string, costLog2: number): Promise<Buffer> {
  const [N, r] = [2 ** costLog2, BLOCK_SIZE];
  const options = { N, r, p: 1, maxmem: 2 * 128 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.from(salt, 'base64'), 32, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** AES-256-GCM over `secret`, bound to `label`, as base64 of nonce, body and tag. */
export function seal(key: Buffer, secret: Uint8Array, label: Canonical): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundText(label));
  const body = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64');
}

/**
 * Undoes {@link seal}. The caller wipes what it gets.
 *
 * @throws Error for another key, another label, or a changed byte.
 */
export function unseal(key: Buffer, sealed: string, label: Canonical): Buffer {
  const bytes = Buffer.from(sealed, 'base64');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundText(label)).setAuthTag(bytes.subarray(-TAG_BYTES));
  const secret = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch (error) {
    secret.fill(0);
    throw error;
  }
  return secret;
}

function boundText(label: Canonical): Buffer {
  return Buffer.from(`countersign/keystore/1\n${canonicalText(label)}`);
}
