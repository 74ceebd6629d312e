import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Fault, InvariantViolation } from '@countersign/kernel';
import { z } from 'zod';

const Entry = z.strictObject({
  paymentId: z.string(),
  wallet: z.string(),
  token: z.string(),
  value: z.string(),
  authorizationDigest: z.string(),
  atMs: z.int(),
});
export type JournalEntry = z.infer<typeof Entry>;

const DAY_MS = 86_400_000;

/** What this signer has signed, by its own account: single use and ceilings hold even if the log were rolled back. */
export interface SigningJournal {
  /**
   * Durably notes a signature before it is made. Repeating the same one is harmless.
   *
   * @throws InvariantViolation when the payment was signed with another authorization.
   */
  note(entry: JournalEntry): void;
  /** Atomic units of `token` signed away by `wallet` in the 24 hours before `nowMs`. */
  signedInDay(wallet: string, token: string, nowMs: number): bigint;
  close(): void;
}

/** A journal in one file, a line per signature, synced before each signature. `undefined` keeps it in memory. */
export function openSigningJournal(path: string | undefined): SigningJournal {
  const entries = new Map<string, JournalEntry>();
  for (const entry of path === undefined ? [] : readEntries(path))
    entries.set(entry.paymentId, entry);
  const file = path === undefined ? undefined : openSync(path, 'a', 0o600);
  let broken = false;
  return {
    note(entry) {
      const before = entries.get(entry.paymentId);
      if (before && before.authorizationDigest !== entry.authorizationDigest)
        throw new InvariantViolation(`${entry.paymentId} was signed with another authorization`);
      if (before) return;
      // Half a line may stand there now; only a new start can tell, and cut it off.
      if (broken) throw unavailable(undefined);
      broken = true;
      if (file !== undefined) writeDurably(file, entry);
      broken = false;
      entries.set(entry.paymentId, entry);
    },
    signedInDay(wallet, token, nowMs) {
      let sum = 0n;
      for (const entry of entries.values())
        if (entry.wallet === wallet && entry.token === token && entry.atMs > nowMs - DAY_MS)
          sum += BigInt(entry.value);
      return sum;
    },
    close() {
      if (file !== undefined) closeSync(file);
    },
  };
}

function writeDurably(file: number, entry: JournalEntry): void {
  try {
    writeSync(file, `${JSON.stringify(entry)}\n`);
    fsyncSync(file);
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** A torn last line is a signature that was never made: it is cut off, or the next one would be glued to it. */
function readEntries(path: string): JournalEntry[] {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(path, 'a+', 0o600);
  try {
    const text = readFileSync(file, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) ftruncateSync(file, Buffer.byteLength(whole));
    fsyncSync(file);
    syncFolder(dirname(path));
    return whole
      .split('\n')
      .slice(0, -1)
      .map((line) => Entry.parse(JSON.parse(line)));
  } finally {
    closeSync(file);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function unavailable(cause: unknown): Fault {
  return new Fault('journal_unavailable', 'the signing journal cannot be written', {
    retryable: false,
    cause,
  });
}
