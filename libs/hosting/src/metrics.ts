import { type EventName, type EventOf, WRITERS } from '@countersign/contracts';
import {
  CONTROL,
  type DutyShares,
  type EventLog,
  type LogRecord,
  altered,
} from '@countersign/ports';
import type { Answered, Folded, LaneHost, Meter } from '@countersign/service-kit';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { DebtAges, logLag, payments, stopsOf } from './readings.ts';

/** Seconds; a log on the same machine answers in a millisecond, one across zones in tens. */
const APPEND_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
/** Seconds; the longest wait that an agent may ask for is a minute. */
const HTTP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

const LANES = 'lanes';
/** Codes of records that none of our services wrote. */
const FOREIGN = ['not_genuine', 'undecodable', 'wrong_id'];

interface Watched {
  /** Whose debts count; all of them where it is left out. */
  readonly service?: string;
  /** The lanes that are this replica's; all of them where it is left out. */
  readonly duty?: DutyShares | undefined;
}

/** What is told of an event store. */
export interface ArchiveReading {
  /** It is open, and took what it was last given. */
  readonly isRecording: boolean;
  /** How many folded records it lacks; undefined before it is open. */
  readonly waiting: number | undefined;
}

/** Why a message is nobody's. */
const NOBODYS = ['undecodable', 'too_large', 'agent_unknown', 'unauthenticated', 'not_genuine'];

/**
 * What a service tells Prometheus. Names are stable, and every one of ours begins with `countersign_`. Whatever is
 * counted of the log is counted by every process that folds it, from when it has caught up: the maximum over them is the
 * number, never the sum.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #folded = this.#counter('records_folded_total', 'Records folded', ['lane', 'code']);
  readonly #events = this.#counter('events_folded_total', 'Records that counted, by event', [
    'event',
  ]);
  readonly #paid = this.#counter('debts_paid_total', 'Effects that ran to their end', ['kind']);
  readonly #failed = this.#counter('effect_failures_total', 'Effects that failed', [
    ...['kind', 'code'],
  ]);
  readonly #bugs = this.#counter('bugs_total', 'Effects that were given up because of a bug', []);
  readonly #decisions = this.#counter('decisions_total', 'Decisions folded', ['outcome']);
  readonly #signatures = this.#counter('signatures_total', 'Signatures folded', []);
  readonly #messages = this.#counter('messages_total', 'Messages of agents handled', [
    ...['result', 'code'],
  ]);
  readonly #appends = this.#histogram('append_seconds', APPEND_BUCKETS, [
    'Time until the log acknowledged an append',
  ]);
  readonly #requests = this.#histogram('http_seconds', HTTP_BUCKETS, [
    'Time until a request was answered',
    ...['method', 'route', 'status'],
  ]);

  #isCaughtUp = false;

  constructor(service: string) {
    this.#registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.#registry });
    // A series that begins with its first event shows no increase at it, and no alert would see it.
    for (const event of Object.keys(WRITERS)) this.#events.inc({ event }, 0);
    for (const code of FOREIGN)
      for (const lane of [CONTROL, LANES]) this.#folded.inc({ lane, code }, 0);
    for (const code of NOBODYS) this.#messages.inc({ result: 'unattributed', code }, 0);
    this.#bugs.inc(0);
  }

  /** Counts what becomes of debts. */
  readonly meter: Meter = {
    paid: (kind) => this.#paid.inc({ kind }),
    failed: (kind, code) => {
      this.#failed.inc({ kind, code });
      if (code === 'bug') this.#bugs.inc();
    },
  };

  /** From now on records are news; what was folded before is history that somebody else has counted. */
  caughtUp(): void {
    this.#isCaughtUp = true;
  }

  answered({ method, route, status, seconds }: Answered): void {
    this.#requests.observe({ method, route, status: String(status) }, seconds);
  }

  /** Counts what becomes of agents' messages; each process counts those it handled. */
  readonly messages = {
    handled: (result: string, code: string): void => this.#messages.inc({ result, code }),
  };

  /** The same log; how long its appends take is kept. */
  timed(log: EventLog): EventLog {
    const append: EventLog['append'] = async (records) => {
      const done = this.#appends.startTimer();
      const positions = await log.append(records);
      done();
      return positions;
    };
    return altered(log, {
      append,
    });
  }

  /** Watches the fold; what stands in it is counted when somebody asks. */
  watch(host: LaneHost, { service, duty }: Watched = {}): void {
    host.onRecord((record, folded, event) => this.#onRecord(record, folded, event));
    this.#watchLog(host);
    const ages = new DebtAges(service);
    this.#gauge(
      'debts_owed',
      ['Debts of payments, by kind, whoever is to pay them', 'kind'],
      (set) => ages.counted(host).forEach((count, kind) => set(count, { kind })),
    );
    this.#gauge(
      'debt_age_seconds',
      ['How long the oldest due debt is known, by kind', 'kind'],
      (set) => ages.oldest(host, Date.now()).forEach((ms, kind) => set(ms / 1000, { kind })),
    );
    this.#gauge('open_payments', ['Payments that have not ended, by status', 'status'], (set) => {
      const counts = new Map<string, number>();
      for (const { phase } of payments(host))
        if (phase.status !== 'ended') counts.set(phase.status, (counts.get(phase.status) ?? 0) + 1);
      counts.forEach((count, status) => set(count, { status }));
    });
    this.#gauge('stopped', ['What is frozen, waits for a person, or is set aside', 'what'], (set) =>
      stopsOf(host).forEach((count, what) => set(count, { what })),
    );
    this.#gauge('lanes', ['Lanes of the log'], (set) => set(host.lanes.length));
    this.#gauge('duty_lanes', ['Lanes whose debts are this replica’s'], (set) =>
      set(host.lanes.filter(({ lane }) => duty?.holds(lane) ?? true).length),
    );
  }

  /** A store that is never opened has no count of what it lacks, so whether it is open is told beside it. */
  watchArchive(archive: ArchiveReading): void {
    this.#gauge(
      'event_store_open',
      ['Whether the event store is open, and took what it was last given'],
      (set) => set(archive.isRecording ? 1 : 0),
    );
    this.#gauge('unarchived_records', ['Folded records that the event store lacks'], (set) => {
      if (archive.waiting !== undefined) set(archive.waiting);
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Where the log cannot be asked, that is what is told, and everything else all the same. */
  #watchLog(host: LaneHost): void {
    let asked: ReturnType<typeof logLag> | undefined;
    const lag = () => (asked ??= logLag(host).finally(() => (asked = undefined)));
    this.#gauge('log_answers', ['Whether the log said where its lanes end'], async (set) =>
      set((await lag()) ? 1 : 0),
    );
    const help = 'Records in the log that are not folded yet';
    this.#gauge('fold_lag_records', [help, 'lane'], async (set) =>
      (await lag())?.forEach((count, lane) => set(count, { lane })),
    );
  }

  #onRecord(
    record: LogRecord,
    { applied, code }: Folded,
    event: EventOf<EventName> | undefined,
  ): void {
    if (!this.#isCaughtUp) return;
    const lane = record.lane === CONTROL ? CONTROL : LANES;
    this.#folded.inc({ lane, code: code ?? 'applied' });
    if (!applied || !event) return;
    this.#events.inc({ event: event.name });
    if (event.name === 'signing.completed') this.#signatures.inc();
    if (event.name === 'decision.made')
      this.#decisions.inc({ outcome: event.data.decision.verdict.outcome });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({
      name: `countersign_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #histogram(
    name: string,
    buckets: number[],
    [help, ...labelNames]: readonly [help: string, ...labels: string[]],
  ): Histogram {
    const registers = [this.#registry];
    return new Histogram({ name: `countersign_${name}`, help, labelNames, buckets, registers });
  }

  /** A gauge that is read when somebody asks, from nothing each time. */
  #gauge(
    name: string,
    [help, ...labelNames]: readonly [help: string, ...labels: string[]],
    read: (set: (value: number, labels?: Record<string, string>) => void) => void | Promise<void>,
  ): void {
    const gauge: Gauge = new Gauge({
      name: `countersign_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      async collect() {
        gauge.reset();
        await read((value, labels = {}) => gauge.set(labels, value));
      },
    });
  }
}
