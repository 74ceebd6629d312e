import { PROOF_FORMAT, type ProofBundle, type ProvenRecord } from '@countersign/contracts';
import { type Digest, Fault } from '@countersign/kernel';
import type {
  Archived,
  EventQuery,
  EventStore,
  FoundEvent,
  Leaf,
  StatementKey,
} from '@countersign/ports';
import { signCheckpoint } from '@countersign/service-kit';
import { type KnownRoot, auditPath, leafHash, rootOver } from '../domain/merkle.ts';
import type { EventArchive } from './event-archive.ts';

/** Leaves under one kept hash: 32 bytes are kept in memory for so many records, and so many are read for each path. */
const BLOCK = 256;
const READ_BLOCKS = 16;
const PAGE = 200;
/** Kinds of records that hold a wallet's signature, a bearer token until the payment has ended. */
const BEARER: ReadonlySet<string> = new Set(['signing.completed', 'cancellation.signed']);
const ENDS: ReadonlySet<string> = new Set([
  'settlement.final',
  'authorization.void',
  'authorization.canceled',
]);

export interface ProofParts {
  readonly archive: EventArchive;
  /** The recorder's. */
  readonly key: StatementKey;
  readonly logId: string;
}

/**
 * Signs checkpoints of the Merkle log and makes proof bundles. The tree is put together from what the event store holds,
 * and compared with the root that was recorded with it: the first proof after a start reads the whole store.
 */
export class Proofs {
  readonly #parts: ProofParts;
  /** Roots of the full blocks, from the first leaf on. */
  readonly #blocks: Digest[] = [];
  #extending: Promise<void> = Promise.resolve();

  constructor(parts: ProofParts) {
    this.#parts = parts;
  }

  /**
   * A signed note on the log with all that is folded now.
   *
   * @throws Fault `event_store_unavailable`, and what else keeps the event store from being filled.
   */
  async checkpoint(): Promise<string> {
    const { archived } = await this.#parts.archive.upToDate();
    return this.#signed(archived);
  }

  /**
   * All that is needed to check a payment of the tenant; undefined where nothing is recorded of it.
   *
   * @throws Fault `event_store_unavailable`; `archive_mismatch` where the store does not hold what was recorded.
   */
  async bundleOf(tenant: string, paymentId: string): Promise<ProofBundle | undefined> {
    const { store, archived } = await this.#parts.archive.upToDate();
    const found = await recordsOf(store, { tenant, paymentId });
    if (found.length === 0) return undefined;
    const hasEnded = found.some(({ event }) => ENDS.has(event));
    const shown = found.filter(({ event }) => hasEnded || !BEARER.has(event));
    const beside = await recordsBeside(store, tenant, shown);
    const leaves = [...new Set([...shown, ...beside].map(({ leaf }) => leaf))]
      .filter((leaf) => leaf < archived.treeSize)
      .sort((one, other) => one - other);
    const records = await this.#proven(store, archived, leaves);
    return { format: PROOF_FORMAT, paymentId, checkpoint: await this.#signed(archived), records };
  }

  #signed({ treeSize: size, root }: Archived): Promise<string> {
    const { key, logId } = this.#parts;
    if (size === 0)
      throw new Fault('event_store_unavailable', 'nothing is recorded yet', { retryable: true });
    return signCheckpoint(key, { logId, size, root });
  }

  async #proven(store: EventStore, { treeSize, root }: Archived, leaves: readonly number[]) {
    await this.#extend(store, treeSize);
    const near = await blocksAround(store, leaves, treeSize);
    const known = this.#known(near);
    if (rootOver(0, treeSize, known) !== root)
      throw new Fault('archive_mismatch', 'the event store does not hold what it recorded', {
        retryable: false,
      });
    return leaves.flatMap((leaf): ProvenRecord[] => {
      const record = near.get(leaf);
      if (!record) return [];
      const path = [...auditPath(leaf, treeSize, known)];
      return [{ ...record, leaf, bytes: new TextDecoder().decode(record.bytes), path }];
    });
  }

  /** What is put together once is kept: paths of one tree have most of their parts in common. */
  #known(near: ReadonlyMap<number, Leaf>): KnownRoot {
    const roots = new Map<string, Digest>();
    const known: KnownRoot = (from, to) => {
      if (to - from === 1) {
        const leaf = near.get(from);
        return leaf && leafHash(leaf);
      }
      if (to - from === BLOCK && from % BLOCK === 0 && from / BLOCK < this.#blocks.length)
        return this.#blocks[from / BLOCK];
      if (to - from < BLOCK) return undefined;
      const name = `${from}-${to}`;
      const root =
        roots.get(name) ??
        rootOver(from, to, (a, b) => (a === from && b === to ? undefined : known(a, b)));
      roots.set(name, root);
      return root;
    };
    return known;
  }

  /** Takes in the full blocks that have come since; one after the other, for all who ask. */
  #extend(store: EventStore, size: number): Promise<void> {
    const before = this.#extending.catch(() => undefined);
    this.#extending = before.then(async () => {
      for (let next = this.#blocks.length; (next + 1) * BLOCK <= size; next = this.#blocks.length) {
        const count = Math.min(READ_BLOCKS, Math.floor(size / BLOCK) - next);
        const leaves = await leavesOf(store, next * BLOCK, (next + count) * BLOCK);
        const hashes = leaves.map(leafHash);
        for (let from = 0; from < hashes.length; from += BLOCK)
          this.#blocks.push(
            rootOver(from, from + BLOCK, (a, b) => (b - a === 1 ? hashes[a] : undefined)),
          );
      }
    });
    return this.#extending;
  }
}

/** @throws Fault `archive_mismatch` where leaves are missing. */
async function leavesOf(store: EventStore, from: number, to: number): Promise<readonly Leaf[]> {
  const leaves = await store.leaves(from, to);
  if (leaves.length === to - from) return leaves;
  const what = `of ${to - from} records from leaf ${from} on it holds ${leaves.length}`;
  throw new Fault('archive_mismatch', what, { retryable: false });
}

/** By leaf: the records of every block that holds one of these leaves, and of the last one, which may not be full. */
async function blocksAround(
  store: EventStore,
  leaves: readonly number[],
  size: number,
): Promise<ReadonlyMap<number, Leaf>> {
  const wanted = new Set([...leaves, size - 1].map((leaf) => Math.floor(leaf / BLOCK)));
  const near = new Map<number, Leaf>();
  for (const block of wanted) {
    const from = block * BLOCK;
    const found = await leavesOf(store, from, Math.min(size, from + BLOCK));
    for (const [index, leaf] of found.entries()) near.set(from + index, leaf);
  }
  return near;
}

/** Every record that counted, newest first. */
async function recordsOf(
  store: EventStore,
  query: Omit<EventQuery, 'before' | 'limit'>,
): Promise<readonly FoundEvent[]> {
  const found: FoundEvent[] = [];
  for (let before: number | undefined; ;) {
    const page = await store.search({ ...query, before, limit: PAGE });
    found.push(...page.events.filter(({ ignored }) => ignored === ''));
    if (page.next === null) return found;
    before = page.next;
  }
}

/** The policies a payment was decided under, and the people who granted it. */
async function recordsBeside(
  store: EventStore,
  tenant: string,
  records: readonly FoundEvent[],
): Promise<readonly FoundEvent[]> {
  const of = (event: string) => records.filter((it) => it.event === event);
  const versions = new Set(of('decision.made').map((it) => it.policyVersion));
  const people = new Set(of('approval.granted').map((it) => it.person));
  const beside: FoundEvent[] = [];
  for (const event of ['policy.put', 'policy.activated'])
    for (const policyVersion of versions)
      beside.push(...(await recordsOf(store, { tenant, event, policyVersion })));
  if (people.size > 0)
    for (const added of await recordsOf(store, { tenant, event: 'person.added' }))
      if (people.has(added.person)) beside.push(added);
  return beside;
}
