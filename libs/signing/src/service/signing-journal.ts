import { Fault, InvariantViolation } from '@countersign/kernel';
import { DaySum } from '../domain/day-sum.ts';
import { type JournalEntry, JournalFile } from './journal-file.ts';

/** The newest authorization known of a payment. */
export type Known = Pick<JournalEntry, 'paymentId' | 'wallet' | 'authorizationDigest' | 'atMs'>;

/**
 * What this signer has signed, by its own account, and what it saw fixed in the log, which another may have signed: single
 * use and ceilings hold even if the log were rolled back, and however many signers there are.
 */
export interface SigningJournal {
  /** How much it holds, for whoever must know later whether it holds as much. */
  readonly mark: string;
  /** Whether it is the journal of that mark, with all that it held then. */
  holds(mark: string | undefined): boolean;
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
  const file = new JournalFile(path, remember);
  return {
    get mark() {
      return file.mark;
    },
    holds: (mark) => file.holds(mark),
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
      file.append(entry);
      file.sync();
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
        file.append(seen);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        // It is known here until the next start, which then folds everything again.
        file.lacks();
      }
    },
    close: () => file.close(),
  };
}
