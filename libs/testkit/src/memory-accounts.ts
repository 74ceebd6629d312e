import { Fault, sha256Hex } from '@countersign/kernel';
import type {
  AccountChain,
  AccountReading,
  BlockRef,
  BlockTag,
  SmartAccounts,
} from '@countersign/ports';

export interface MemoryAccountsOptions {
  readonly rules: SmartAccounts;
  readonly chainId: number;
  /** Whether a signature over a digest is that of a public key. */
  readonly verify: (publicKey: string, digest: string, signature: string) => boolean;
}

type State = ReadonlyMap<string, { readonly owner: string; readonly rotations: number }>;
type Change = (state: State) => State;

/** The accounts of a chain in memory: their state is what the blocks that still stand have made of them. */
export class MemoryAccounts implements AccountChain {
  readonly #options: MemoryAccountsOptions | undefined;
  readonly #at: (tag: BlockTag) => BlockRef;
  #pending: Change[] = [];
  #states: { readonly number: number; readonly state: State }[] = [];
  #submissions = 0;

  /** @param at the block a tag names; throws whatever is wrong with the node. */
  constructor(options: MemoryAccountsOptions | undefined, at: (tag: BlockTag) => BlockRef) {
    this.#options = options;
    this.#at = at;
  }

  async read(address: string, tag: BlockTag): Promise<AccountReading> {
    return this.readAt(address, this.#at(tag));
  }

  readAt(address: string, at: BlockRef): AccountReading {
    return { at, account: this.#stateAt(at.number).get(address) ?? null };
  }

  async deploy(firstOwner: string): Promise<string> {
    this.#at('latest');
    const { rules } = this.#offered();
    return this.#submit((state) => {
      const address = rules.address(firstOwner);
      if (state.has(address)) return state;
      return new Map(state).set(address, { owner: firstOwner, rotations: 0 });
    });
  }

  async rotate(rotation: Parameters<AccountChain['rotate']>[0]): Promise<string> {
    this.#at('latest');
    const { rules, chainId, verify } = this.#offered();
    const { account, newOwner, signature, acceptance } = rotation;
    return this.#submit((state) => {
      const now = state.get(account);
      if (!now) return state;
      const { rotations } = now;
      const digest = rules.rotationDigest({ account, chainId, newOwner, rotation: rotations });
      const agreed = verify(now.owner, digest, signature) && verify(newOwner, digest, acceptance);
      return agreed
        ? new Map(state).set(account, { owner: newOwner, rotations: rotations + 1 })
        : state;
    });
  }

  /** The owner's word in ERC-1271, as of the latest block. */
  accepts(address: string, digest: string, signature: string): boolean {
    const account = this.#stateAt(Infinity).get(address);
    return account !== undefined && this.#offered().verify(account.owner, digest, signature);
  }

  isAccount(address: string): boolean {
    return this.#stateAt(Infinity).has(address);
  }

  mined(number: number): void {
    const before = this.#stateAt(Infinity);
    const state = this.#pending.splice(0).reduce((now, change) => change(now), before);
    if (state !== before) this.#states.push({ number, state });
  }

  /** The chain goes on from `number` without the blocks after it. */
  droppedAfter(number: number): void {
    this.#states = this.#states.filter((it) => it.number <= number);
  }

  forgetPending(): void {
    this.#pending = [];
  }

  #stateAt(number: number): State {
    return this.#states.findLast((it) => it.number <= number)?.state ?? new Map();
  }

  #submit(change: Change): string {
    this.#submissions += 1;
    this.#pending.push(change);
    return `0x${sha256Hex(`account/${this.#submissions}`)}`;
  }

  #offered(): MemoryAccountsOptions {
    if (this.#options) return this.#options;
    throw new Fault('no_accounts', 'this chain in memory was made without smart accounts', {
      retryable: false,
    });
  }
}
