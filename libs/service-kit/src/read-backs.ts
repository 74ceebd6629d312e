import type { RefusalCode } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import type { LogRecord, Position } from '@countersign/ports';
import { Refused } from './refusal.ts';

/** What a record did, once folded. */
export interface Folded {
  readonly applied: boolean;
  readonly code: RefusalCode | null;
  readonly paymentId: string | null;
}

/** How the fold judged a record that was appended. */
export interface ReadBack {
  readonly position: Position;
  readonly id: string;
  readonly applied: boolean;
  /** Why it was ignored; null when it was applied. */
  readonly code: RefusalCode | null;
  /** The payment an ignored intent turned out to be. */
  readonly paymentId: string | null;
}

/** `lane:offset`, as answers name where a record stands. */
export function positionText({ position }: { readonly position: Position }): string {
  return `${position.lane}:${position.offset}`;
}

/** A record that was ignored, for operators. */
export interface IgnoredRecord {
  readonly position: Position;
  readonly code: RefusalCode;
  readonly detail: string;
}

/** Judgements kept for writers that have not come to read them yet. */
const RECENT_MAX = 50_000;
const IGNORED_MAX = 1_000;

/** Brings each writer the judgement of its record, whichever of the two comes first. */
export class ReadBacks {
  readonly #recent = new Map<string, Folded>();
  /** By lane: the newest offset whose judgement nobody came for in time. */
  readonly #forgotten = new Map<string, number>();
  readonly #waiting = new Map<string, PromiseWithResolvers<Folded>>();
  #closed: Error | undefined;
  /** The newest ignored records; repeats of what is there are not worth listing. */
  readonly ignored: IgnoredRecord[] = [];

  /**
   * Resolves when the record at `position` has been folded.
   *
   * @throws Fault `judgement_forgotten`, retryable, for one that so many others followed that it is not kept any more.
   */
  at(position: Position): Promise<Folded> {
    const key = positionText({ position });
    const known = this.#recent.get(key);
    if (known) return Promise.resolve(known);
    if (this.#closed) return Promise.reject(this.#closed);
    if (position.offset <= (this.#forgotten.get(position.lane) ?? -1))
      return Promise.reject(forgotten(key));
    const waiting = Promise.withResolvers<Folded>();
    this.#waiting.set(key, waiting);
    return waiting.promise;
  }

  done({ lane, offset, key: detail }: LogRecord, folded: Folded): void {
    const { code } = folded;
    if (code !== null && code !== 'duplicate') {
      if (this.ignored.length >= IGNORED_MAX) this.ignored.shift();
      this.ignored.push({ position: { lane, offset }, code, detail });
    }
    const key = `${lane}:${offset}`;
    const waiting = this.#waiting.get(key);
    if (waiting) {
      this.#waiting.delete(key);
      waiting.resolve(folded);
      return;
    }
    this.#recent.set(key, folded);
    if (this.#recent.size > RECENT_MAX) this.#forget(this.#recent.keys().next().value ?? '');
  }

  #forget(key: string): void {
    this.#recent.delete(key);
    const [lane = '', offset] = key.split(':');
    this.#forgotten.set(lane, Math.max(Number(offset), this.#forgotten.get(lane) ?? -1));
  }

  /** Nobody folds any more: whoever waits is told. */
  close(error: Error): void {
    this.#closed ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

function forgotten(position: string): Fault {
  const message = `what became of the record at ${position} is not kept any more`;
  return new Fault('judgement_forgotten', message, { retryable: true });
}

/** The position, when the record was applied; otherwise the refusal it stands for. */
export function expectApplied(back: ReadBack): ReadBack {
  if (back.applied || back.code === null) return back;
  throw new Refused(back.code, undefined, back.paymentId ? { paymentId: back.paymentId } : {});
}
