import type { Reading } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import type { Reservation } from '@countersign/payment';
import type { Book, Budgets } from '@countersign/ports';
import { type Denied, tellAvailable } from '../index.ts';

/** A denial, and the readings by which it says what is left; without them where they could not be had. */
interface Told {
  readonly plan: Denied;
  readonly readings?: Reading[];
}

/**
 * Lets a denial that no counter made say what is still available, in one reading of the store. A store that is lost, ahead
 * or away changes nothing about the denial, which goes on without: whoever needs the store next meets the same fault.
 *
 * @param reserved what the payment itself holds, where people were asked about it before.
 */
export async function toldAvailable(
  { budgets, book }: { readonly budgets: Budgets; readonly book: Book },
  plan: Denied,
  reserved: Reservation | null,
): Promise<Told> {
  if (!plan.limits) return { plan };
  try {
    const held = plan.limits.length === 0 ? [] : await budgets.read(book, plan.limits);
    const readings = held.map((reading) => withoutOwn(reading, reserved));
    const told = tellAvailable(plan, readings);
    return told ? { plan: told, readings } : { plan };
  } catch (error) {
    if (error instanceof Fault) return { plan };
    throw error;
  }
}

/** As a reservation would be answered: what the payment holds is not held against it, and ends with it. */
function withoutOwn(reading: Reading, reserved: Reservation | null): Reading {
  const { scope, open, openCount } = reading;
  if (!reserved?.scopes.includes(scope) || openCount === 0) return reading;
  const others = BigInt(open) - BigInt(reserved.amount);
  return { ...reading, open: others > 0n ? `${others}` : '0', openCount: openCount - 1 };
}
