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
const Signatures = z.object({
  data: z.object({
    batch_results: z.array(z.object({ signature: z.string().regex(/^vault:v\d+:[\w+/=]+$/) })),
  }),
});

/** Most statements in one request. */
const BATCH_MAX = 128;
/** Requests under way at a time; what comes meanwhile shares the next one. */
const UNDER_WAY_MAX = 4;

interface Asked {
  readonly text: string;
  readonly answer: PromiseWithResolvers<string>;
}

/**
 * The service's ed25519 key, which never leaves Vault. Its newest version at start is used until the process ends, since
 * others pin the public key.
 *
 * @throws Fault `key_missing`, not retryable, when set-up has not made it.
 */
export async function vaultStatementKey(vault: Vault, service: string): Promise<StatementKey> {
  const key = await vault.json(TransitKey, 'GET', statementKeyPath(service));
  if (!key)
    throw new Fault('key_missing', `Vault has no statement key of "${service}": run set-up`, {
      retryable: false,
    });
  const { latest_version: version, keys } = key.data;
  const encoded = keys[String(version)]?.public_key;
  invariant(encoded !== undefined, 'a transit key has no newest version');
  const publicKey = Buffer.from(encoded, 'base64').toString('base64url');
  const signer = new BatchSigner(vault, statementSignPath(service), version);
  return {
    capabilities: { inProcess: false },
    keyId: `${service}-${publicKey.slice(0, 12)}`,
    publicKey,
    sign: (text) => signer.sign(text),
  };
}

/** One request at once when idle; under load, all that came meanwhile in the next one. */
class BatchSigner {
  readonly #vault: Vault;
  readonly #path: string;
  readonly #version: number;
  #waiting: Asked[] = [];
  #underWay = 0;

  constructor(vault: Vault, path: string, version: number) {
    this.#vault = vault;
    this.#path = path;
    this.#version = version;
  }

  sign(text: string): Promise<string> {
    const answer = Promise.withResolvers<string>();
    this.#waiting.push({ text, answer });
    // What else is asked for in this turn comes along.
    if (this.#waiting.length === 1) queueMicrotask(() => this.#next());
    return answer.promise;
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#underWay < UNDER_WAY_MAX) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      this.#underWay += 1;
      void this.#send(batch).finally(() => {
        this.#underWay -= 1;
        this.#next();
      });
    }
  }

  async #send(batch: readonly Asked[]): Promise<void> {
    try {
      const answer = await this.#vault.json(Signatures, 'POST', this.#path, {
        batch_input: batch.map(({ text }) => ({ input: Buffer.from(text).toString('base64') })),
        key_version: this.#version,
      });
      const results = answer?.data.batch_results ?? [];
      invariant(results.length === batch.length, 'Vault answered another number of signatures');
      for (const [index, { answer: asked }] of batch.entries()) {
        const signature = results[index]?.signature.split(':')[2] ?? '';
        asked.resolve(Buffer.from(signature, 'base64').toString('base64url'));
      }
    } catch (error) {
      for (const { answer: asked } of batch) asked.reject(error);
    }
  }
}
