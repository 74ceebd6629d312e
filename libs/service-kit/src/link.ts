import { chainedHead, leafDigest } from '@countersign/payment';
import type { LogRecord } from '@countersign/ports';

/** A record's place in the running hash of its lane. */
export interface Link {
  /** Running hash up to and including the record. */
  readonly head: string;
  /** Digest of the record alone. */
  readonly leaf: string;
}

export function linked(head: string, record: LogRecord): Link {
  const leaf = leafDigest(record);
  return { head: chainedHead(head, leaf), leaf };
}
