import { Fault } from '@countersign/kernel';

/** An agent on one of whose records the fold threw, and what it threw. */
export interface SetAside {
  readonly tenant: string;
  readonly agent: string;
  readonly error: Error;
}

/**
 * Whether what the fold threw is a bug of ours, which every process meets in the same place. A fault of what one of them
 * reads from is none: it would set aside an agent whom the others go on with.
 */
export function isBug(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof Fault);
}
