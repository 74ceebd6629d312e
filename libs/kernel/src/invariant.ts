/** A broken invariant is a bug: it halts the agent it concerns and is never retried or swallowed. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Throws {@link InvariantViolation} unless `claim` holds. */
export function invariant(claim: unknown, message: string): asserts claim {
  if (!claim) throw new InvariantViolation(message);
}

/** Marks a branch the types say cannot be reached; reaching it is a bug. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`unreachable: ${JSON.stringify(value)}`);
}
