import { type Digest, digestOf, sha256Hex } from '@countersign/kernel';

/** Head of a lane before its first record. */
export const EMPTY_HEAD: Digest = '0'.repeat(64);

/** What is proven of a record: where it stands, when the log took it, its key and its exact bytes. */
export function leafDigest(record: {
  readonly lane: string;
  readonly offset: number;
  readonly stampMs: number;
  readonly key: string;
  readonly bytes: Uint8Array;
}): Digest {
  const { lane, offset, stampMs, key, bytes } = record;
  // In the order of its canonical text, which is written fastest so: every service does this for every record.
  return digestOf('countersign/leaf/1', { bytes: sha256Hex(bytes), key, lane, offset, stampMs });
}

/** Running hash of a lane. The fold computes it, because on Kafka a writer cannot know its predecessor. */
export function chainedHead(head: Digest, leaf: Digest): Digest {
  return sha256Hex(`countersign/chain/1\n${head}\n${leaf}`);
}
