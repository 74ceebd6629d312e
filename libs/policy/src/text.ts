import { PolicyDocument } from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import { parse } from 'yaml';
import type { z } from 'zod';

/** A policy read from the exact text its author wrote; the hash is over that text's UTF-8 bytes. */
export interface ParsedPolicy {
  readonly document: PolicyDocument;
  readonly hash: string;
}

/** Every fault of a policy text, each with its path. */
export class PolicyInvalid extends Error {
  override readonly name = 'PolicyInvalid';
  readonly errors: readonly { path: string; message: string }[];

  constructor(errors: readonly { path: string; message: string }[]) {
    super(errors.map((it) => `${it.path}: ${it.message}`).join('; '));
    this.errors = errors;
  }
}

/**
 * Reads YAML 1.2 (of which JSON is a part). Aliases are refused: a policy says what it means in place.
 *
 * @throws PolicyInvalid with all faults.
 */
export function parsePolicyText(text: string): ParsedPolicy {
  let value: unknown;
  try {
    // At `warn` the library writes its author's words beside the log.
    const quiet = { logLevel: 'error', prettyErrors: true } as const;
    value = parse(text, { maxAliasCount: 0, uniqueKeys: true, ...quiet });
  } catch (error) {
    throw new PolicyInvalid([{ path: '(text)', message: (error as Error).message.slice(0, 500) }]);
  }
  const parsed = PolicyDocument.safeParse(value);
  if (!parsed.success) throw new PolicyInvalid(parsed.error.issues.map(faultOf));
  return { document: parsed.data, hash: sha256Hex(text) };
}

function faultOf(issue: z.core.$ZodIssue): { path: string; message: string } {
  return { path: issue.path.join('.') || '(policy)', message: issue.message.slice(0, 300) };
}
