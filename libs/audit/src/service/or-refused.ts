import { Fault } from '@countersign/kernel';
import { SqlRefused } from '@countersign/ports';
import { Refused } from '@countersign/service-kit';

/** What the event store answers, or why it does not, as its caller is told. */
export async function orRefused<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SqlRefused) throw new Refused('sql_refused', error.message);
    if (error instanceof Fault) throw new Refused('unavailable', error.message);
    throw error;
  }
}
