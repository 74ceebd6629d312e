import type { AccountChain } from './account.ts';

/** EIP-3009 authorizations are keyed by (chain, token, authorizer, nonce), never by transaction hash. */
export interface AuthorizationKey {
  readonly token: string;
  readonly from: string;
  readonly nonce: string;
}

export interface BlockRef {
  readonly number: number;
  readonly hash: string;
  readonly timeMs: number;
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

export type BlockTag = 'latest' | 'safe' | 'finalized';

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
  /** State at the block `tag` names now; logs are searched from `fromBlock` on. */
  authorization(
    key: AuthorizationKey,
    tag: BlockTag,
    fromBlock: number,
  ): Promise<AuthorizationReading>;
  /** Token balance at latest, in atomic units. */
  balance(token: string, address: string): Promise<bigint>;
  /** Submits a transfer from the gas account; resolves with the transaction hash, which proves nothing. */
  submitTransfer(transfer: SignedTransfer): Promise<string>;
  /** Submits a cancellation from the gas account. */
  submitCancellation(key: AuthorizationKey & { readonly signature: string }): Promise<string>;
  readonly accounts: AccountChain;
}
