import { z } from 'zod';
import { PaymentStatus, PaymentView, Problem, ProposeBody } from './api-views.ts';
import { DigestHex, MessageId, Name, PaymentId } from './text.ts';

/** The topics of agents that speak Kafka, before any prefix. */
export const INBOUND_TOPIC = 'intents.inbound';
export const OUTCOMES_TOPIC = 'intents.outcomes';
/** Header with the ed25519 signature over {@link messageText}, in base64url. */
export const SIGNATURE_HEADER = 'signature';
export const MESSAGE_BYTES_MAX = 65_536;
/** A message that would begin or claim something must have been written at most so long ago. */
export const MESSAGE_AGE_MAX_MS = 300_000;
/** How far the agent's clock may be ahead of ours. */
export const MESSAGE_AHEAD_MAX_MS = 60_000;

/** `agent/<tenant>/<agent>`: who says that it speaks. What proves it stands beside the message. */
const Source = z
  .string()
  .regex(/^agent\/[a-z0-9][a-z0-9_-]{0,63}\/[a-z0-9][a-z0-9_-]{0,63}$/, 'agent/<tenant>/<agent>');

const envelope = {
  specversion: z.literal('1.0'),
  /** Names the purchase, as an Idempotency-Key does: the same id with any changed field is refused. */
  id: MessageId,
  source: Source,
  /** When the agent wrote it, RFC 3339 with a zone. */
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json').optional(),
};

/** A payment an agent proposes, or claims once people have cleared it. */
export const IntentMessage = z.strictObject({
  ...envelope,
  type: z.literal('dev.countersign.agent.intent.v1'),
  data: ProposeBody,
});

/** What was paid for arrived; the same purchase may be made again. */
export const DeliveryMessage = z.strictObject({
  ...envelope,
  type: z.literal('dev.countersign.agent.delivery.v1'),
  data: z.strictObject({
    paymentId: PaymentId,
    /** Status of the seller's answer. */
    status: z.int().min(200).max(299),
    responseDigest: DigestHex.optional(),
  }),
});

/** Every message an agent may send: a CloudEvent in JSON. */
export const AgentMessage = z.discriminatedUnion('type', [IntentMessage, DeliveryMessage]);
export type AgentMessage = z.infer<typeof AgentMessage>;

/** What an outcome says in the open of a payment; whoever may read the topic reads this. */
const OpenOutcome = z.object({
  id: PaymentId,
  status: PaymentStatus,
  /** Its status will not change any more. */
  final: z.boolean(),
  code: z.string().nullable(),
  reasons: z.array(z.string()),
  alternative: z.string().optional(),
  /** `lane:offset` of the newest record this contains; of two outcomes the greater offset is the newer. */
  position: z.string(),
});

/** What becomes of a message, and then of its payment. Delivered at least once. */
export const OutcomeMessage = z.object({
  specversion: z.literal('1.0'),
  /** The same id is the same outcome. */
  id: z.string(),
  source: z.literal('countersign/intake'),
  type: z.literal('dev.countersign.agent.outcome.v1'),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  data: z.object({
    tenant: Name,
    agent: Name,
    /** The message that is answered; of later outcomes the one that began the payment. Null where it had no id. */
    messageId: MessageId.nullable(),
    payment: OpenOutcome.optional(),
    /** Why the message had no effect. */
    refused: Problem.optional(),
    /** {@link SealedOutcome} as compact JWE, for the agent's sealing key. */
    sealed: z.string().optional(),
  }),
});
export type OutcomeMessage = z.infer<typeof OutcomeMessage>;

/** What only the agent reads: the whole payment, its signature included. */
export const SealedOutcome = z.object({ payment: PaymentView });
export type SealedOutcome = z.infer<typeof SealedOutcome>;

/** What an agent signs: a tag, and the exact bytes of the message. */
export function messageText(bytes: Uint8Array): Uint8Array {
  const tag = new TextEncoder().encode('countersign/message/1\n');
  const text = new Uint8Array(tag.length + bytes.length);
  text.set(tag);
  text.set(bytes, tag.length);
  return text;
}
