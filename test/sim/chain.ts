import { sha256Hex } from '@countersign/kernel';
import type { BlockRef, SignedTransfer } from '@countersign/ports';
import { MemoryAccounts, type MemoryAccountsOptions } from '@countersign/testkit/memory-accounts';
import type { Dice } from './dice.ts';

/** A message of a wallet's key as anybody may submit it. */
export type Submission =
  | ({ readonly kind: 'transfer' } & SignedTransfer)
  /** The wallet's own transaction: whoever has its key needs no authorization. Of nothing, it is anybody's. */
  | {
      readonly kind: 'plain';
      readonly token: string;
      readonly from: string;
      readonly to: string;
      readonly value: bigint;
    }
  | {
      readonly kind: 'cancellation';
      readonly token: string;
      readonly from: string;
      readonly nonce: string;
      readonly signature: string;
    };

export type SignedSubmission = Exclude<Submission, { kind: 'plain' }>;

/** Money that moved, or a nonce that was used or canceled, in a block. */
export interface Usage {
  readonly submission: Submission;
  readonly transactionHash: string;
  readonly logIndex: number;
  readonly block: BlockRef;
}

export interface Reading {
  readonly at: BlockRef;
  readonly usage: Usage | undefined;
}

export const SAFE_DEPTH = 3;
export const FINAL_DEPTH = 8;
const BLOCK_MS = 2_000;

/** One EVM chain with one kind of token (EIP-3009): what a block holds decides, and blocks that are not final may go. */
export class SimChain {
  readonly network: string;
  readonly accounts: MemoryAccounts;
  /** Told of every use of a nonce in a block, also of one that a reorganisation takes back later. */
  onUsage: (usage: Usage) => void = () => {};
  readonly #isGenuine: (submission: SignedSubmission) => boolean;
  readonly #dice: Dice;
  readonly #blocks: { ref: BlockRef; usages: Usage[] }[] = [];
  readonly #usages = new Map<string, Usage>();
  #pending: Submission[] = [];
  #final = 0;
  #count = 0;

  constructor(
    network: string,
    startMs: number,
    parts: {
      isGenuine: (submission: SignedSubmission) => boolean;
      dice: Dice;
      accounts?: MemoryAccountsOptions;
    },
  ) {
    this.network = network;
    this.#isGenuine = parts.isGenuine;
    this.#dice = parts.dice;
    this.accounts = new MemoryAccounts(parts.accounts, (tag) => this.at(tag, 0));
    for (let number = 0; number <= FINAL_DEPTH; number += 1)
      this.mine(startMs - (FINAL_DEPTH - number) * BLOCK_MS);
  }

  get length(): number {
    return this.#blocks.length;
  }

  /** Block of a tag as a node sees it that lacks the newest `lag` blocks. */
  at(tag: 'latest' | 'safe' | 'finalized', lag: number): BlockRef {
    const head = Math.max(0, this.#blocks.length - 1 - lag);
    if (tag === 'latest') return this.block(head);
    if (tag === 'safe') return this.block(Math.max(0, head - SAFE_DEPTH));
    return this.block(Math.min(this.#final, Math.max(0, head - FINAL_DEPTH)));
  }

  /** What became of a nonce up to and including a block of the canonical chain. */
  read(key: { token: string; from: string; nonce: string }, at: BlockRef): Reading {
    const usage = this.#usages.get(keyOf(key));
    return { at, usage: usage && usage.block.number <= at.number ? usage : undefined };
  }

  /** Whether a node that has come as far as `head` has the block. */
  holds({ number, hash }: BlockRef, head: BlockRef): boolean {
    return number <= head.number && this.#blocks[number]?.ref.hash === hash;
  }

  /** What left some wallets, from a block up to another, in order. */
  outflows(wallets: ReadonlySet<string>, fromBlock: number, at: BlockRef): readonly Usage[] {
    return this.#blocks
      .slice(fromBlock, at.number + 1)
      .flatMap((block) => block.usages)
      .filter(
        ({ submission }) => submission.kind !== 'cancellation' && wallets.has(submission.from),
      );
  }

  usagesAt(block: number): readonly Usage[] {
    return this.#blocks[block]?.usages ?? [];
  }

  submit(submission: Submission): string {
    this.#pending.push(submission);
    return hashOf('transaction', this.#pending.length);
  }

  mine(nowMs: number): void {
    const before = this.#blocks.at(-1)?.ref.timeMs ?? 0;
    const timeMs = Math.max(Math.floor(nowMs / 1_000) * 1_000, before + 1_000);
    this.#count += 1;
    const number = this.#blocks.length;
    const ref = { number, hash: hashOf('block', this.#count), timeMs };
    const usages: Usage[] = [];
    for (const submission of this.#pending) {
      if (!this.#succeeds(submission, timeMs)) continue;
      const transactionHash = hashOf('transaction', `${this.#count}/${usages.length}`);
      const usage = { submission, transactionHash, logIndex: usages.length * 2, block: ref };
      if (submission.kind !== 'plain') this.#usages.set(keyOf(submission), usage);
      usages.push(usage);
    }
    this.#pending = [];
    this.#blocks.push({ ref, usages });
    this.#final = Math.max(this.#final, number - FINAL_DEPTH);
    this.accounts.mined(number);
    for (const usage of usages) this.onUsage(usage);
  }

  /** Drops up to `depth` blocks, none of them final. What they held waits to be included again, or is forgotten. */
  reorganise(depth: number, nowMs: number): number {
    const most = this.#blocks.length - 1 - this.#final;
    const dropped = this.#blocks.splice(this.#blocks.length - Math.min(depth, most));
    this.accounts.droppedAfter(this.#blocks.length - 1);
    const usages = dropped.flatMap((block) => block.usages);
    for (const { submission } of usages)
      if (submission.kind !== 'plain') this.#usages.delete(keyOf(submission));
    const kept = usages.filter(() => this.#dice.chance(0.5)).map((usage) => usage.submission);
    this.#pending = [...kept, ...this.#pending];
    // The other branch is as long, and has other transactions in other blocks.
    const empty = this.#dice.between(0, dropped.length);
    const pending = this.#pending;
    for (let index = 0; index < dropped.length; index += 1) {
      this.#pending = index === empty ? pending : [];
      this.mine(nowMs - (dropped.length - 1 - index) * 1_000);
    }
    if (empty >= dropped.length) this.#pending = pending;
    return dropped.length;
  }

  #succeeds(submission: Submission, timeMs: number): boolean {
    if (submission.kind === 'plain') return true;
    if (this.#usages.has(keyOf(submission)) || !this.#isGenuine(submission)) return false;
    if (submission.kind === 'cancellation') return true;
    const { validAfter, validBefore } = submission;
    return timeMs > validAfter * 1_000 && timeMs < validBefore * 1_000;
  }

  /** @throws RangeError for a block that there is not. */
  block(number: number): BlockRef {
    const block = this.#blocks[number];
    if (!block) throw new RangeError(`no block ${number}`);
    return block.ref;
  }
}

function keyOf({ token, from, nonce }: { token: string; from: string; nonce: string }): string {
  return `${token}/${from}/${nonce}`;
}

function hashOf(kind: string, what: string | number): string {
  return `0x${sha256Hex(`${kind}/${what}`)}`;
}
