import { type Fixed, type Payment, SKEW_MAX_MS, fixedOf } from '@countersign/payment';
import type { LaneHost } from '@countersign/service-kit';
import { walletKeyName } from '../domain/preconditions.ts';
import type { JournalEntry } from './journal-file.ts';
import type { SigningJournal } from './signing-journal.ts';

/** A fixed authorization older than this is not signed any more; it goes void. */
export const CLAIM_AGE_MAX_MS = 30_000;

/**
 * Several signers share out the lanes, and a wallet's payments are in many: what the log has fixed counts against the
 * ceiling here, whoever signs it, and from before it is signed.
 */
export function learnWhatIsFixed(host: LaneHost, journal: SigningJournal): void {
  // A journal that was lost, or put back as it once was, lacks what the kept fold is past.
  host.keepBeside('signer.journal', journal);
  host.onTouched((payments) => {
    for (const payment of payments) learn(journal, payment);
  });
}

function learn(journal: SigningJournal, payment: Payment): void {
  const fixed = fixedOf(payment);
  if (!fixed) return;
  // The time of the log is a broker's: one that is years ahead must not make others of the day look old. The end was taken
  // from the chain's time.
  const endMs = fixed.authorization.validBefore * 1_000 + SKEW_MAX_MS;
  const atMs = Math.min(fixed.fixedAtMs + CLAIM_AGE_MAX_MS, endMs);
  journal.learn(entryOf(payment, fixed, atMs));
}

/** An authorization as the journal has it. @param atMs the latest time at which it was signed. */
export function entryOf({ id, tenant }: Payment, fixed: Fixed, atMs: number): JournalEntry {
  const { authorization, authorizationDigest, walletId, renews } = fixed;
  const { token, value } = authorization;
  return {
    ...{ paymentId: id, wallet: walletKeyName(tenant, walletId), token, value },
    ...{ authorizationDigest, atMs },
    ...(renews !== null && { renews }),
  };
}
