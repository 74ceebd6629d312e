import { setImmediate as turn } from 'node:timers/promises';
import { decodeEvent } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import type {
  ArchivedRecord,
  Cut,
  EventStore,
  LaneId,
  LogRecord,
  PaymentColumns,
} from '@countersign/ports';
import { type LaneHost, openingsOf } from '@countersign/service-kit';
import { columnsOf, paymentColumnsOf } from '../domain/columns.ts';

const READ_RECORDS_MAX = 1_000;
/** Records that are kept from the claim of their range until they are inserted; those of further lanes are read again. */
const KEPT_MAX = 30_000;
/** Payments whose columns are remembered between cuts. */
const REMEMBERED_MAX = 20_000;

type Range = Pick<Cut, 'lane' | 'from' | 'to'>;

/** The records of cuts, with what is known of their payments. */
export class CutRecords {
  readonly #host: LaneHost;
  readonly #store: EventStore;
  /** By lane: what was read to claim a range of it, from its beginning on. */
  readonly #kept = new Map<LaneId, readonly LogRecord[]>();
  #keptCount = 0;
  readonly #remembered = new Map<string, PaymentColumns>();
  /** Next offset of each lane whose records `remembered` has seen. */
  readonly #seen = new Map<LaneId, number>();

  constructor({ host, store }: { readonly host: LaneHost; readonly store: EventStore }) {
    this.#host = host;
    this.#store = store;
  }

  /** The store begins anew, and with it what is known of payments. */
  forget(): void {
    this.dropKept();
    this.#remembered.clear();
    this.#seen.clear();
  }

  dropKept(): void {
    this.#kept.clear();
    this.#keptCount = 0;
  }

  /** @throws Fault `log_shorter` */
  async readAndKeep(range: Range): Promise<readonly LogRecord[]> {
    const records = await this.#read(range);
    this.#keptCount += records.length;
    if (this.#keptCount <= KEPT_MAX) this.#kept.set(range.lane, records);
    return records;
  }

  /**
   * All of one cut, in order. Another recorder's may begin or end elsewhere; what stands in the log does not change.
   *
   * @throws Fault `log_shorter`, or `event_store_unavailable`.
   */
  async of(cut: Cut): Promise<readonly ArchivedRecord[]> {
    const { lane, from, to } = cut;
    const kept = this.#kept.get(lane);
    this.#kept.delete(lane);
    const isWhole = kept?.[0]?.offset === from && kept.length >= to - from;
    return this.#withColumns(cut, isWhole ? kept.slice(0, to - from) : await this.#read(cut));
  }

  async #withColumns(cut: Cut, records: readonly LogRecord[]): Promise<readonly ArchivedRecord[]> {
    const judged = records.map((record) => {
      const event = decodeEvent(record.bytes);
      const ignored = this.#host.ignoredAt(record);
      return { record, event: 'undecodable' in event ? null : event, ignored };
    });
    if (this.#seen.get(cut.lane) !== cut.from || this.#remembered.size > REMEMBERED_MAX)
      this.#remembered.clear();
    const named = judged.map(({ event }) =>
      event && 'paymentId' in event.data ? event.data.paymentId : '',
    );
    const unknown = new Set(named.filter((id) => id !== '' && !this.#remembered.has(id)));
    for (const [id, columns] of await this.#store.columnsOf([...unknown]))
      this.#remembered.set(id, columns);
    this.#seen.set(cut.lane, cut.to);
    return judged.map(({ record, event, ignored }) => {
      const paymentId = event && 'paymentId' in event.data ? event.data.paymentId : '';
      const columns = columnsOf({ event, ignored }, this.#remembered.get(paymentId));
      if (paymentId !== '' && ignored === null)
        this.#remembered.set(paymentId, paymentColumnsOf(columns));
      return { record, columns, openings: event ? openingsOf(record.openings, event.data) : [] };
    });
  }

  async #read({ lane, from, to }: Range): Promise<readonly LogRecord[]> {
    const records: LogRecord[] = [];
    while (from + records.length < to) {
      const at = from + records.length;
      const some = await this.#host.log.read(lane, at, Math.min(READ_RECORDS_MAX, to - at));
      if (some.length === 0)
        throw new Fault('log_shorter', `lane ${lane} ends at ${at}`, { retryable: false });
      records.push(...some);
      await turn();
    }
    return records;
  }
}
