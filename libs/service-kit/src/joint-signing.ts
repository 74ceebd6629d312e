import { JOINED_MAX, type StatementSignature, joinStatements } from '@countersign/contracts';
import type { StatementKey } from '@countersign/ports';

/** Joint signatures of one key under way at a time; what is asked for meanwhile shares the next one. */
const UNDER_WAY_MAX = 2;

interface Asked {
  readonly text: string;
  readonly answer: PromiseWithResolvers<StatementSignature>;
}

/**
 * Signs with one key: a statement by itself when little is asked for, and several under one signature when much is. The
 * signature, or the request to Vault that makes it, costs more than all else that is done for a statement.
 */
class JointSigner {
  readonly #key: StatementKey;
  #waiting: Asked[] = [];
  #underWay = 0;

  constructor(key: StatementKey) {
    this.#key = key;
  }

  sign(text: string): Promise<StatementSignature> {
    const answer = Promise.withResolvers<StatementSignature>();
    this.#waiting.push({ text, answer });
    // What else is asked for in this turn comes along.
    if (this.#waiting.length === 1) queueMicrotask(() => this.#next());
    return answer.promise;
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#underWay < UNDER_WAY_MAX) {
      this.#underWay += 1;
      void this.#signAll(this.#waiting.splice(0, JOINED_MAX)).finally(() => {
        this.#underWay -= 1;
        this.#next();
      });
    }
  }

  /** Never rejects: whoever asked is told. */
  async #signAll(asked: readonly Asked[]): Promise<void> {
    const { keyId } = this.#key;
    try {
      const [only, ...others] = asked;
      if (only && others.length === 0) {
        only.answer.resolve({ keyId, value: await this.#key.sign(only.text) });
        return;
      }
      const { text, paths } = joinStatements(asked.map((it) => it.text));
      const value = await this.#key.sign(text);
      for (const [index, { answer }] of asked.entries())
        answer.resolve({ keyId, value, path: [...(paths[index] ?? [])] });
    } catch (error) {
      for (const { answer } of asked) answer.reject(error);
    }
  }
}

const signers = new WeakMap<StatementKey, JointSigner>();

/**
 * @param text see `statementText`.
 * @throws Fault what the key's `sign` throws, for each statement that was to share the signature.
 */
export function signJointly(key: StatementKey, text: string): Promise<StatementSignature> {
  const signer = signers.get(key) ?? new JointSigner(key);
  signers.set(key, signer);
  return signer.sign(text);
}
