import { createPublicKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatementKey } from '../signer.ts';

/** A store of statement keys, made for one test, in which the services `policy` and `approval` have theirs. */
export interface StatementKeysUnderTest {
  open(service: 'policy' | 'approval'): Promise<StatementKey>;
  dispose(): Promise<void>;
}

const TEXT = 'décision: allow\u0000';

/** What every store of statement keys owes its caller. */
export function describeStatementKeys(
  name: string,
  make: () => Promise<StatementKeysUnderTest>,
): void {
  describe(`statement keys: ${name}`, () => {
    let world: StatementKeysUnderTest;
    beforeEach(async () => {
      world = await make();
    });
    afterEach(() => world.dispose());

    it('are one key for each service, the same at every opening', async () => {
      const keys = await Promise.all([world.open('policy'), world.open('policy')]);
      expect(new Set(keys.map((key) => key.publicKey)).size).toBe(1);
      expect(keys[0]?.publicKey).toMatch(/^[\w-]{43}$/);
      expect(keys[0]?.keyId).toBe(`policy-${keys[0]?.publicKey.slice(0, 12)}`);
      expect((await world.open('approval')).publicKey).not.toBe(keys[0]?.publicKey);
    });

    it('sign a text so that anyone with the public key can check it', async () => {
      const key = await world.open('policy');
      const signature = await key.sign(TEXT);
      expect(signature).toMatch(/^[\w-]{86}$/);
      expect(isBy(key, TEXT, signature)).toBe(true);
      expect(isBy(key, `${TEXT}.`, signature)).toBe(false);
      expect(isBy(await world.open('approval'), TEXT, signature)).toBe(false);
    });

    it('sign each of many texts at once', async () => {
      const key = await world.open('policy');
      const texts = Array.from({ length: 300 }, (_, index) => `statement ${index}`);
      const signatures = await Promise.all(texts.map((text) => key.sign(text)));
      expect(signatures.every((it, index) => isBy(key, texts[index] ?? '', it))).toBe(true);
    });
  });
}

function isBy(key: StatementKey, text: string, signature: string): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.publicKey };
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  return verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'));
}
