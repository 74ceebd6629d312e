import { type Digest, invariant, sha256Hex } from '@countersign/kernel';
import { leafDigest } from '@countersign/payment';

/** Hash of the tree without leaves (RFC 6962, section 2.1). */
const EMPTY_ROOT: Digest = sha256Hex('');

/**
 * An RFC 6962 Merkle tree as far as appending needs it: the roots of its full subtrees, largest first, one for each bit
 * set in `size`.
 */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Digest[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

/** Hash of a record as a leaf: what {@link leafDigest} covers, under RFC 6962's prefix for leaves. */
export function leafHash(record: Parameters<typeof leafDigest>[0]): Digest {
  return sha256Hex(prefixed(0x00, leafDigest(record)));
}

export function appendLeaves(frontier: Frontier, leaves: readonly Digest[]): Frontier {
  const hashes = [...frontier.hashes];
  let { size } = frontier;
  for (const leaf of leaves) {
    hashes.push(leaf);
    size += 1;
    // Each trailing zero of the new size joins two full subtrees of the same height.
    for (let rest = size; rest % 2 === 0; rest /= 2) joinLast(hashes);
  }
  return { size, hashes };
}

export function rootOf({ hashes }: Frontier): Digest {
  if (hashes.length === 0) return EMPTY_ROOT;
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** Root over the leaves `from` ≤ index < `to`, where whoever is asked has it. */
export type KnownRoot = (from: number, to: number) => Digest | undefined;

/**
 * Root over the leaves `from` ≤ index < `to` (RFC 6962, section 2.1), put together from the largest parts that are known.
 *
 * @throws InvariantViolation where a leaf is not known.
 */
export function rootOver(from: number, to: number, known: KnownRoot): Digest {
  const whole = known(from, to);
  if (whole !== undefined) return whole;
  invariant(to - from > 1, `leaf ${from} is not known`);
  const middle = from + halfOf(to - from);
  return nodeHash(rootOver(from, middle, known), rootOver(middle, to, known));
}

/** What leads from a leaf to the root of a tree of `size` leaves, from below (RFC 6962, section 2.1.1). */
export function auditPath(leaf: number, size: number, known: KnownRoot): readonly Digest[] {
  return turnsTo(leaf, size).map(({ siblings: [from, to] }) => rootOver(from, to, known));
}

/** The root that a path leads to; undefined where a leaf of such a tree has no path of this length. */
export function rootAbove(
  hash: Digest,
  at: { readonly leaf: number; readonly size: number },
  path: readonly Digest[],
): Digest | undefined {
  if (at.leaf >= at.size) return undefined;
  const turns = turnsTo(at.leaf, at.size);
  if (turns.length !== path.length) return undefined;
  return path.reduce((below, sibling, index) => {
    const isLeft = turns[index]?.isLeft ?? false;
    return isLeft ? nodeHash(below, sibling) : nodeHash(sibling, below);
  }, hash);
}

/** From below: on which side of its sibling each node on the way to the root stands, and the sibling's leaves. */
function turnsTo(leaf: number, size: number) {
  const turns: { isLeft: boolean; siblings: readonly [from: number, to: number] }[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + halfOf(to - from);
    const isLeft = leaf < middle;
    turns.push({ isLeft, siblings: isLeft ? [middle, to] : [from, middle] });
    if (isLeft) to = middle;
    else from = middle;
  }
  return turns.reverse();
}

/** The largest power of two below `count`. */
function halfOf(count: number): number {
  let half = 1;
  while (half * 2 < count) half *= 2;
  return half;
}

function joinLast(hashes: Digest[]): void {
  const right = hashes.pop() ?? '';
  const left = hashes.pop() ?? '';
  hashes.push(nodeHash(left, right));
}

function nodeHash(left: Digest, right: Digest): Digest {
  return sha256Hex(prefixed(0x01, left + right));
}

function prefixed(prefix: number, hex: string): Uint8Array {
  const bytes = new Uint8Array(1 + hex.length / 2);
  bytes[0] = prefix;
  for (let at = 0; at < hex.length; at += 2)
    bytes[1 + at / 2] = Number.parseInt(hex.slice(at, at + 2), 16);
  return bytes;
}
