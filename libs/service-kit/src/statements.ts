import { type KeyObject, createPublicKey, verify } from 'node:crypto';
import {
  type EventData,
  type EventName,
  type EventOf,
  WRITERS,
  statementText,
} from '@countersign/contracts';
import type { StatementKey } from '@countersign/ports';

type SignedName = {
  [N in EventName]: EventData<N> extends { signature: { keyId: string } } ? N : never;
}[EventName];

/** The data of an event that its service signs, with the signature added; append it with the same `cause`. */
export async function signStatement<N extends SignedName>(
  key: StatementKey,
  name: N,
  statement: Omit<EventData<N>, 'signature'>,
  cause: string,
): Promise<EventData<N>> {
  const text = statementText(name, cause, statement);
  const value = await key.sign(text);
  if (key.capabilities.inProcess) ownSignatures.add(value, { by: key.publicKey, text });
  return { ...statement, signature: { keyId: key.keyId, value } } as EventData<N>;
}

interface OwnSignature {
  /** Public key. */
  readonly by: string;
  readonly text: string;
}

/** Signatures waited for; most are read back within a few of these. */
const OWN_MAX = 4_096;

/**
 * What keys in this process have signed and the fold has not yet read back. Verifying costs more than all else that is
 * done with a record, and of these it says what is known: ed25519 is deterministic, and the text is compared whole.
 */
class OwnSignatures {
  readonly #byValue = new Map<string, OwnSignature>();

  add(value: string, own: OwnSignature): void {
    if (this.#byValue.size >= OWN_MAX)
      this.#byValue.delete(this.#byValue.keys().next().value ?? '');
    this.#byValue.set(value, own);
  }

  /** Whether `by` made this signature of this text here; known once. */
  take(value: string, { by, text }: OwnSignature): boolean {
    const own = this.#byValue.get(value);
    if (own?.by !== by || own.text !== text) return false;
    this.#byValue.delete(value);
    return true;
  }
}

const ownSignatures = new OwnSignatures();

/** Public keys somebody trusts, by key id. */
export type TrustedKeys = ReadonlyMap<
  string,
  { readonly service: string; readonly publicKey: string }
>;

/** Whether a record may be believed to be its service's: signed by it, or of a kind that is not signed. */
export function isGenuine(trusted: TrustedKeys, event: EventOf<EventName>): boolean {
  const claim = claimOf(trusted, event);
  if (typeof claim === 'boolean') return claim;
  if (ownSignatures.take(claim.value, claim)) return true;
  return verify(null, ...verifiable(claim));
}

/** The same, verified on another thread; undefined when that failed, and it is still to be found out. */
export function isGenuineElsewhere(
  trusted: TrustedKeys,
  event: EventOf<EventName>,
): Promise<boolean | undefined> {
  const claim = claimOf(trusted, event);
  if (typeof claim === 'boolean') return Promise.resolve(claim);
  return new Promise((resolve) =>
    verify(null, ...verifiable(claim), (error, genuine) => resolve(error ? undefined : genuine)),
  );
}

/** What a record says was signed, and by whom; or at once whether it is genuine, where nothing is to be verified. */
function claimOf(
  trusted: TrustedKeys,
  event: EventOf<EventName>,
): boolean | (OwnSignature & { readonly value: string }) {
  if (!('signature' in event.data)) return true;
  const { keyId, value } = event.data.signature;
  const key = trusted.get(keyId);
  if (!key || key.service !== WRITERS[event.name]) return false;
  const text = statementText(event.name, event.causationId, event.data);
  return { by: key.publicKey, text, value };
}

function verifiable({ by, text, value }: OwnSignature & { readonly value: string }) {
  const bytes = new TextEncoder().encode(text);
  return [bytes, publicKeyOf(by), Buffer.from(value, 'base64url')] as const;
}

const publicKeys = new Map<string, KeyObject>();

function publicKeyOf(x: string): KeyObject {
  let key = publicKeys.get(x);
  if (!key) {
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    publicKeys.set(x, key);
  }
  return key;
}
