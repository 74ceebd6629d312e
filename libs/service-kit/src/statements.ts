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
  const value = await key.sign(statementText(name, cause, statement));
  return { ...statement, signature: { keyId: key.keyId, value } } as EventData<N>;
}

/** Public keys somebody trusts, by key id. */
export type TrustedKeys = ReadonlyMap<
  string,
  { readonly service: string; readonly publicKey: string }
>;

/** Whether a record may be believed to be its service's: signed by it, or of a kind that is not signed. */
export function isGenuine(trusted: TrustedKeys, event: EventOf<EventName>): boolean {
  if (!('signature' in event.data)) return true;
  const { keyId, value } = event.data.signature;
  const key = trusted.get(keyId);
  if (!key || key.service !== WRITERS[event.name]) return false;
  const text = new TextEncoder().encode(statementText(event.name, event.causationId, event.data));
  return verify(null, text, publicKeyOf(key.publicKey), Buffer.from(value, 'base64url'));
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
