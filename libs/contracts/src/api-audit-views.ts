import { z } from 'zod';
import { AuditDepth } from './policy-document.ts';
import { Atomic, Name, PaymentId, TimeMs, digits } from './text.ts';

/** What the answer covers: everything before these positions, which is the first `treeSize` leaves of the Merkle log. */
export const AsOf = z.object({
  treeSize: z.int(),
  /** RFC 6962 root over those leaves; empty while there are none. */
  root: z.string(),
  /** `lane:offset` of the next record of each lane. */
  lanes: z.array(z.string()),
});

const text = z.string().min(1).max(200);

/** Conditions on archived records; all hold together. */
export const SearchQuery = z.strictObject({
  payment: PaymentId.optional(),
  tx: text.optional(),
  nonce: text.optional(),
  task: Name.optional(),
  session: Name.optional(),
  seller: Name.optional(),
  agent: Name.optional(),
  event: text.optional(),
  outcome: z.enum(['allow', 'review', 'deny']).optional(),
  policy: digits(z.int().positive()).optional(),
  /** How much of the rules the decision's record tells. */
  depth: AuditDepth.optional(),
  /** Record profile of the tier that took the payment. */
  profile: Name.optional(),
  /** Words that all stand in one free text, such as a purpose. */
  text: text.optional(),
  /** Log time in milliseconds: from, and before. */
  from: digits(z.int().nonnegative()).optional(),
  to: digits(z.int().nonnegative()).optional(),
  /** `next` of the page before. */
  before: digits(z.int().nonnegative()).optional(),
  limit: digits(z.int().min(1).max(200)).default(50),
});

export const EventView = z.object({
  /** Index in the Merkle log. */
  leaf: z.int(),
  position: z.string(),
  atMs: TimeMs,
  event: z.string(),
  ignored: z.string().nullable(),
  agent: z.string(),
  paymentId: z.string(),
  /** Names and values that are known of the record and its payment; what is unknown is left out. */
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])),
  /** Free text by field, the writer's own words, as far as it has not been erased. */
  texts: z.record(z.string(), z.string()),
});
export type EventView = z.infer<typeof EventView>;

export const EventPageView = z.object({
  asOf: AsOf,
  /** Newest first. */
  events: z.array(EventView),
  /** `before` of the next page; null on the last. Where words are looked for, a page before the last may be short. */
  next: z.int().nullable(),
});

const Day = z.iso.date();
/** Days of UTC, both included; the day is that of the block that made the payment final. */
export const SpendQueryView = z.strictObject({
  from: Day.default('1970-01-01'),
  to: Day.default('2149-01-01'),
  agent: Name.optional(),
});

export const SpendView = z.object({
  asOf: AsOf,
  lines: z.array(
    z.object({
      day: Day,
      agent: z.string(),
      kind: z.string(),
      network: z.string(),
      asset: z.string(),
      amount: Atomic,
      payments: z.int(),
      seller: z.string(),
      domain: z.string(),
      category: z.string(),
      task: z.string(),
      policyVersion: z.int(),
      policyHash: z.string(),
      tier: z.string(),
      reason: z.string(),
    }),
  ),
  /** There were more lines, of the last day given and of days before it. */
  truncated: z.boolean(),
});

export const SqlView = z.object({
  asOf: AsOf,
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.array(z.unknown())),
  /** There were more rows than are given. */
  truncated: z.boolean(),
});

/** Where a reader of the stream stands: `now`, `start`, or the `id` of the last event it has. */
export const FeedQuery = z.strictObject({
  after: z
    .string()
    .regex(
      /^(?:now|start|(?:control|[0-9]{1,4}):[0-9]{1,15}(?:,(?:control|[0-9]{1,4}):[0-9]{1,15})*)$/,
    )
    .optional(),
  /** Seconds to wait for the first event; for readers that do not take a stream. */
  wait: digits(z.int().min(0).max(30)).default(0),
  limit: digits(z.int().min(1).max(500)).default(100),
});

export const FeedEvent = z.object({
  /** Next offset of every lane after this event: send it back to go on from here. */
  id: z.string(),
  position: z.string(),
  atMs: TimeMs,
  event: z.string(),
  /** The code with which the fold ignored it, or null where it counted. An agent is shown what counted. */
  ignored: z.string().nullable(),
  /** What was recorded, without wallet signatures. */
  data: z.record(z.string(), z.unknown()),
});
export type FeedEvent = z.infer<typeof FeedEvent>;

export const FeedView = z.object({ events: z.array(FeedEvent), after: z.string() });
