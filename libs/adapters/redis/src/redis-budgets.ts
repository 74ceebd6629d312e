import { randomUUID } from 'node:crypto';
import { type Limit, Reading, ReservationAnswer } from '@countersign/contracts';
import { Fault, InvariantViolation, invariant } from '@countersign/kernel';
import {
  type Book,
  type Budgets,
  type OpenReservation,
  type Bookings,
  type ReserveRequest,
  type ReserveResult,
  checkReserve,
} from '@countersign/ports';
import { z } from 'zod';
import { Connection, type ConnectionOptions, unavailable } from './connection.ts';
import { readPlan, reservePlan } from './plan.ts';
import { dropGenerations, writeGeneration } from './generation.ts';
import type { ScriptName } from './scripts.ts';

export interface RedisBudgetsOptions extends ConnectionOptions {
  /** The log whose counters these are; those of another log are refused. */
  readonly logId: string;
  /** In place of the server's own time, for tests. */
  readonly nowMs?: () => number;
}

/** A calendar may turn between the question and the answer; it does not do so again at once. */
const TRIES_MAX = 3;

const Readings = z.array(Reading);

/**
 * Budgets in Redis: each operation is one script over keys that share the tenant's hash tag, and each script begins by
 * making sure that what it finds is what was written (see `lua/fence.lua`).
 *
 * @throws nothing: where there is no server yet, calls fail until there is one.
 */
export async function openRedisBudgets(options: RedisBudgetsOptions): Promise<Budgets> {
  const connection = new Connection(options);
  await connection.ready();
  return new RedisBudgets(connection, options);
}

class RedisBudgets implements Budgets {
  readonly #connection: Connection;
  readonly #logId: string;
  readonly #nowMs: (() => number) | undefined;
  /** How far the store's clock is ahead of ours, for the calendar. */
  #aheadMs = 0;

  constructor(connection: Connection, { logId, nowMs }: RedisBudgetsOptions) {
    this.#connection = connection;
    this.#logId = logId;
    this.#nowMs = nowMs;
  }

  async reserve(request: ReserveRequest): Promise<ReserveResult> {
    checkReserve(request);
    const { paymentId, attempt, amount, inputs } = request;
    const { round, through } = attempt;
    const head = [paymentId, String(round), String(through), String(amount), inputs];
    const [kind, answer, first] = await this.#inTime('reserve', request, (nowMs) => [
      ...head,
      reservePlan(request, nowMs),
    ]);
    if (kind === 'superseded' || kind === 'ended') return { kind };
    if (kind !== 'answered') throw unexpected(kind);
    return {
      kind,
      answer: ReservationAnswer.parse(JSON.parse(textOf(answer))),
      inputs: textOf(first),
    };
  }

  async commit(book: Book, paymentId: string, spentAtMs: number): Promise<void> {
    invariant(Number.isSafeInteger(spentAtMs) && spentAtMs >= 0, `not a time: ${spentAtMs}`);
    await this.#end(book, paymentId, String(spentAtMs));
  }

  async release(book: Book, paymentId: string): Promise<void> {
    await this.#end(book, paymentId, '');
  }

  async read(book: Book, limits: readonly Limit[]): Promise<readonly Reading[]> {
    const [kind, readings] = await this.#inTime('read', book, (nowMs) => [readPlan(limits, nowMs)]);
    if (kind !== 'readings') throw unexpected(kind);
    return Readings.parse(JSON.parse(textOf(readings)));
  }

  async open(book: Book): Promise<readonly OpenReservation[]> {
    await this.#connection.recheck();
    const [kind, fields] = await this.#run('open', book, []);
    if (kind !== 'open' || !Array.isArray(fields)) throw unexpected(kind);
    const found: OpenReservation[] = [];
    for (let at = 0; at < fields.length; at += 2) {
      const [amount = ''] = textOf(fields[at + 1]).split(' ', 1);
      found.push({ paymentId: textOf(fields[at]), amount: BigInt(amount) });
    }
    return found;
  }

  async rebuild(book: Book, bookings: Bookings): Promise<'opened' | 'outrun'> {
    const base = baseOf(book);
    const generation = `${book.epoch}-${randomUUID()}`;
    await this.#connection.recheck();
    const written = await this.#connection.use((redis) =>
      writeGeneration(redis, `${base}fence`, generation, bookings),
    );
    const args = [
      String(bookings.atMs),
      generation,
      String(written.opens),
      String(written.counters),
    ];
    const [kind] = await this.#call('adopt', book, args);
    if (kind !== 'opened' && kind !== 'outrun') throw unexpected(kind);
    // Whoever lost removes what he wrote; whoever won, all that is older. A newer one may be being written.
    await this.#connection.use((redis) =>
      dropGenerations(redis, base, (name, epoch) =>
        kind === 'outrun' ? name === generation : name !== generation && epoch <= book.epoch,
      ),
    );
    return kind;
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #end(book: Book, paymentId: string, spentAt: string): Promise<void> {
    const [kind, state] = await this.#run('end', book, [paymentId, spentAt]);
    if (kind === 'done') return;
    if (kind !== 'refused') throw unexpected(kind);
    const wanted = spentAt === '' ? 'released' : 'committed';
    throw new InvariantViolation(`${paymentId} was ${textOf(state)} and cannot be ${wanted}`);
  }

  /** Runs a script whose arguments depend on the calendar, again with the store's time where ours was another. */
  async #inTime(
    script: ScriptName,
    book: Book,
    argsAt: (nowMs: number) => readonly string[],
  ): Promise<readonly unknown[]> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const ours = this.#nowMs?.() ?? Date.now();
      const answer = await this.#run(script, book, argsAt(ours + this.#aheadMs));
      if (answer[0] !== 'clock') return answer;
      this.#aheadMs = Number(textOf(answer[1])) - ours;
    }
    throw unavailable("the store's clock does not stand still");
  }

  #run(script: ScriptName, book: Book, args: readonly string[]): Promise<readonly unknown[]> {
    return this.#call(script, book, [String(this.#nowMs?.() ?? ''), ...args]);
  }

  async #call(script: ScriptName, book: Book, args: readonly string[]) {
    const head = [this.#logId, String(book.epoch)];
    const answer = await this.#connection.run(script, `${baseOf(book)}fence`, [...head, ...args]);
    if (!Array.isArray(answer)) throw unexpected(answer);
    const [kind, code, why] = answer as readonly unknown[];
    if (kind === 'fault')
      throw new Fault(textOf(code), `${book.tenant}: ${textOf(why)}`, {
        retryable: code !== 'not_countable' && code !== 'budgets_foreign',
      });
    return answer as readonly unknown[];
  }
}

/** Begins every key of a tenant; what stands in braces says where in a cluster all of them are. */
function baseOf({ tenant }: Book): string {
  invariant(/^[\w.-]+$/.test(tenant), `not the name of a tenant: ${tenant}`);
  return `countersign:{${tenant}}:`;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw unavailable(`Redis answered ${typeof value} for a text`);
  return value;
}

function unexpected(kind: unknown): Fault {
  return unavailable(`Redis answered ${String(kind)}`);
}
