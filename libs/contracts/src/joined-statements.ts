import { type Digest, digestOfText, sha256Hex } from '@countersign/kernel';
import type { SignedName } from './events/names.ts';

/** Most statements under one signature: each then carries at most four digests. */
export const JOINED_MAX = 16;

/**
 * What is signed with others: what every payment needs. Each counts once for its payment, whatever its id. Orders and
 * registrations are signed alone, because their id tells whether the same one was given before, and it covers the path.
 */
const JOINED: ReadonlySet<string> = new Set([
  'approval.granted',
  'approval.opened',
  'authorization.fixed',
  'authorization.void',
  'decision.made',
  'delivery.reported',
  'settlement.final',
  'settlement.observed',
  'signing.completed',
] satisfies SignedName[]);

/** Whether statements of this name may be signed together with others. */
export function isJoined(name: string): boolean {
  return JOINED.has(name);
}

/** Several statements made one, to be signed together. */
export interface Joined {
  /** What is signed for all of them. */
  readonly text: string;
  /** For each statement what leads from it to `text`: see {@link joinedText}. */
  readonly paths: readonly (readonly Digest[])[];
}

/**
 * Joins two statements or more in a Merkle tree. The digest of a pair does not depend on its order: what is proven is
 * that a statement is among those that were signed, and no place among them means anything.
 *
 * @param texts see `statementText`.
 */
export function joinStatements(texts: readonly string[]): Joined {
  const paths = texts.map((): Digest[] => []);
  let level = paths.map((path, index) => ({
    digest: sha256Hex(texts[index] ?? ''),
    below: [path],
  }));
  while (level.length > 1) {
    const above: typeof level = [];
    for (let at = 0; at < level.length; at += 2) {
      const [one, other] = [level[at], level[at + 1]];
      if (one && other) {
        for (const path of one.below) path.push(other.digest);
        for (const path of other.below) path.push(one.digest);
        const below = [...one.below, ...other.below];
        above.push({ digest: digestOfPair(one.digest, other.digest), below });
      } else if (one) above.push(one);
    }
    level = above;
  }
  return { text: textOfRoot(level[0]?.digest ?? ''), paths };
}

/** What was signed for a statement together with others: leads from its text along its path to the root. */
export function joinedText(text: string, path: readonly Digest[]): string {
  return textOfRoot(path.reduce(digestOfPair, sha256Hex(text)));
}

/** The tags differ from that of a statement, so that no pair or root can be passed off for one. */
function digestOfPair(one: Digest, other: Digest): Digest {
  return digestOfText('countersign/pair/1', one < other ? one + other : other + one);
}

function textOfRoot(root: Digest): string {
  return `countersign/statements/1\n${root}`;
}
