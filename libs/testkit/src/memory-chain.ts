import { Fault, invariant, sha256Hex } from '@countersign/kernel';
import type {
  AuthorizationKey,
  AuthorizationReading,
  BlockRef,
  BlockTag,
  Chain,
  Outflow,
  OutflowScan,
  SignedTransfer,
} from '@countersign/ports';
import { MemoryAccounts, type MemoryAccountsOptions } from './memory-accounts.ts';

export type SignedCancellation = AuthorizationKey & { readonly signature: string };

/** One call of the token within a transaction. */
export type TokenCall =
  | { readonly transfer: SignedTransfer }
  | { readonly cancel: SignedCancellation }
  | { readonly send: PlainTransfer };

/** A wallet's own transaction: whoever has its key needs no authorization. */
export type PlainTransfer = Pick<SignedTransfer, 'token' | 'from' | 'to' | 'value'>;

/** What can be wrong with a chain: it does not answer, it is another one, or nothing stands at the token's address. */
export type ChainFailure = 'rpc' | 'wrong_chain' | 'no_code';

export interface MemoryChainOptions {
  readonly network: string;
  readonly tokens: readonly string[];
  readonly genesisTimeMs: number;
  /** How many blocks `safe` and `finalized` are behind `latest`; 1 and 2 when left out. */
  readonly safeDepth?: number;
  readonly finalizedDepth?: number;
  /** Whether the signature of a transfer is its payer's. */
  readonly verify: (transfer: SignedTransfer) => boolean;
  /** Whether the signature of a cancellation is its payer's. */
  readonly verifyCancellation: (cancellation: SignedCancellation) => boolean;
  /** How smart accounts work; without it none can be deployed. */
  readonly accounts?: MemoryAccountsOptions;
}

interface Transaction {
  readonly hash: string;
  readonly calls: readonly TokenCall[];
}

/** What a call did: how an authorization ended, or where money went without one. */
interface Ending {
  /** Null for a plain transfer. */
  readonly key: string | null;
  readonly nonce: string | null;
  readonly transfer: PlainTransfer | null;
  readonly transactionHash: string;
  readonly logIndex: number;
}

interface Block {
  readonly ref: BlockRef;
  readonly endings: readonly Ending[];
}

/**
 * A chain in memory, for simulations: the same calls give the same blocks, hashes and readings. Nothing happens by
 * itself: transactions wait until `mine`. EIP-3009 as USDC has it: `validAfter < block time < validBefore`, a nonce is
 * used or canceled once per token and payer, a transaction does all of its calls or none.
 */
export class MemoryChain implements Chain {
  readonly network: string;
  readonly accounts: MemoryAccounts;
  readonly #options: MemoryChainOptions;
  readonly #balances = new Map<string, bigint>();
  readonly #ended = new Map<string, { readonly block: Block; readonly ending: Ending }>();
  readonly #blocks: Block[];
  #pending: Transaction[] = [];
  #failure: ChainFailure | undefined;
  #submissions = 0;
  #forks = 0;

  constructor(options: MemoryChainOptions) {
    this.network = options.network;
    this.#options = options;
    this.accounts = new MemoryAccounts(options.accounts, (tag) => {
      this.#answer();
      return this.#at(tag);
    });
    this.#blocks = [{ ref: this.#refAfter(undefined, options.genesisTimeMs), endings: [] }];
  }

  async head(tag: BlockTag): Promise<BlockRef> {
    this.#answer();
    return this.#at(tag);
  }

  async holds({ number, hash }: BlockRef): Promise<boolean> {
    this.#answer();
    return this.#blocks[number]?.ref.hash === hash;
  }

  async authorization(
    key: AuthorizationKey,
    tag: BlockTag,
    fromBlock: number,
  ): Promise<AuthorizationReading> {
    this.#answer(key.token);
    const at = this.#at(tag);
    const ended = this.#ended.get(keyOf(key));
    if (!ended || ended.block.ref.number > at.number) return { at, state: 'unused' };
    const { ending, block } = ended;
    if (block.ref.number < fromBlock)
      throw new Fault('log_missing', `no log of the nonce from block ${fromBlock} on`, {
        retryable: true,
      });
    const { transactionHash, logIndex, transfer } = ending;
    const canceled = { transactionHash, logIndex, block: block.ref };
    if (!transfer) return { at, state: 'canceled', canceled };
    const { from, to, value } = transfer;
    return { at, state: 'used', transfer: { from, to, value, ...canceled } };
  }

  async outflows(
    scan: OutflowScan,
  ): Promise<{ readonly at: BlockRef; readonly outflows: readonly Outflow[] }> {
    for (const token of scan.tokens) this.#answer(token);
    this.#answer();
    const head = this.#at(scan.tag);
    const at = this.#blocks[Math.min(scan.toBlock ?? head.number, head.number)]?.ref ?? head;
    const [tokens, wallets] = [scan.tokens, scan.wallets].map(
      (all) => new Set(all.map((it) => it.toLowerCase())),
    );
    const outflows = this.#blocks
      .slice(Math.max(0, scan.fromBlock), at.number + 1)
      .flatMap(({ ref, endings }) => endings.flatMap((ending) => outflowOf(ending, ref)))
      .filter(({ token, from }) => tokens?.has(token) && wallets?.has(from));
    return { at, outflows };
  }

  async balance(token: string, address: string): Promise<bigint> {
    this.#answer(token);
    return this.#balanceOf(token, address);
  }

  async submitTransfer(transfer: SignedTransfer): Promise<string> {
    return this.submit([{ transfer }]);
  }

  async submitCancellation(cancel: SignedCancellation): Promise<string> {
    return this.submit([{ cancel }]);
  }

  /** Moves money by the wallet's own transaction, as a thief of its key would. */
  async submitPlain(send: PlainTransfer): Promise<string> {
    return this.submit([{ send }]);
  }

  /** Puts one transaction of several calls where the next `mine` finds it; resolves with its hash. */
  async submit(calls: readonly TokenCall[]): Promise<string> {
    for (const call of calls) this.#answer(termsOf(call).token);
    this.#submissions += 1;
    const hash = `0x${sha256Hex(`transaction/${this.network}/${this.#submissions}`)}`;
    this.#pending.push({ hash, calls });
    return hash;
  }

  /** Loses every transaction that waits, as a node that restarts does. */
  forgetPending(): void {
    this.#pending = [];
    this.accounts.forgetPending();
  }

  /**
   * Mines one block of all that waits, in the order it came; what fails leaves no trace. Block times are whole seconds
   * and grow: a `timeMs` that is no later than the last block's gives the second after it.
   */
  mine(timeMs: number): BlockRef {
    const ref = this.#refAfter(this.#last().ref, timeMs);
    const endings: Ending[] = [];
    const block: Block = { ref, endings };
    for (const transaction of this.#pending.splice(0)) {
      const done = this.#execute(transaction, ref.timeMs, endings.length * 2);
      for (const ending of done)
        if (ending.key !== null) this.#ended.set(ending.key, { block, ending });
      endings.push(...done);
    }
    this.#blocks.push(block);
    this.accounts.mined(ref.number);
    return ref;
  }

  /**
   * Replaces the last `depth` blocks with empty ones of the same times. Their transactions are gone, as if nobody had
   * sent them; whoever still has an authorization may send it again.
   *
   * @throws InvariantViolation for a depth that reaches a finalized block: such a chain is not one to simulate.
   */
  reorg(depth: number): BlockRef {
    const kept = this.#blocks.length - depth;
    invariant(kept > this.#at('finalized').number, 'a finalized block is never reorganised');
    const dropped = this.#blocks.splice(kept);
    this.accounts.droppedAfter(kept - 1);
    for (const { endings } of dropped) for (const ending of endings) this.#undo(ending);
    this.#forks += 1;
    for (const { ref } of dropped)
      this.#blocks.push({ ref: this.#refAfter(this.#last().ref, ref.timeMs), endings: [] });
    return this.#last().ref;
  }

  /** Makes tokens out of nothing, outside of any block: no reorganisation takes them back. */
  mint(token: string, address: string, value: bigint): void {
    this.#credit(token, address, value);
  }

  /** From now on every call meets this failure. Blocks can still be mined. */
  fail(failure: ChainFailure): void {
    this.#failure = failure;
  }

  /** Ends the failure. */
  mend(): void {
    this.#failure = undefined;
  }

  #answer(token?: string): void {
    const failure = this.#failure;
    if (failure === 'rpc')
      throw new Fault('chain_unavailable', 'the node does not answer', { retryable: true });
    if (failure === 'wrong_chain')
      throw new Fault('wrong_chain', 'the node answers for another chain', { retryable: true });
    const missing = failure === 'no_code' || !this.#options.tokens.some((it) => same(it, token));
    if (token !== undefined && missing)
      throw new Fault('no_code', `there is no contract at ${token}`, { retryable: true });
  }

  #at(tag: BlockTag): BlockRef {
    const { safeDepth = 1, finalizedDepth = 2 } = this.#options;
    const depth = { latest: 0, safe: safeDepth, finalized: finalizedDepth }[tag];
    const block = this.#blocks[Math.max(0, this.#blocks.length - 1 - depth)];
    invariant(block, 'a chain has its genesis block');
    return block.ref;
  }

  #last(): Block {
    const block = this.#blocks.at(-1);
    invariant(block, 'a chain has its genesis block');
    return block;
  }

  #refAfter(parent: BlockRef | undefined, timeMs: number): BlockRef {
    const number = parent ? parent.number + 1 : 0;
    const second = Math.floor(timeMs / 1000) * 1000;
    const time = parent ? Math.max(second, parent.timeMs + 1000) : second;
    const text = `block/${this.network}/${parent?.hash ?? ''}/${number}/${time}/${this.#forks}`;
    return { number, hash: `0x${sha256Hex(text)}`, timeMs: time };
  }

  /** Does all calls of a transaction and says how authorizations ended, or undoes what it did and says nothing. */
  #execute({ hash, calls }: Transaction, timeMs: number, firstLog: number): readonly Ending[] {
    const done: Ending[] = [];
    for (const call of calls) {
      const key = 'send' in call ? null : keyOf('transfer' in call ? call.transfer : call.cancel);
      const spent = key !== null && (this.#ended.has(key) || done.some((it) => it.key === key));
      if (spent || !this.#allows(call, timeMs)) {
        for (const ending of done) this.#undo(ending);
        return [];
      }
      const transfer = 'cancel' in call ? null : lowered(termsOf(call) as PlainTransfer);
      if (transfer) this.#move(transfer);
      const nonce = 'transfer' in call ? call.transfer.nonce.toLowerCase() : null;
      // Each call takes two log indexes: a use has its transfer behind it.
      const logIndex = firstLog + done.length * 2 + (transfer ? 1 : 0);
      done.push({ key, nonce, transfer, transactionHash: hash, logIndex });
    }
    return done;
  }

  #allows(call: TokenCall, timeMs: number): boolean {
    if ('cancel' in call) return this.#options.verifyCancellation(call.cancel);
    if ('send' in call) return this.#balanceOf(call.send.token, call.send.from) >= call.send.value;
    const { token, from, value, validAfter, validBefore } = call.transfer;
    return (
      validAfter * 1000 < timeMs &&
      timeMs < validBefore * 1000 &&
      value >= 0n &&
      this.#balanceOf(token, from) >= value &&
      this.#options.verify(call.transfer)
    );
  }

  #undo({ key, transfer }: Ending): void {
    if (key !== null) this.#ended.delete(key);
    if (transfer) this.#move({ ...transfer, from: transfer.to, to: transfer.from });
  }

  #move({ token, from, to, value }: PlainTransfer): void {
    this.#credit(token, from, -value);
    this.#credit(token, to, value);
  }

  #credit(token: string, address: string, value: bigint): void {
    this.#balances.set(accountOf(token, address), this.#balanceOf(token, address) + value);
  }

  #balanceOf(token: string, address: string): bigint {
    return this.#balances.get(accountOf(token, address)) ?? 0n;
  }
}

function termsOf(call: TokenCall): { readonly token: string } {
  if ('send' in call) return call.send;
  return 'transfer' in call ? call.transfer : call.cancel;
}

function lowered({ token, from, to, value }: PlainTransfer): PlainTransfer {
  return { token: token.toLowerCase(), from: from.toLowerCase(), to: to.toLowerCase(), value };
}

function outflowOf({ transfer, nonce, transactionHash, logIndex }: Ending, block: BlockRef) {
  if (!transfer) return [];
  const { token, from, to, value } = transfer;
  const where = { transactionHash, logIndex, blockNumber: block.number, blockHash: block.hash };
  return [{ token, from, nonce, moved: { to, value }, ...where }];
}

function same(token: string, other: string | undefined): boolean {
  return token.toLowerCase() === other?.toLowerCase();
}

function keyOf({ token, from, nonce }: AuthorizationKey): string {
  return `${token}/${from}/${nonce}`.toLowerCase();
}

function accountOf(token: string, address: string): string {
  return `${token}/${address}`.toLowerCase();
}
