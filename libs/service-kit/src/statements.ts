import { createPublicKey, verify } from 'node:crypto';
import { type EventData, type EventName, statementText } from '@countersign/contracts';
import type { StatementKey } from '@countersign/ports';
import type { ControlView } from '@countersign/payment';

type SignedName = {
  [N in EventName]: EventData<N> extends { signature: { keyId: string } } ? N : never;
}[EventName];

/** The data of an event that its service signs, with the signature added. */
export async function signStatement<N extends SignedName>(
  key: StatementKey,
  name: N,
  statement: Omit<EventData<N>, 'signature'>,
): Promise<EventData<N>> {
  const value = await key.sign(statementText(name, statement));
  return { ...statement, signature: { keyId: key.keyId, value } } as EventData<N>;
}

/** Public keys somebody trusts, by key id. */
export type TrustedKeys = ReadonlyMap<
  string,
  { readonly service: string; readonly publicKey: string }
>;

/** Keys a reader of the log may trust as far as it trusts the log; the signer pins its own instead. */
export function announcedKeys(view: ControlView): TrustedKeys {
  return view.keys;
}

/** Whether `data` was signed by `service` with a key in `trusted`. */
export function verifyStatement(
  trusted: TrustedKeys,
  service: string,
  name: SignedName,
  data: { readonly signature: { readonly keyId: string; readonly value: string } },
): boolean {
  const key = trusted.get(data.signature.keyId);
  if (!key || key.service !== service) return false;
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.publicKey },
    format: 'jwk',
  });
  const text = new TextEncoder().encode(statementText(name, data));
  return verify(null, text, publicKey, Buffer.from(data.signature.value, 'base64url'));
}
