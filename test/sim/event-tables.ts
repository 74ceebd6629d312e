import { InvariantViolation } from '@countersign/kernel';
import { SPEND_LINES_MAX } from '@countersign/ports';
import type {
  ArchiveBatch,
  Archived,
  ArchivedRecord,
  Cut,
  EventPage,
  EventQuery,
  FoundEvent,
  Leaf,
  PaymentColumns,
  Position,
  SpendLine,
  SpendQuery,
  SpendReport,
} from '@countersign/ports';

/** One record in the store, as it was inserted. */
export interface StoredRecord extends Omit<ArchivedRecord, 'openings'> {
  readonly leaf: number;
}

interface StoredText {
  readonly leaf: number;
  readonly position: Position;
  readonly field: string;
  readonly value: string;
}

interface StoredCut extends Cut {
  readonly root: string;
  readonly frontier: readonly string[];
}

/** What one block adds to a line of a rollup. */
interface Spent {
  readonly tenant: string;
  readonly line: SpendLine;
}

type Table = 'records' | 'spend' | 'openings' | 'cuts';

/**
 * The event store's server: tables that take a block of rows under a token, once. Nothing binds one table to another but
 * the order in which it is asked: an insert may end between the records and what is summed up from them.
 */
export class EventTables {
  readonly records: StoredRecord[] = [];
  readonly cuts: StoredCut[] = [];
  spent: Spent[] = [];
  #texts: StoredText[] = [];
  readonly #tokens: Readonly<Record<Table, Set<string>>> = {
    records: new Set(),
    spend: new Set(),
    openings: new Set(),
    cuts: new Set(),
  };
  readonly #ofLeaf = new Map<number, StoredRecord[]>();
  readonly #newest = new Map<string, { readonly leaf: number; readonly columns: PaymentColumns }>();

  /** Adds a block to one table; nothing where it has a block under the same token. True when it was added. */
  insert(table: Table, token: string, batch: ArchiveBatch): boolean {
    const { [table]: tokens } = this.#tokens;
    if (tokens.has(token)) return false;
    tokens.add(token);
    const first = firstLeaf(batch.cut);
    if (table === 'records') this.#insertRecords(batch.records, first);
    if (table === 'spend') this.spent.push(...batch.records.flatMap(spentBy));
    if (table === 'openings') this.#texts.push(...batch.records.flatMap(textsFrom(first)));
    if (table === 'cuts') this.cuts.push({ ...batch.cut, ...batch.tree });
    return true;
  }

  /** Forgets under which tokens blocks came. */
  forgetTokens(table: Table): void {
    this.#tokens[table].clear();
  }

  /** Whether each leaf of the cut is there once, from its own place in the log and with its bytes. */
  holds({ cut, records }: ArchiveBatch): boolean {
    const first = firstLeaf(cut);
    return records.every(({ record }, index) => {
      const [stored, ...others] = this.#ofLeaf.get(first + index) ?? [];
      if (!stored || others.length > 0 || stored.record.lane !== record.lane) return false;
      return (
        stored.record.offset === record.offset &&
        Buffer.compare(stored.record.bytes, record.bytes) === 0
      );
    });
  }

  archived(): Archived {
    const last = this.#lastCut();
    const ends = new Map<string, number>();
    for (const { lane, to } of this.cuts) ends.set(lane, Math.max(to, ends.get(lane) ?? 0));
    return {
      sequence: last?.sequence ?? -1,
      treeSize: last?.treeSize ?? 0,
      root: last?.root ?? '',
      frontier: last?.frontier ?? [],
      ends,
    };
  }

  leaves(from: number, to: number): readonly Leaf[] {
    return this.records
      .filter(({ leaf }) => leaf >= from && leaf < to)
      .toSorted((one, other) => one.leaf - other.leaf)
      .map(({ record: { lane, offset, stampMs, key, bytes } }) => ({
        ...{ lane, offset, stampMs, key, bytes },
      }));
  }

  columnsOf(paymentIds: readonly string[]): ReadonlyMap<string, PaymentColumns> {
    return new Map(
      paymentIds.flatMap((id) => {
        const newest = this.#newest.get(id);
        return newest ? [[id, newest.columns] as const] : [];
      }),
    );
  }

  search(query: EventQuery): EventPage {
    const conditions = this.#conditionsOf(query);
    const found = this.records
      .filter((stored) => conditions.every((holds) => holds(stored)))
      .toSorted((one, other) => other.leaf - one.leaf);
    const events = found.slice(0, query.limit).map((stored) => this.#foundOf(stored));
    const last = events.at(-1);
    return { events, next: found.length > query.limit && last ? last.leaf : null };
  }

  spend({ tenant, from, to, agent }: SpendQuery): SpendReport {
    const lines = new Map<string, SpendLine>();
    for (const { tenant: owner, line } of this.spent) {
      if (owner !== tenant || line.day < from || line.day > to) continue;
      if (agent !== undefined && line.agent !== agent) continue;
      const { amount, payments, ...place } = line;
      const key = JSON.stringify(place);
      const before = lines.get(key) ?? { ...place, amount: 0n, payments: 0 };
      lines.set(key, {
        ...place,
        amount: before.amount + amount,
        payments: before.payments + payments,
      });
    }
    const all = [...lines.values()].toSorted(
      (one, other) =>
        inOrder(other.day, one.day) ||
        inOrder(one.agent, other.agent) ||
        inOrder(other.amount, one.amount),
    );
    return { lines: all.slice(0, SPEND_LINES_MAX), truncated: all.length > SPEND_LINES_MAX };
  }

  eraseOpenings({ lane, offset }: Position): void {
    this.#texts = this.#texts.filter(
      ({ position }) => position.lane !== lane || position.offset !== offset,
    );
  }

  get texts(): number {
    return this.#texts.length;
  }

  #lastCut(): StoredCut | undefined {
    return this.cuts.reduce<StoredCut | undefined>(
      (last, cut) => (last && last.sequence > cut.sequence ? last : cut),
      undefined,
    );
  }

  #insertRecords(records: readonly ArchivedRecord[], first: number): void {
    for (const [index, { record, columns }] of records.entries()) {
      const leaf = first + index;
      const stored = { record, columns, leaf };
      this.records.push(stored);
      this.#ofLeaf.set(leaf, [...(this.#ofLeaf.get(leaf) ?? []), stored]);
      const { paymentId, ignored } = columns;
      if (paymentId === '' || ignored !== '') continue;
      if (leaf >= (this.#newest.get(paymentId)?.leaf ?? 0))
        this.#newest.set(paymentId, { leaf, columns });
    }
  }

  #conditionsOf(query: EventQuery): readonly ((stored: StoredRecord) => boolean)[] {
    const {
      tenant,
      fromMs,
      toMs,
      before,
      text,
      limit: _,
      txHash,
      nonce,
      paymentId,
      ...equal
    } = query;
    const ofPayment = Object.entries({ txHash, nonce }).flatMap(([name, value]) => {
      if (value === undefined) return [];
      const named = this.records.filter(
        ({ columns }) =>
          columns.tenant === tenant && columns[name as 'txHash' | 'nonce'] === value.toLowerCase(),
      );
      const ids = new Set(named.map(({ columns }) => columns.paymentId));
      ids.delete('');
      return [(stored: StoredRecord) => named.includes(stored) || isAbout(ids, stored)];
    });
    const hits = text === undefined ? undefined : this.#leavesWith(wordsOf(text));
    return [
      ({ columns }) => columns.tenant === tenant,
      ({ record }) => fromMs === undefined || record.stampMs >= fromMs,
      ({ record }) => toMs === undefined || record.stampMs < toMs,
      ({ leaf }) => before === undefined || leaf < before,
      ({ leaf }) => hits === undefined || hits.has(leaf),
      (stored) => paymentId === undefined || isAbout(new Set([paymentId]), stored),
      (stored) => ofPayment.every((holds) => holds(stored)),
      ({ columns }) =>
        Object.entries(equal).every(
          ([name, value]) => value === undefined || columns[name as keyof typeof equal] === value,
        ),
    ];
  }

  #leavesWith(words: ReadonlySet<string>): ReadonlySet<number> {
    const texts = this.#texts.filter(({ value }) => hasAll(wordsOf(value), words));
    return new Set(texts.map(({ leaf }) => leaf));
  }

  #foundOf({ record, columns, leaf }: StoredRecord): FoundEvent {
    const { lane, offset, stampMs } = record;
    const mine = this.#texts.filter((it) => it.leaf === leaf);
    const texts = Object.fromEntries(mine.map(({ field, value }) => [field, value]));
    return { ...columns, leaf, position: { lane, offset }, atMs: stampMs, texts };
  }
}

/** Whether a record is one of these payments', or names one. */
function isAbout(payments: ReadonlySet<string>, { columns }: StoredRecord): boolean {
  return [columns.paymentId, ...columns.payments].some((id) => payments.has(id));
}

export function firstLeaf({ treeSize, from, to }: Cut): number {
  const first = treeSize - (to - from);
  if (first < 0) throw new InvariantViolation('the tree is smaller than its cut');
  return first;
}

function inOrder<T extends string | bigint>(one: T, other: T): number {
  return Number(one > other) - Number(one < other);
}

function hasAll(words: ReadonlySet<string>, some: ReadonlySet<string>): boolean {
  return [...some].every((word) => words.has(word));
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
}

function textsFrom(first: number) {
  return ({ record, openings }: ArchivedRecord, index: number): StoredText[] => {
    const position = { lane: record.lane, offset: record.offset };
    return openings.map(({ field, value }) => ({ leaf: first + index, position, field, value }));
  };
}

/** What was paid counts on the day of its block. */
function spentBy({ columns }: ArchivedRecord): Spent[] {
  if (columns.event !== 'settlement.final' || columns.ignored !== '') return [];
  const { tenant, agent, kind, network, asset, seller, domain, category, task, tier } = columns;
  const { policyVersion, policyHash, reasons, amount, chainAtMs } = columns;
  const day = new Date(chainAtMs).toISOString().slice(0, 10);
  const place = { day, agent, kind, network, asset, seller, domain, category, task };
  const why = { policyVersion, policyHash, tier, reason: reasons.join(' ') };
  return [{ tenant, line: { ...place, ...why, amount, payments: 1 } }];
}
