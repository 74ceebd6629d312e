import {
  type Canonical,
  type MemberTexts,
  canonicalText,
  digestOfText,
  memberTexts,
  textOfMembers,
} from '@countersign/kernel';
import { z } from 'zod';
import { DigestHex, StatementSignature } from '../text.ts';
import { ARCHIVE_EVENTS } from './archive-events.ts';
import { CONTROL_EVENTS } from './control-events.ts';
import { LANE_EVENTS } from './lane-events.ts';

const EVENTS = { ...LANE_EVENTS, ...CONTROL_EVENTS, ...ARCHIVE_EVENTS };

export type LaneEventName = keyof typeof LANE_EVENTS;
export type ControlEventName = keyof typeof CONTROL_EVENTS;
export type ArchiveEventName = keyof typeof ARCHIVE_EVENTS;
export type EventName = keyof typeof EVENTS;
export type EventData<N extends EventName> = z.infer<(typeof EVENTS)[N]>;
/** Events whose service signs them. */
export type SignedName = {
  [N in EventName]: EventData<N> extends { signature: StatementSignature } ? N : never;
}[EventName];

export const SERVICES = [
  'intake',
  'policy',
  'approval',
  'signer',
  'settlement',
  'alerting',
  'recorder',
] as const;
export type Service = (typeof SERVICES)[number];

/** The one service that may write each event. A record from anyone else is ignored. */
export const WRITERS = {
  'mark.made': 'policy',
  'intent.submitted': 'intake',
  'payment.claimed': 'intake',
  'delivery.reported': 'intake',
  'session.opened': 'intake',
  'session.closed': 'intake',
  'task.opened': 'intake',
  'task.closed': 'intake',
  'task.terms_set': 'intake',
  'task.plan_submitted': 'intake',
  'task.plan_committed': 'intake',
  'task.phase_set': 'intake',
  'task.cost_recorded': 'intake',
  'outcome.recorded': 'intake',
  'task.alerted': 'alerting',
  'agent.frozen': 'policy',
  'agent.unfrozen': 'policy',
  'decision.made': 'policy',
  'reservation.ended': 'policy',
  'approval.opened': 'approval',
  'approval.granted': 'approval',
  'approval.vetoed': 'approval',
  'approval.completed': 'approval',
  'approval.expired': 'approval',
  'authorization.fixed': 'signer',
  'renewal.requested': 'intake',
  'authorization.renewed': 'signer',
  'signing.completed': 'signer',
  'signing.refused': 'signer',
  'cancellation.signed': 'signer',
  'settlement.submitted': 'settlement',
  'settlement.observed': 'settlement',
  'settlement.reverted': 'settlement',
  'settlement.final': 'settlement',
  'authorization.void': 'settlement',
  'authorization.canceled': 'settlement',
  'settlement.mismatched': 'settlement',
  'alert.raised': 'alerting',
  'key.announced': 'policy',
  'person.added': 'policy',
  'agent.added': 'policy',
  'agent.wallet_added': 'policy',
  'agent.credential_replaced': 'policy',
  'agent.message_keys_set': 'policy',
  'wallet.requested': 'policy',
  'wallet.created': 'signer',
  'wallet.deployed': 'settlement',
  'wallet.rotation_ordered': 'policy',
  'wallet.key_renewed': 'signer',
  'wallet.rotation_signed': 'signer',
  'wallet.rotated': 'settlement',
  'wallet.revoke_ordered': 'policy',
  'wallet.revoked': 'signer',
  'wallet.frozen': 'settlement',
  'wallet.taken': 'settlement',
  'wallet.unfrozen': 'policy',
  'outflows.scanned': 'settlement',
  'restore.detected': 'signer',
  'restore.accepted': 'policy',
  'facilitator.tripped': 'settlement',
  'alert.sent': 'alerting',
  'seller.registered': 'policy',
  'seller.removed': 'policy',
  'change.scheduled': 'policy',
  'change.canceled': 'policy',
  'policy.put': 'policy',
  'policy.activated': 'policy',
  'tenant.frozen': 'policy',
  'tenant.unfrozen': 'policy',
  'budget.epoch': 'policy',
  'archive.cut': 'recorder',
} as const satisfies Record<EventName, Service>;

/** An event with its envelope opened: CloudEvents 1.0, `id` derived from its cause and content. */
export type EventOf<N extends EventName> = {
  readonly [K in N]: {
    readonly id: string;
    readonly name: K;
    readonly causationId: string;
    readonly data: EventData<K>;
  };
}[N];
export type LaneEvent = EventOf<LaneEventName>;
export type ControlEvent = EventOf<ControlEventName>;
export type ArchiveEvent = EventOf<ArchiveEventName>;

const TYPE_PREFIX = 'dev.countersign.';
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true });
const Envelope = z.strictObject({
  specversion: z.literal('1.0'),
  id: DigestHex,
  source: z.string(),
  type: z.string(),
  datacontenttype: z.literal('application/json'),
  causationid: z.string().min(1).max(200),
  data: z.unknown(),
});

/** An event as bytes to append, with the id it will have. */
export interface EncodedEvent {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** What {@link decodeEvent} makes of the bytes; absent where only decoding can tell. */
  readonly event?: EventOf<EventName>;
}

/**
 * Writes an event in its canonical bytes. The same cause and content give the same id, so a repeated command is a
 * repeated record and not a second fact.
 *
 * @throws ZodError when `data` does not fit the event's schema: nothing malformed is ever appended.
 */
export function encodeEvent<N extends EventName>(
  name: N,
  data: EventData<N>,
  causationId: string,
): EncodedEvent {
  const parsed = EVENTS[name].parse(data) as EventData<N>;
  return encoded(name, causationId, { data: parsed, text: canonicalText(parsed as Canonical) });
}

/** What a service signs, and the event it becomes. */
export interface Statement<N extends SignedName> {
  /** See {@link statementText}. */
  readonly text: string;
  /** The event with its signature, and the data it holds. */
  readonly signed: (
    signature: StatementSignature,
  ) => EncodedEvent & { readonly data: EventData<N> };
}

/**
 * The same as {@link encodeEvent} for what is to be signed, which is checked and written once for both.
 *
 * @throws ZodError when the statement does not fit the event's schema: nothing malformed is ever signed.
 */
export function encodeStatement<N extends SignedName>(
  name: N,
  statement: Omit<EventData<N>, 'signature'>,
  causationId: string,
): Statement<N> {
  const { signature: _, ...checked } = EVENTS[name].parse({
    ...statement,
    signature: UNSIGNED,
  }) as { readonly [key: string]: Canonical };
  const texts = memberTexts(checked);
  return {
    text: textOfStatement(name, causationId, texts),
    signed: (signature) => {
      const data = { ...checked, signature: StatementSignature.parse(signature) };
      const whole = new Map(texts).set('signature', canonicalText(data.signature));
      const text = textOfMembers(whole);
      const result = { data: data as unknown as EventData<N>, text };
      return { ...encoded(name, causationId, result), data: result.data };
    },
  };
}

/** Stands where the signature will, while the rest is checked. */
const UNSIGNED: StatementSignature = { keyId: 'none', value: 'A'.repeat(86) };

function encoded<N extends EventName>(
  name: N,
  causationId: string,
  { data, text }: { readonly data: EventData<N>; readonly text: string },
): EncodedEvent {
  const texts = envelopeTexts({
    source: `countersign/${WRITERS[name]}`,
    type: `${TYPE_PREFIX}${name}.v1`,
    causationid: causationId,
    data: text,
  });
  const id = digestOfText('countersign/event/1', texts.named);
  const bytes = ENCODER.encode(texts.whole(id));
  if (!survives(data)) return { id, bytes };
  return { id, bytes, event: { id, name, causationId, data } as EventOf<EventName> };
}

/** Whether JSON gives back the very same value: not if a member is `undefined`, which it leaves out, nor minus zero. */
function survives(value: Canonical | undefined): boolean {
  if (typeof value === 'number') return !Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return value !== undefined;
  return Object.values(value).every(survives);
}

/** The canonical texts of an envelope, around the canonical text of its data, which is long and written once. */
function envelopeTexts(envelope: {
  readonly source: string;
  readonly type: string;
  readonly causationid: string;
  /** Canonical text. */
  readonly data: string;
}): { readonly named: string; whole(id: string): string } {
  const { data } = envelope;
  const causationid = `{"causationid":${canonicalText(envelope.causationid)},"data":${data},`;
  const source = `"source":${canonicalText(envelope.source)},`;
  const type = `"type":${canonicalText(envelope.type)}}`;
  return {
    named: causationid + source + type,
    whole: (id) =>
      `${causationid}"datacontenttype":"application/json","id":"${id}",${source}"specversion":"1.0",${type}`,
  };
}

/** Why bytes are no event of ours. */
export type Undecodable = { readonly undecodable: string };

/** Opens recorded bytes. Anything that is not a known event in a known shape, from its writer, is `undecodable`. */
export function decodeEvent(bytes: Uint8Array): EventOf<EventName> | Undecodable {
  let json: unknown;
  try {
    json = JSON.parse(DECODER.decode(bytes));
  } catch {
    return { undecodable: 'not JSON in UTF-8' };
  }
  const envelope = Envelope.safeParse(json);
  if (!envelope.success) return { undecodable: z.prettifyError(envelope.error) };
  const { type, source, id, causationid, data } = envelope.data;
  const name = nameOf(type);
  if (name === undefined) return { undecodable: `unknown type ${type.slice(0, 100)}` };
  if (source !== `countersign/${WRITERS[name]}`)
    return { undecodable: `${name} is not written by ${source.slice(0, 60)}` };
  const parsed = EVENTS[name].safeParse(data);
  if (!parsed.success) return { undecodable: z.prettifyError(parsed.error) };
  const texts = memberTexts(parsed.data);
  const { named } = envelopeTexts({ source, type, causationid, data: textOfMembers(texts) });
  if (id !== digestOfText('countersign/event/1', named))
    return { undecodable: 'the id does not derive from the content' };
  const event = { id, name, causationId: causationid, data: parsed.data } as EventOf<EventName>;
  decodedTexts.set(event, texts);
  return event;
}

/** By event that was decoded here: the texts of its data's members, which whoever verifies it needs again. */
const decodedTexts = new WeakMap<EventOf<EventName>, MemberTexts>();

function nameOf(type: string): EventName | undefined {
  if (!type.startsWith(TYPE_PREFIX) || !type.endsWith('.v1')) return undefined;
  const name = type.slice(TYPE_PREFIX.length, -'.v1'.length);
  return Object.hasOwn(EVENTS, name) ? (name as EventName) : undefined;
}

export function isLaneEvent(event: EventOf<EventName>): event is LaneEvent {
  return Object.hasOwn(LANE_EVENTS, event.name);
}

export function isControlEvent(event: EventOf<EventName>): event is ControlEvent {
  return Object.hasOwn(CONTROL_EVENTS, event.name);
}

export function isArchiveEvent(event: EventOf<EventName>): event is ArchiveEvent {
  return Object.hasOwn(ARCHIVE_EVENTS, event.name);
}

/**
 * The text a service signs: a tag, the event's name and cause, and its data without the signature. The cause is in it so
 * that old data cannot be put into a new envelope.
 */
export function statementText(
  name: EventName,
  causationId: string,
  data: { readonly [key: string]: unknown },
): string {
  const { signature: _, ...statement } = data;
  return textOfStatement(name, causationId, memberTexts(statement as Record<string, Canonical>));
}

/** The same for an event; of one that was decoded, the bytes that were decoded are what counts. */
export function statementTextOf(event: EventOf<EventName>): string {
  const known = decodedTexts.get(event);
  if (!known) return statementText(event.name, event.causationId, event.data);
  const statement = new Map(known);
  statement.delete('signature');
  return textOfStatement(event.name, event.causationId, statement);
}

function textOfStatement(name: EventName, causationId: string, statement: MemberTexts): string {
  const text = `{"causationId":${canonicalText(causationId)},"statement":${textOfMembers(statement)}}`;
  return `countersign/statement/1\n${name}\n${text}`;
}
