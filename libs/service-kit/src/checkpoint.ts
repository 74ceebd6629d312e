import { hash } from 'node:crypto';
import type { StatementKey } from '@countersign/ports';
import { isSignedBy } from './ed25519.ts';

/** How long a log was at one time, and the RFC 6962 root over all of it. */
export interface Checkpoint {
  readonly logId: string;
  /** Leaves. */
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly root: string;
}

const ORIGIN = 'countersign.dev/log/';
/** Signature type of Ed25519 (C2SP signed-note). */
const ED25519 = 0x01;
const BODY = new RegExp(
  `^${ORIGIN.replaceAll('.', '\\.')}([!-~]{1,100})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n$`,
);

/** The checkpoint as a signed note (C2SP tlog-checkpoint), for whoever wants to hold us to it. */
export async function signCheckpoint(
  key: StatementKey,
  { logId, size, root }: Checkpoint,
): Promise<string> {
  const origin = `${ORIGIN}${logId}`;
  const body = `${origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n`;
  const signature = Buffer.from(await key.sign(body), 'base64url');
  const signed = Buffer.concat([keyHash(origin, key.publicKey), signature]);
  return `${body}\n— ${origin} ${signed.toString('base64')}\n`;
}

/** The checkpoint of a note; undefined where this key did not sign it, or it is none of ours. */
export function openCheckpoint(note: string, publicKey: string): Checkpoint | undefined {
  const [origin = ''] = note.split('\n', 1);
  const body = openNote(note, origin, publicKey);
  const [, logId, size, root] = BODY.exec(body ?? '') ?? [];
  if (logId === undefined || size === undefined || root === undefined) return undefined;
  return { logId, size: Number(size), root: Buffer.from(root, 'base64').toString('hex') };
}

/**
 * The text of a signed note (C2SP signed-note); undefined where none of its signatures is that of this key. Signatures
 * of others, such as witnesses, are passed over.
 *
 * @param publicKey 32 bytes in base64url.
 */
export function openNote(note: string, name: string, publicKey: string): string | undefined {
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n')) return undefined;
  const text = note.slice(0, end + 1);
  const id = keyHash(name, publicKey);
  const isSigned = note
    .slice(end + 2, -1)
    .split('\n')
    .some((line) => {
      const [dash, by, encoded = '', ...rest] = line.split(' ');
      if (dash !== '—' || by !== name || rest.length > 0) return false;
      const bytes = Buffer.from(encoded, 'base64');
      if (bytes.toString('base64') !== encoded) return false;
      return id.equals(bytes.subarray(0, 4)) && isSignedBy(publicKey, text, bytes.subarray(4));
    });
  return isSigned ? text : undefined;
}

/** The four bytes by which a note names its key. */
function keyHash(name: string, publicKey: string): Buffer {
  const named = [Buffer.from(`${name}\n`), Buffer.of(ED25519), Buffer.from(publicKey, 'base64url')];
  return hash('sha256', Buffer.concat(named), 'buffer').subarray(0, 4);
}
