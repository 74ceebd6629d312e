import { type KeyObject, createPublicKey, verify } from 'node:crypto';

const publicKeys = new Map<string, KeyObject>();

/** @param x 32 bytes in base64url. */
export function publicKeyOf(x: string): KeyObject {
  let key = publicKeys.get(x);
  if (!key) {
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    publicKeys.set(x, key);
  }
  return key;
}

/** Whether whoever has the key signed the UTF-8 bytes of `text`. */
export function isSignedBy(x: string, text: string, signature: Uint8Array): boolean {
  return verify(null, Buffer.from(text), publicKeyOf(x), signature);
}
