import { hash } from 'node:crypto';
import { type Canonical, canonicalText } from './canonical.ts';

/** SHA-256 as 64 lower-case hex digits. */
export type Digest = string;

/** SHA-256 of bytes, or of text as UTF-8. The only place where this project hashes for identity or proof. */
export function sha256Hex(data: string | Uint8Array): Digest {
  return hash('sha256', data, 'hex');
}

/**
 * Digest of a value in its canonical form under a domain tag, so that no digest made for one purpose can be passed off
 * for another: SHA-256(tag "\n" canonical-text).
 */
export function digestOf(tag: string, value: Canonical): Digest {
  return digestOfText(tag, canonicalText(value));
}

/** The same for a value whose canonical text is at hand. */
export function digestOfText(tag: string, canonical: string): Digest {
  return sha256Hex(`${tag}\n${canonical}`);
}
