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

const Entry = z.strictObject({
  paymentId: z.string(),
  wallet: z.string(),
  token: z.string(),
  value: z.string(),
  authorizationDigest: z.string(),
  atMs: z.int(),
  /** Digest of the authorization it renews. */
  renews: z.string().optional(),
});
export type JournalEntry = z.infer<typeof Entry>;

const DAY_MS = 86_400_000;

/** What was signed last for a payment. */
export type Signed = Pick<JournalEntry, 'paymentId' | 'wallet' | 'authorizationDigest' | 'atMs'>;

/**
 * What this signer has signed, by its own account, and what it saw others sign: single use and ceilings hold even if the
 * log were rolled back.
 */
export interface SigningJournal {
  /**
   * Durably notes a signature before it is made, unless with it the wallet would sign away more than `perDay` of the
   * token in 24 hours: checked and noted in one turn, so that payments side by side cannot share what is left.
   * Repeating the same one is harmless.
   *
   * @returns whether it may be signed.
   * @throws InvariantViolation when the payment was signed with another authorization that this one does not renew.
   * @throws Fault `journal_unavailable`, retryable: nothing may be signed.
   */
  note(entry: JournalEntry, perDay: bigint): boolean;
  /**
   * Notes what another signer signed, as the log says: it counts here too, and is missed here if the log loses it.
   * Nothing waits for it, so it is not synced.
   */
  learn(entry: JournalEntry): void;
  /** What was signed, by payment, in the order of each one's first signature. */
  signed(): Iterable<Signed>;
  has(paymentId: string): boolean;
  /** Atomic units of `token` signed away by `wallet` in the 24 hours before `nowMs`. */
  signedInDay(wallet: string, token: string, nowMs: number): bigint;
  close(): void;
}

/** What one wallet signed away of one token in the last 24 hours; older entries are let go as time goes on. */
class DaySum {
  #entries: { readonly value: bigint; readonly atMs: number }[] = [];
  #gone = 0;
  #sum = 0n;

  /** What others signed is learned lane by lane, and so not in the order of its time. */
  add(value: bigint, atMs: number): void {
    let [low, high] = [this.#gone, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.atMs ?? 0) > atMs) high = middle;
      else low = middle + 1;
    }
    this.#entries.splice(low, 0, { value, atMs });
    this.#sum += value;
    // Read from years of a journal, it would else hold all of them until somebody asks.
    this.at(atMs - DAY_MS);
  }

  at(nowMs: number): bigint {
    for (;;) {
      const oldest = this.#entries[this.#gone];
      if (!oldest || oldest.atMs > nowMs - DAY_MS) break;
      this.#sum -= oldest.value;
      this.#gone += 1;
    }
    if (this.#gone > 1_000 && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone);
      this.#gone = 0;
    }
    return this.#sum;
  }
}

/** A journal in one file, a line per signature, synced before each signature. `undefined` keeps it in memory. */
export function openSigningJournal(path: string | undefined): SigningJournal {
  /** Every authorization signed for a payment, by payment; the last one renews those before it. */
  const payments = new Map<string, { wallet: string; digests: string[]; atMs: number }>();
  const days = new Map<string, DaySum>();
  const dayOf = (wallet: string, token: string) => {
    const key = `${wallet}/${token}`;
    const day = days.get(key) ?? new DaySum();
    days.set(key, day);
    return day;
  };
  const remember = (entry: JournalEntry) => {
    const before = payments.get(entry.paymentId);
    const { wallet, authorizationDigest, atMs } = entry;
    if (before) {
      before.digests.push(authorizationDigest);
      before.atMs = Math.max(before.atMs, atMs);
    } else payments.set(entry.paymentId, { wallet, digests: [authorizationDigest], atMs });
    // A renewal has the nonce of what it renews: it signs nothing more away.
    if (!before) dayOf(entry.wallet, entry.token).add(BigInt(entry.value), entry.atMs);
  };
  if (path !== undefined) readEntries(path, remember);
  const lines = path === undefined ? undefined : new Lines(path);
  return {
    *signed() {
      for (const [paymentId, { wallet, digests, atMs }] of payments)
        yield { paymentId, wallet, authorizationDigest: digests.at(-1) ?? '', atMs };
    },
    has: (paymentId) => payments.has(paymentId),
    signedInDay: (wallet, token, nowMs) => dayOf(wallet, token).at(nowMs),
    note(entry, perDay) {
      const before = payments.get(entry.paymentId)?.digests;
      if (before?.includes(entry.authorizationDigest)) return true;
      if (before && (entry.renews === undefined || entry.renews !== before.at(-1)))
        throw new InvariantViolation(`${entry.paymentId} was signed with another authorization`);
      const { wallet, token, atMs } = entry;
      if (!before && dayOf(wallet, token).at(atMs) + BigInt(entry.value) > perDay) return false;
      lines?.append(entry);
      lines?.sync();
      remember(entry);
      return true;
    },
    learn(entry) {
      if (payments.get(entry.paymentId)?.digests.includes(entry.authorizationDigest)) return;
      remember(entry);
      try {
        lines?.append(entry);
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
