import { z } from 'zod';
import { ArchivedLane } from './events/archive-events.ts';
import { DigestHex, PaymentId, TimeMs } from './text.ts';

/** A record as it stands in the Merkle log, with what leads from it to the root. */
export const ProvenRecord = z.strictObject({
  /** Index of its leaf. */
  leaf: z.int().nonnegative(),
  lane: ArchivedLane,
  offset: z.int().nonnegative(),
  stampMs: TimeMs,
  key: z.string().max(500),
  /** The exact bytes, which are UTF-8. */
  bytes: z.string(),
  /** Audit path of RFC 6962, section 2.1.1: from the leaf's sibling up to the root's child. */
  path: z.array(DigestHex).max(53),
});
export type ProvenRecord = z.infer<typeof ProvenRecord>;

/** Names the form of a bundle; another form has another name. */
export const PROOF_FORMAT = 'countersign/proof/1';

/**
 * All that is needed to check a payment without us: its records, the policies it was decided under, the people who
 * granted it, and a signed checkpoint of the log that holds them. As a file it is canonical JSON (RFC 8785) and nothing
 * else. Keys are not in it: whoever checks has them from elsewhere.
 */
export const ProofBundle = z.strictObject({
  format: z.literal(PROOF_FORMAT),
  paymentId: PaymentId,
  /** A C2SP tlog-checkpoint, signed by the recorder. */
  checkpoint: z.string().max(2_000),
  /** By leaf. */
  records: z.array(ProvenRecord).min(1).max(2_000),
});
export type ProofBundle = z.infer<typeof ProofBundle>;
