import { type Digest, sha256Hex } from '@countersign/kernel';
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
