import type { RefusalCode } from '@countersign/contracts';
import type { Clock } from '@countersign/ports';
import type { Log } from '@countersign/service-kit';

/** A message no agent can be held to have sent. */
export interface UnattributedMessage {
  /** Where it still stands, for whoever looks into it. */
  readonly place: string;
  readonly atMs: number;
  readonly code: RefusalCode;
  readonly detail: string;
}

const LISTED_MAX = 200;
const ALERT_EVERY_MS = 60_000;

/**
 * Messages that were let lie: listed, counted, and told of in the service's log, the first at once and then at most once
 * a minute. They are not answered, as an answer would tell the agent of a message that it did not send.
 */
export class Unattributed {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #newest: UnattributedMessage[] = [];
  #total = 0;
  #untold = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Since this replica started. */
  get total(): number {
    return this.#total;
  }

  /** The newest, the newest last. */
  get newest(): readonly UnattributedMessage[] {
    return this.#newest;
  }

  add(message: Omit<UnattributedMessage, 'atMs'>): void {
    const nowMs = this.#clock.nowMs();
    this.#total += 1;
    this.#untold += 1;
    this.#newest.push({ ...message, atMs: nowMs });
    if (this.#newest.length > LISTED_MAX) this.#newest.shift();
    if (nowMs < this.#toldAtMs + ALERT_EVERY_MS) return;
    const { place, code } = message;
    this.#log.error(
      { alert: 'messages_unattributed', count: this.#untold, place, code },
      'messages came that no agent can be held to have sent',
    );
    this.#toldAtMs = nowMs;
    this.#untold = 0;
  }
}
