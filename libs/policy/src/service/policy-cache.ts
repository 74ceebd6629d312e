import { InvariantViolation, sha256Hex } from '@countersign/kernel';
import type { PolicyVersion } from '@countersign/payment';
import { type CompiledPolicy, compilePolicy } from '../index.ts';
import { parsePolicyText } from '../text.ts';

/** Most compiled policies kept; beyond it the oldest is compiled again when asked for. */
const KEPT_MAX = 100;

/** Policies compiled once each, by hash. */
export class PolicyCache {
  readonly #compiled = new Map<string, CompiledPolicy>();

  /**
   * @returns null for no policy, which denies everything.
   * @throws InvariantViolation when text and hash differ: what is in force must be what was put.
   */
  compiled(policy: PolicyVersion | null): CompiledPolicy | null {
    if (!policy) return null;
    const known = this.#compiled.get(policy.hash);
    if (known) return known;
    if (sha256Hex(policy.text) !== policy.hash)
      throw new InvariantViolation('the policy in force is not the text that was put');
    const { document, hash } = parsePolicyText(policy.text);
    const compiled = compilePolicy(document, { version: policy.version, hash });
    if (this.#compiled.size >= KEPT_MAX)
      this.#compiled.delete(this.#compiled.keys().next().value ?? '');
    this.#compiled.set(hash, compiled);
    return compiled;
  }
}
