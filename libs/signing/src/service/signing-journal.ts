import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Fault, InvariantViolation } from '@countersign/kernel';
import { z } from 'zod';
import { DaySum } from '../domain/day-sum.ts';

const Entry = z.strictObject({
  paymentId: z.string(),
  wallet: z.string(),
  token: z.string(),
  value: z.string(),
  authorizationDigest: z.string(),
  atMs: z.int(),
  /** Digest of the authorization it renews. */
  renews: z.string().optional(),
  /** It was seen in the log; absent where this signer signed it. */
  seen: z.literal(true).optional(),
});
export type JournalEntry = z.infer<typeof Entry>;

/** The newest authorization known of a payment. */
export type Known = Pick<JournalEntry, 'paymentId' | 'wallet' | 'authorizationDigest' | 'atMs'>;

/**
 * What this signer has signed, by its own account, and what it saw fixed in the log, which another may have signed: single
 * use and ceilings hold even if the log were rolled back, and however many signers there are.
 */
export interface SigningJournal {
  /** Nothing was ever noted in it: what the log held before must be learned. */
  readonly isNew: boolean;
  /**
   * Durably notes a signature before it is made, unless with it more than `perDay` of the token could be signed away by
   * the wallet in 24 hours. Counted is all that is known of the wallet, but for what was fixed in the payment's lane after
   * it: whoever signs that counts this one. Of other lanes nobody knows which came first, and so both may have to wait.
   * Repeating the same note is harmless.
   *
   * @returns whether it may be signed.
   * @throws InvariantViolation when another authorization is known of the payment, that this one does not renew.
   * @throws Fault `journal_unavailable`, retryable: nothing may be signed.
   */
  note(entry: JournalEntry, perDay: bigint): boolean;
  /**
   * Notes what the log has fixed, with the latest time at which it may have been signed: it counts from now on, and is
   * missed if the log loses it. Nothing waits for it, so it is not synced.
   */
  learn(entry: JournalEntry): void;
  /** Everything noted and learned, in the order in which payments became known. */
  known(): Iterable<Known>;
  has(paymentId: string): boolean;
  /** Atomic units of `token` that `wallet` may have signed away in the 24 hours before `nowMs`. */
  countedInDay(wallet: string, token: string, nowMs: number): bigint;
  close(): void;
}

/** What is known of one payment. */
interface OfPayment {
  readonly wallet: string;
  /** Its authorizations; the last one renews those before it. */
  readonly digests: string[];
  /** So many of them, from the first on, were signed here, or before one that was. */
  signed: number;
  atMs: number;
}

/** A journal in one file, a line per signature, synced before each signature. `undefined` keeps it in memory. */
export function openSigningJournal(path: string | undefined): SigningJournal {
  const payments = new Map<string, OfPayment>();
  const days = new Map<string, DaySum>();
  const dayOf = ({ wallet, token }: Pick<JournalEntry, 'wallet' | 'token'>) => {
    const key = `${wallet}/${token}`;
    const day = days.get(key) ?? new DaySum();
    days.set(key, day);
    return day;
  };
  const remember = (entry: JournalEntry) => {
    const { paymentId, wallet, authorizationDigest, atMs, seen } = entry;
    const before = payments.get(paymentId);
    const of = before ?? { wallet, digests: [], signed: 0, atMs };
    if (!of.digests.includes(authorizationDigest)) of.digests.push(authorizationDigest);
    if (!seen) of.signed = of.digests.indexOf(authorizationDigest) + 1;
    of.atMs = Math.max(of.atMs, atMs);
    payments.set(paymentId, of);
    // A renewal has the nonce of what it renews: it signs nothing more away.
    if (!before) dayOf(entry).add({ paymentId, value: BigInt(entry.value), atMs });
  };
  if (path !== undefined) readEntries(path, remember);
  const lines = path === undefined ? undefined : new Lines(path);
  return {
    isNew: payments.size === 0,
    *known() {
      for (const [paymentId, { wallet, digests, atMs }] of payments)
        yield { paymentId, wallet, authorizationDigest: digests.at(-1) ?? '', atMs };
    },
    has: (paymentId) => payments.has(paymentId),
    countedInDay: (wallet, token, nowMs) => dayOf({ wallet, token }).at(nowMs),
    note(entry, perDay) {
      const { paymentId, authorizationDigest, renews, atMs } = entry;
      const before = payments.get(paymentId);
      const at = before?.digests.indexOf(authorizationDigest) ?? -1;
      if (before && at >= 0 && at < before.signed) return true;
      if (before && at < 0 && (renews === undefined || renews !== before.digests.at(-1)))
        throw new InvariantViolation(`${paymentId} has another authorization`);
      const isCounted = before && (before.signed > 0 || renews !== undefined);
      if (!isCounted) {
        const day = dayOf(entry);
        const others = before ? day.beside(paymentId, atMs) : day.at(atMs);
        if (others + BigInt(entry.value) > perDay) return false;
      }
      lines?.append(entry);
      lines?.sync();
      remember(entry);
      return true;
    },
    learn(entry) {
      const before = payments.get(entry.paymentId);
      if (before?.digests.includes(entry.authorizationDigest)) return;
      // Another one than what was signed here shows that the log lost something: that is for the guard to find.
      if (before && entry.renews === undefined) return;
      const seen = { ...entry, seen: true } as const;
      remember(seen);
      try {
        lines?.append(seen);
      } catch (error) {
        // It is known here until the next start, and a disk that takes nothing takes no signature of ours either.
        if (!(error instanceof Fault)) throw error;
      }
    },
    close: () => lines?.close(),
  };
}

/** The journal's file, of which only whole lines are ever followed by others. */
class Lines {
  readonly #file: number;
  /** Where the last whole line ends. */
  #length: number;
  /** Something else may stand behind that. */
  #isTorn = false;

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
    this.#length = fstatSync(this.#file).size;
  }

  append(entry: JournalEntry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      if (this.#isTorn) ftruncateSync(this.#file, this.#length);
      this.#isTorn = true;
      // A disk that is nearly full takes a part, and calls that a success.
      if (writeSync(this.#file, line) !== line.length) throw new Error('the disk is full');
    } catch (cause) {
      throw unavailable(cause);
    }
    this.#length += line.length;
    this.#isTorn = false;
  }

  sync(): void {
    try {
      fsyncSync(this.#file);
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** A torn last line is a signature that was never made: it is cut off, or the next one would be glued to it. */
function readEntries(path: string, take: (entry: JournalEntry) => void): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(path, 'a+', 0o600);
  try {
    const length = readLines(file, (line) => take(Entry.parse(JSON.parse(line))));
    if (length < fstatSync(file).size) ftruncateSync(file, length);
    fsyncSync(file);
    syncFolder(dirname(path));
  } finally {
    closeSync(file);
  }
}

/** Of the file's text in memory at a time: as one string, the journal of some years is longer than a string can be. */
const READ_BYTES = 1_048_576;
const NEWLINE = 0x0a;

/** Takes the whole lines of a file in their order; returns where the last one ends, in bytes. */
function readLines(file: number, take: (line: string) => void): number {
  const chunk = Buffer.alloc(READ_BYTES);
  let begun = Buffer.alloc(0);
  for (let at = 0; ;) {
    const count = readSync(file, chunk, 0, READ_BYTES, at);
    if (count === 0) return at - begun.length;
    at += count;
    const bytes = Buffer.concat([begun, chunk.subarray(0, count)]);
    const end = bytes.lastIndexOf(NEWLINE);
    if (end >= 0) bytes.toString('utf8', 0, end).split('\n').forEach(take);
    begun = bytes.subarray(end + 1);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function unavailable(cause: unknown): Fault {
  return new Fault('journal_unavailable', 'the signing journal cannot be written', {
    retryable: true,
    cause,
  });
}
