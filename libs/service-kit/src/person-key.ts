import { type KeyObject, createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto';
import { type EventData, grantText } from '@countersign/contracts';
import { invariant } from '@countersign/kernel';
import { type ControlView, tenantOf } from '@countersign/payment';
import { isSignedBy } from './ed25519.ts';

/** What stands before the 32 bytes of an ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key that a person's credential leads to; it exists while something is signed with it, and is kept nowhere. */
export interface PersonKey {
  /** 32 bytes in base64url. */
  readonly publicKey: string;
  /** ed25519 over the UTF-8 bytes of `text`, in base64url. */
  readonly sign: (text: string) => string;
}

/** @param credential of 256 random bits: the key is no harder to guess than it (HKDF with SHA-256, RFC 5869). */
export function personKeyOf(credential: string): PersonKey {
  const seed = Buffer.from(hkdfSync('sha256', credential, '', 'countersign/person-key/1', 32));
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, seed]);
  const key: KeyObject = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  seed.fill(0);
  pkcs8.fill(0);
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  invariant(x !== undefined, 'an ed25519 key has no public part');
  return {
    publicKey: x,
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64url'),
  };
}

type Grant = EventData<'approval.granted'>;

/** Whether the signer may count on a grant: its person is known, and nothing says that it is not theirs. */
export function isByPerson(control: ControlView, grant: Grant): boolean {
  return tenantOf(control, grant.tenant).people.has(grant.person) && !isForged(control, grant);
}

/**
 * Whether a grant is not by the person it names: whoever has a key on record signs with it what they grant. Of people
 * who were added before there were such keys, the word of the approval service is all there is.
 */
export function isForged(control: ControlView, grant: Grant): boolean {
  const x = tenantOf(control, grant.tenant).people.get(grant.person)?.publicKey;
  return x !== undefined && !isByHolder(grant, x);
}

/** Whether whoever has this key, 32 bytes in base64url, signed the grant. */
export function isByHolder(grant: Grant, x: string): boolean {
  if (grant.proof === undefined) return false;
  return isSignedBy(x, grantText(grant), Buffer.from(grant.proof, 'base64url'));
}
