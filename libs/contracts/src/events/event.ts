import {
  type Canonical,
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
import {
  type ArchiveEvent,
  type ControlEvent,
  EVENTS,
  type EventData,
  type EventName,
  type EventOf,
  type LaneEvent,
  type SignedName,
  WRITERS,
} from './names.ts';

/** What all events of one name have in common. */
interface Kind {
  readonly name: EventName;
  readonly source: string;
  /** The end of the text that names an event, from its data on. */
  readonly namedEnd: string;
  /** The end of its whole text, from its id on. */
  readonly wholeEnd: string;
}

const KINDS: ReadonlyMap<string, Kind> = new Map(
  Object.entries(WRITERS).map(([name, writer]) => {
    const [source, type] = [`countersign/${writer}`, `dev.countersign.${name}.v1`];
    const [sourceText, typeText] = [`"source":"${source}",`, `"type":"${type}"}`];
    const kind = {
      name: name as EventName,
      source,
      namedEnd: sourceText + typeText,
      wholeEnd: `${sourceText}"specversion":"1.0",${typeText}`,
    };
    return [type, kind];
  }),
);
const KIND_OF = Object.fromEntries(
  [...KINDS.values()].map((kind) => [kind.name, kind]),
) as Readonly<Record<EventName, Kind>>;

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
    text: textOfStatement(name, causationId, textOfMembers(texts)),
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
  const { namedEnd, wholeEnd } = KIND_OF[name];
  const start = envelopeStart(causationId, text);
  const id = idOf(start + namedEnd);
  const bytes = ENCODER.encode(
    `${start}"datacontenttype":"application/json","id":"${id}",${wholeEnd}`,
  );
  if (!survives(data)) return { id, bytes };
  return { id, bytes, event: { id, name, causationId, data } as EventOf<EventName> };
}

/** Whether JSON gives back the very same value: not if a member is `undefined`, which it leaves out, nor minus zero. */
function survives(value: unknown): boolean {
  if (typeof value === 'number') return !Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return value !== undefined;
  if (Array.isArray(value)) return value.every(survives);
  for (const key in value) if (!survives((value as Record<string, unknown>)[key])) return false;
  return true;
}

/** The canonical text of an envelope up to its data, which is given in canonical text: it is long and written once. */
function envelopeStart(causationId: string, data: string): string {
  return `{"causationid":${canonicalText(causationId)},"data":${data},`;
}

/** @param named the canonical text of the envelope's cause, data, source and type. */
function idOf(named: string): string {
  return digestOfText('countersign/event/1', named);
}

/** Why bytes are no event of ours. */
export type Undecodable = { readonly undecodable: string };

/** Opens recorded bytes. Anything that is not a known event in a known shape, from its writer, is `undecodable`. */
export function decodeEvent(bytes: Uint8Array): EventOf<EventName> | Undecodable {
  let text: string;
  let json: unknown;
  try {
    text = DECODER.decode(bytes);
    json = JSON.parse(text);
  } catch {
    return { undecodable: 'not JSON in UTF-8' };
  }
  const envelope = Envelope.safeParse(json);
  if (!envelope.success) return { undecodable: z.prettifyError(envelope.error) };
  const { type, source, id, causationid, data } = envelope.data;
  const kind = KINDS.get(type);
  if (kind === undefined) return { undecodable: `unknown type ${type.slice(0, 100)}` };
  const { name, namedEnd } = kind;
  if (source !== kind.source)
    return { undecodable: `${name} is not written by ${source.slice(0, 60)}` };
  const parsed = EVENTS[name].safeParse(data);
  if (!parsed.success) return { undecodable: z.prettifyError(parsed.error) };
  // It would have no canonical text, and whoever asked for one would end over a record of somebody else.
  if (text.includes('\\u') && hasHalves([causationid, parsed.data]))
    return { undecodable: 'half a character' };
  // What was recorded is in the order of its text, and is written faster than what the schema made of it.
  const asRecorded = isSame(parsed.data, data) ? data : parsed.data;
  if (id !== idOf(envelopeStart(causationid, canonicalText(asRecorded)) + namedEnd))
    return { undecodable: 'the id does not derive from the content' };
  const event = { id, name, causationId: causationid, data: parsed.data } as EventOf<EventName>;
  if ('signature' in parsed.data) recordedData.set(event, asRecorded);
  return event;
}

/** Whether a text or a name in it holds half a character: UTF-8 cannot bring one in, but an escape can. */
function hasHalves(value: unknown): boolean {
  if (typeof value === 'string') return !value.isWellFormed();
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, member]) => !name.isWellFormed() || hasHalves(member));
}

/** Whether the schema left all as it was recorded: an address in capitals, for one, it does not. */
function isSame<T>(parsed: T, recorded: unknown): recorded is T {
  if (typeof parsed !== 'object' || parsed === null) return parsed === recorded;
  if (typeof recorded !== 'object' || recorded === null) return false;
  if (Array.isArray(parsed))
    return (
      Array.isArray(recorded) &&
      parsed.length === recorded.length &&
      parsed.every((item, index) => isSame(item, recorded[index]))
    );
  let members = 0;
  for (const key in parsed) {
    if (!isSame(parsed[key], (recorded as Partial<T>)[key])) return false;
    members += 1;
  }
  return members === Object.keys(recorded).length && !Array.isArray(recorded);
}

/** By signed event that was decoded here: its data in the order of its text, which whoever verifies it needs again. */
const recordedData = new WeakMap<EventOf<EventName>, EventData<EventName>>();

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
  return textOfStatement(name, causationId, canonicalText(statement as Record<string, Canonical>));
}

/** The same for an event; of one that was decoded, the bytes that were decoded are what counts. */
export function statementTextOf(event: EventOf<EventName>): string {
  return statementText(event.name, event.causationId, recordedData.get(event) ?? event.data);
}

/** @param statement in canonical text. */
function textOfStatement(name: EventName, causationId: string, statement: string): string {
  const text = `{"causationId":${canonicalText(causationId)},"statement":${statement}}`;
  return `countersign/statement/1\n${name}\n${text}`;
}
