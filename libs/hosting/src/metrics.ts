import { decodeEvent } from '@countersign/contracts';
import { owed } from '@countersign/payment';
import { CONTROL, type EventLog, type LogRecord } from '@countersign/ports';
import type { Folded, LaneHost, Meter } from '@countersign/service-kit';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Seconds; a log on the same machine answers in a millisecond, one across zones in tens. */
const APPEND_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** Only these are decoded a second time. */
const COUNTED = ['decision.made', 'signing.completed'].map((name) => Buffer.from(name));

/** What a service tells Prometheus. Names are stable; every one begins with `countersign_`. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #folded = this.#counter('records_folded_total', 'Records folded', ['lane', 'code']);
  readonly #paid = this.#counter('debts_paid_total', 'Effects that ran to their end', ['kind']);
  readonly #failed = this.#counter('effect_failures_total', 'Effects that failed', [
    ...['kind', 'code'],
  ]);
  readonly #decisions = this.#counter('decisions_total', 'Decisions folded', ['outcome']);
  readonly #signatures = this.#counter('signatures_total', 'Signatures folded', []);
  readonly #appends = new Histogram({
    name: 'countersign_append_seconds',
    help: 'Time until the log acknowledged an append',
    buckets: APPEND_BUCKETS,
    registers: [this.#registry],
  });

  constructor(service: string) {
    this.#registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Counts what becomes of debts. */
  readonly meter: Meter = {
    paid: (kind) => this.#paid.inc({ kind }),
    failed: (kind, code) => this.#failed.inc({ kind, code }),
  };

  /** The same log; how long its appends take is kept. */
  timed(log: EventLog): EventLog {
    const append: EventLog['append'] = async (records) => {
      const done = this.#appends.startTimer();
      const positions = await log.append(records);
      done();
      return positions;
    };
    return {
      capabilities: log.capabilities,
      logId: log.logId,
      laneCount: log.laneCount,
      append,
      read: (lane, offset, max) => log.read(lane, offset, max),
      end: (lane) => log.end(lane),
      subscribe: (from, onRecords, onFault) => log.subscribe(from, onRecords, onFault),
      close: () => log.close(),
    };
  }

  /**
   * Watches the fold; what is owed is counted when somebody asks.
   *
   * @param service whose debts count; all of them where it is left out
   */
  watch(host: LaneHost, service?: string): void {
    host.onRecord((record, result) => this.#onRecord(record, result));
    const registers = [this.#registry];
    const lag = new Gauge({
      name: 'countersign_fold_lag_records',
      help: 'Records in the log that are not folded yet',
      labelNames: ['lane'],
      registers,
      async collect() {
        const names = [CONTROL, ...host.lanes.map(({ lane }) => String(lane))];
        for (const lane of names) {
          const next = lane === CONTROL ? host.control.offset + 1 : host.lanes[Number(lane)]?.next;
          lag.set({ lane }, Math.max(0, (await host.log.end(lane)) - (next ?? 0)));
        }
      },
    });
    const debts = new Gauge({
      name: 'countersign_debts_owed',
      help: 'Debts of payments that this service owes, by kind, whoever is to pay them',
      labelNames: ['kind'],
      registers,
      collect() {
        debts.reset();
        for (const payment of payments(host))
          for (const debt of owed(payment))
            if (service === undefined || debt.service === service) debts.inc({ kind: debt.kind });
      },
    });
    const open = new Gauge({
      name: 'countersign_open_payments',
      help: 'Payments that have not ended, by status',
      labelNames: ['status'],
      registers,
      collect() {
        open.reset();
        for (const { phase } of payments(host))
          if (phase.status !== 'ended') open.inc({ status: phase.status });
      },
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #onRecord(record: LogRecord, { applied, code }: Folded): void {
    const lane = record.lane === CONTROL ? CONTROL : 'lanes';
    this.#folded.inc({ lane, code: code ?? 'applied' });
    const bytes = Buffer.from(record.bytes.buffer, record.bytes.byteOffset, record.bytes.length);
    if (!applied || !COUNTED.some((name) => bytes.includes(name))) return;
    const event = decodeEvent(record.bytes);
    if ('undecodable' in event) return;
    if (event.name === 'decision.made')
      this.#decisions.inc({ outcome: event.data.decision.verdict.outcome });
    if (event.name === 'signing.completed') this.#signatures.inc();
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    const registers = [this.#registry];
    return new Counter({
      name: `countersign_${name}`,
      help,
      labelNames: [...labelNames],
      registers,
    });
  }
}

function* payments(host: LaneHost) {
  for (const lane of host.lanes)
    for (const agent of lane.agents.values()) yield* agent.payments.values();
}
