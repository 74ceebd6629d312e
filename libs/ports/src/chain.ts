import type { AccountChain } from './account.ts';
import type { BlockRef, BlockTag } from './block.ts';

/** EIP-3009 authorizations are keyed by (chain, token, authorizer, nonce), never by transaction hash. */
export interface AuthorizationKey {
  readonly token: string;
  readonly from: string;
  readonly nonce: string;
}

export interface TransferSeen {
  readonly from: string;
  readonly to: string;
  readonly value: bigint;
  readonly transactionHash: string;
  readonly logIndex: number;
  readonly block: BlockRef;
}

/** What the chain says of one authorization as of `at`, one block, read consistently. */
export type AuthorizationReading = { readonly at: BlockRef } & (
  | { readonly state: 'unused' }
  /** `AuthorizationUsed`, with the `Transfer` of the same token that follows it, if there is one. */
  | { readonly state: 'used'; readonly transfer: TransferSeen | null }
  | { readonly state: 'canceled'; readonly canceled: Omit<TransferSeen, 'from' | 'to' | 'value'> }
);

/**
 * Which outflows are asked for: of these wallets and tokens, from a block on, up to the block `tag` names now, and no further
 * than `toBlock`.
 */
export interface OutflowScan {
  readonly tokens: readonly string[];
  readonly wallets: readonly string[];
  readonly fromBlock: number;
  readonly toBlock?: number;
  readonly tag: BlockTag;
}

/** A token left a wallet, or one of the wallet's nonces was used up. A cancellation is none. */
export interface Outflow {
  readonly token: string;
  readonly from: string;
  /** Of the authorization that did it; null where the wallet's own transaction, or an allowance, did. */
  readonly nonce: string | null;
  /** Where it went; null where a nonce was used with no transfer behind it. */
  readonly moved: { readonly to: string; readonly value: bigint } | null;
  readonly transactionHash: string;
  /** Of the transfer; of the use where there is no transfer. */
  readonly logIndex: number;
  readonly blockNumber: number;
  readonly blockHash: string;
}

/** A signed EIP-3009 message anyone may submit. */
export interface SignedTransfer {
  readonly token: string;
  readonly from: string;
  readonly to: string;
  readonly value: bigint;
  readonly validAfter: number;
  readonly validBefore: number;
  readonly nonce: string;
  readonly signature: string;
}

/**
 * One chain. Whatever goes wrong (no answer, wrong chain id, no code at the token, a block that vanished between two
 * reads, a used nonce without its log) is a `Fault`, which means unknown: no method ever turns an error into a state.
 */
export interface Chain {
  /** CAIP-2 id this port was configured for; every reading is checked against what the node says. */
  readonly network: string;
  head(tag: BlockTag): Promise<BlockRef>;
  /** Whether this block is at its height; false also when the node has not come so far. */
  holds(block: BlockRef): Promise<boolean>;
  /** State at the block `tag` names now; logs are searched from `fromBlock` on. */
  authorization(
    key: AuthorizationKey,
    tag: BlockTag,
    fromBlock: number,
  ): Promise<AuthorizationReading>;
  /** Every outflow the scan names, in the order of the chain; `at` is the block up to which it looked, however long that took. */
  outflows(
    scan: OutflowScan,
  ): Promise<{ readonly at: BlockRef; readonly outflows: readonly Outflow[] }>;
  /** Token balance at latest, in atomic units. */
  balance(token: string, address: string): Promise<bigint>;
  /** Submits a transfer from the gas account; resolves with the transaction hash, which proves nothing. */
  submitTransfer(transfer: SignedTransfer): Promise<string>;
  /** Submits a cancellation from the gas account. */
  submitCancellation(key: AuthorizationKey & { readonly signature: string }): Promise<string>;
  readonly accounts: AccountChain;
}
