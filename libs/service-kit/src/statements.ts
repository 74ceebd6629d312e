import { verify } from 'node:crypto';
import {
  type EncodedEvent,
  type EventData,
  type EventName,
  type EventOf,
  type SignedName,
  WRITERS,
  encodeEvent,
  encodeStatement,
  isJoined,
  joinedText,
  statementTextOf,
} from '@countersign/contracts';
import type { StatementKey } from '@countersign/ports';
import { publicKeyOf } from './ed25519.ts';
import { signJointly } from './joint-signing.ts';
import { type Claim, KnownJoint } from './known-joint.ts';

/** An event of this process, and by whose key in this very process it was signed. */
export interface OwnEvent extends EncodedEvent {
  /** Public key; absent where the key is elsewhere, or nobody signed. */
  readonly signedBy?: string;
}

/** By data that was signed here: the event it was encoded to. */
const ownEvents = new WeakMap<object, { cause: string; own: OwnEvent }>();

/**
 * The data of an event that its service signs, with the signature added; append it with the same `cause`. It is encoded
 * already, and what is appended are the bytes that were signed: the data itself must not be changed.
 *
 * @throws ZodError when the statement does not fit the event's schema.
 */
export async function signStatement<N extends SignedName>(
  key: StatementKey,
  name: N,
  statement: Omit<EventData<N>, 'signature'>,
  cause: string,
): Promise<EventData<N>> {
  const { text, signed } = encodeStatement(name, statement, cause);
  const signature = isJoined(name)
    ? await signJointly(key, text)
    : { keyId: key.keyId, value: await key.sign(text) };
  const { data, ...encoded } = signed(signature);
  const own = key.capabilities.inProcess ? { ...encoded, signedBy: key.publicKey } : encoded;
  ownEvents.set(Object.freeze(data), { cause, own });
  return data;
}

/** The event of this data: as it was signed, or else encoded now. */
export function ownEvent<N extends EventName>(
  name: N,
  data: EventData<N>,
  cause: string,
): OwnEvent {
  const known = ownEvents.get(data);
  if (known?.cause === cause && known.own.event?.name === name) return known.own;
  return encodeEvent(name, data, cause);
}

/**
 * Whether an event of this process, read back with its very bytes, is known to be genuine: signed here, with the key
 * that is trusted for its service. Verifying costs more than all else that is done with a record, and could only tell
 * what is known. False says nothing: {@link isGenuine} finds out.
 */
export function isKnownGenuine(trusted: TrustedKeys, { event, signedBy }: OwnEvent): boolean {
  if (!event || signedBy === undefined || !('signature' in event.data)) return false;
  const key = trusted.get(event.data.signature.keyId);
  // Where the key has an end it depends on the stamp, which the record has only when it is read back.
  if (key?.untilMs !== undefined) return false;
  return key?.publicKey === signedBy && key.service === WRITERS[event.name];
}

/** Public keys somebody trusts, by key id. */
export type TrustedKeys = ReadonlyMap<
  string,
  {
    readonly service: string;
    readonly publicKey: string;
    /** Its end: of what it signed, records that the log stamped then or later are nobody's. Unix milliseconds. */
    readonly untilMs?: number;
  }
>;

/**
 * Whether a record may be believed to be its service's: signed by it before its key's end, or of a kind that is not signed.
 *
 * @param stampMs the log's own stamp of the record: whoever writes it cannot choose that.
 */
export function isGenuine(
  trusted: TrustedKeys,
  event: EventOf<EventName>,
  stampMs: number,
): boolean {
  const claim = claimOf(trusted, event, stampMs);
  if (typeof claim === 'boolean') return claim;
  if (knownJoint.has(claim)) return true;
  const genuine = verify(null, ...verifiable(claim));
  if (genuine) knownJoint.add(claim);
  return genuine;
}

/** The same, verified on another thread; undefined when that failed, and it is still to be found out. */
export function isGenuineElsewhere(
  trusted: TrustedKeys,
  event: EventOf<EventName>,
  stampMs: number,
): Promise<boolean | undefined> {
  const claim = claimOf(trusted, event, stampMs);
  if (typeof claim === 'boolean') return Promise.resolve(claim);
  if (knownJoint.has(claim)) return Promise.resolve(true);
  return knownJoint.sharing(claim, () => verifiedElsewhere(claim));
}

function verifiedElsewhere(claim: Claim): Promise<boolean | undefined> {
  return new Promise((resolve) =>
    verify(null, ...verifiable(claim), (error, genuine) => {
      if (genuine) knownJoint.add(claim);
      resolve(error ? undefined : genuine);
    }),
  );
}

/** What a record says was signed, and by whom; or at once whether it is genuine, where nothing is to be verified. */
function claimOf(
  trusted: TrustedKeys,
  event: EventOf<EventName>,
  stampMs: number,
): boolean | Claim {
  if (!('signature' in event.data)) return true;
  const { keyId, value, path } = event.data.signature;
  const key = trusted.get(keyId);
  if (!key || key.service !== WRITERS[event.name]) return false;
  if (key.untilMs !== undefined && stampMs >= key.untilMs) return false;
  const text = statementTextOf(event);
  if (!path) return { by: key.publicKey, text, value, isJoint: false };
  if (!isJoined(event.name)) return false;
  return { by: key.publicKey, text: joinedText(text, path), value, isJoint: true };
}

/** Shared by all folds of this process: what it says rests on nothing but the signature itself. */
const knownJoint = new KnownJoint();

function verifiable({ by, text, value }: Claim) {
  const bytes = new TextEncoder().encode(text);
  return [bytes, publicKeyOf(by), Buffer.from(value, 'base64url')] as const;
}
