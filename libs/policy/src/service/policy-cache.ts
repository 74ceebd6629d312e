import type { PolicyDocument } from '@countersign/contracts';
import { InvariantViolation, sha256Hex } from '@countersign/kernel';
import type { PolicyVersion } from '@countersign/payment';
import { type CompiledPolicy, compilePolicy } from '../index.ts';
import { parsePolicyText } from '../text.ts';

/** Most compiled policies kept; beyond it the oldest is compiled again when asked for. */
const KEPT_MAX = 100;

/** A policy in force: as its author wrote it, and as it decides. */
export interface KnownPolicy {
  readonly document: PolicyDocument;
  readonly compiled: CompiledPolicy;
}

/** Policies parsed and compiled once each. The same text may be put twice: it is then two versions. */
export class PolicyCache {
  readonly #known = new Map<string, KnownPolicy>();

  /**
   * @returns null for no policy, which denies everything.
   * @throws InvariantViolation when text and hash differ: what is in force must be what was put.
   */
  policy(put: PolicyVersion | null): KnownPolicy | null {
    if (!put) return null;
    const key = `${put.version}/${put.hash}`;
    const known = this.#known.get(key);
    if (known) return known;
    if (sha256Hex(put.text) !== put.hash)
      throw new InvariantViolation('the policy in force is not the text that was put');
    const { document, hash } = parsePolicyText(put.text);
    const made = { document, compiled: compilePolicy(document, { version: put.version, hash }) };
    if (this.#known.size >= KEPT_MAX) this.#known.delete(this.#known.keys().next().value ?? '');
    this.#known.set(key, made);
    return made;
  }
}
