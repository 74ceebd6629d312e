import type { LaneId, LogRecord, Position } from './event-log.ts';

/** One range of one lane: what is inserted at once, fixed in the log beforehand. */
export interface Cut {
  /** Offset of the cut's record in the archive lane; grows from cut to cut, with gaps. */
  readonly sequence: number;
  readonly lane: LaneId;
  /** First offset, and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** Size of the Merkle log after this cut; its first leaf has index `treeSize − (to − from)`. */
  readonly treeSize: number;
}

/** What is known of the payment a record belongs to; every row of a payment carries it. Empty text for unknown. */
export interface PaymentColumns {
  readonly kind: string;
  readonly task: string;
  readonly session: string;
  readonly seller: string;
  readonly category: string;
  readonly trust: string;
  readonly jurisdiction: string;
  readonly domain: string;
  readonly url: string;
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  /** Atomic units of the asset. */
  readonly amount: bigint;
  /** 10^-6 of the unit of account. */
  readonly amountUnits: bigint;
  /** 0 before a decision. */
  readonly policyVersion: number;
  readonly policyHash: string;
  readonly outcome: string;
  readonly tier: string;
  readonly reasons: readonly string[];
  /** How much of the rules the decision's record tells: `full` or `decisive`; empty before a decision. */
  readonly auditDepth: string;
  /** Record profile of the tier that took the payment; empty for none. */
  readonly auditProfile: string;
  readonly wallet: string;
}

/** The columns of one record, with those of its payment. */
export interface RecordColumns extends PaymentColumns {
  readonly tenant: string;
  readonly agent: string;
  /** Empty for bytes that are no event. */
  readonly event: string;
  /** Code with which the fold ignored the record; empty where it counted. */
  readonly ignored: string;
  readonly paymentId: string;
  /** Payments the record names besides its own. */
  readonly payments: readonly string[];
  readonly person: string;
  readonly code: string;
  readonly nonce: string;
  readonly txHash: string;
  /** Time of the block that holds the evidence; 0 without. */
  readonly chainAtMs: number;
}

export interface OpenedText {
  readonly field: string;
  readonly value: string;
  readonly salt: string;
}

export interface ArchivedRecord {
  readonly record: LogRecord;
  readonly columns: RecordColumns;
  /** Free text and personal data beside the bytes, as far as it has not been erased. */
  readonly openings: readonly OpenedText[];
}

/** A cut with all that is inserted for it. */
export interface ArchiveBatch {
  readonly cut: Cut;
  /** One for each offset of the cut, in order; all within one month of UTC. */
  readonly records: readonly ArchivedRecord[];
  /** The Merkle log after this cut: its root, and the hashes it goes on from. Lower-case hex. */
  readonly tree: { readonly root: string; readonly frontier: readonly string[] };
}

/** How far the store goes. */
export interface Archived {
  /** Of the last cut; −1 before the first. */
  readonly sequence: number;
  readonly treeSize: number;
  readonly root: string;
  readonly frontier: readonly string[];
  /** Next offset of each lane that has any. */
  readonly ends: ReadonlyMap<LaneId, number>;
}

/** A record as it is hashed. */
export type Leaf = Pick<LogRecord, 'lane' | 'offset' | 'stampMs' | 'key' | 'bytes'>;

/** What to look for. All conditions hold together; times are log times, `toMs` excluded. */
export interface EventQuery {
  readonly tenant: string;
  /** Its own records, and those that name it. */
  readonly paymentId?: string | undefined;
  /** The records that show it, and all of their payments. */
  readonly txHash?: string | undefined;
  /** As `txHash`. */
  readonly nonce?: string | undefined;
  readonly task?: string | undefined;
  readonly session?: string | undefined;
  readonly seller?: string | undefined;
  readonly agent?: string | undefined;
  readonly event?: string | undefined;
  readonly outcome?: string | undefined;
  readonly policyVersion?: number | undefined;
  readonly auditDepth?: string | undefined;
  readonly auditProfile?: string | undefined;
  /** Words that all stand in one free text, whatever their case. */
  readonly text?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only records with a smaller leaf: the `next` of the page before. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface FoundEvent extends RecordColumns {
  readonly leaf: number;
  readonly position: Position;
  readonly atMs: number;
  /** Free text of the record by field. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface EventPage {
  /** Newest first. */
  readonly events: readonly FoundEvent[];
  /**
   * `before` of the next page; null on the last. A store may try the other conditions on so many records with a word at
   * once: then a page is short, or empty, and not the last.
   */
  readonly next: number | null;
}

export interface SpendQuery {
  readonly tenant: string;
  /** Days of UTC as `2026-11-20`, both included. */
  readonly from: string;
  readonly to: string;
  readonly agent?: string | undefined;
}

/** What one agent paid on one day to one place, for one reason. */
export interface SpendLine {
  readonly day: string;
  readonly agent: string;
  readonly kind: string;
  readonly network: string;
  readonly asset: string;
  readonly seller: string;
  readonly domain: string;
  readonly category: string;
  readonly task: string;
  readonly policyVersion: number;
  readonly policyHash: string;
  readonly tier: string;
  readonly reason: string;
  readonly amount: bigint;
  readonly payments: number;
}

/** Lines of one report. */
export const SPEND_LINES_MAX = 10_000;

export interface SpendReport {
  /** By day, newest first, agent, and amount, largest first; at most {@link SPEND_LINES_MAX}. */
  readonly lines: readonly SpendLine[];
  /** There were more lines than are given: some of the last day among them, and all of the days before. */
  readonly truncated: boolean;
}

export interface SqlAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** There were more rows than are given. */
  readonly truncated: boolean;
}

/**
 * What happened, for people who ask: typed, searchable, and never the arbiter of anything. It may be lost and filled
 * again from the log.
 */
export interface EventStore {
  /**
   * Of one moment, whoever stores a cut meanwhile.
   *
   * @throws Fault `event_store_emptied` (retryable) where an engine turns out not to have kept what it took: the store is
   * empty then.
   */
  archived(): Promise<Archived>;
  /**
   * Stores a cut, once, and reads it back. The same cut may be stored again by anyone at any time, also half-way or at
   * once: it is there once, in every table and rollup.
   *
   * @throws Fault `event_store_unavailable`; the cut may be there in part, and must be stored again.
   * @throws Fault `archive_mismatch` (not retryable) where something else is found in its place.
   * @throws Fault `event_store_emptied` (retryable) as {@link archived}, and where the store does not hold what comes before
   * the cut: nothing of it is stored, and who stores begins again from {@link archived}.
   */
  archive(batch: ArchiveBatch): Promise<void>;
  /**
   * Records by their place in the Merkle log: from ≤ index < to, in order, as far as the store goes; of every tenant.
   * For some thousands at once.
   */
  leaves(from: number, to: number): Promise<readonly Leaf[]>;
  /** The newest columns of payments that have archived records. */
  columnsOf(paymentIds: readonly string[]): Promise<ReadonlyMap<string, PaymentColumns>>;
  search(query: EventQuery): Promise<EventPage>;
  spend(query: SpendQuery): Promise<SpendReport>;
  /**
   * Runs one SELECT over what belongs to the tenant: read-only, bounded in time, memory, rows and bytes: further rows
   * are left out, and an answer of too many bytes is refused. A store without SQL refuses each. One query at a time: one
   * that the store cannot stop is refused in time, and nobody else asks until it has ended.
   *
   * @throws SqlRefused with the reason in words.
   * @throws Fault `event_store_unavailable` (retryable) while another query is under way.
   */
  sql(tenant: string, text: string): Promise<SqlAnswer>;
  /** Erases the free text of one record. Idempotent. */
  eraseOpenings(position: Position): Promise<void>;
  /** Idempotent; waits for what is running, but for a query that was given up. */
  close(): Promise<void>;
}

/** A query that is not run, or was stopped. */
export class SqlRefused extends Error {
  override readonly name = 'SqlRefused';
}
