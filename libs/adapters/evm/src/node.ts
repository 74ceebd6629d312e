import { Fault } from '@countersign/kernel';
import type { BlockRef } from '@countersign/ports';
import type { Rpc, RpcCall } from './rpc.ts';
import { fromWireBlock, toBytes, toNumber } from './wire.ts';

/** One result per call, in the order of the calls; nobody has looked at them yet. */
export type Results<C extends readonly RpcCall[]> = { readonly [I in keyof C]: unknown };

/** A node that proves with every answer that it serves the configured chain. */
export interface Node {
  readonly chainId: number;
  /**
   * Sends calls, and asks for the chain id with them.
   *
   * @throws Fault `wrong_chain`, whatever else the node says; `chain_unavailable` when any call has no result.
   */
  ask<const C extends readonly RpcCall[]>(calls: C, signal: AbortSignal): Promise<Results<C>>;
}

export function checkedNode(rpc: Rpc, network: string): Node {
  const chainId = chainIdOf(network);
  return {
    chainId,
    async ask(calls, signal) {
      const all = [{ method: 'eth_chainId', params: [] }, ...calls];
      const [actual, ...answers] = await rpc.send(all, signal);
      if (toNumber(actual?.()) !== chainId)
        throw new Fault('wrong_chain', `the node for ${network} answers for another chain`, {
          retryable: true,
        });
      return answers.map((answer) => answer()) as unknown as Results<typeof calls>;
    },
  };
}

/** The number in a CAIP-2 id. @throws Fault `network_unknown` when it is no EVM network. */
function chainIdOf(network: string): number {
  const match = /^eip155:([1-9][0-9]{0,14})$/.exec(network);
  if (match) return Number(match[1]);
  throw new Fault('network_unknown', `${network} is no EVM network`, { retryable: false });
}

/** Where a call reads: one block, by its hash (EIP-1898). A node on another fork refuses. */
export function atBlock({ hash }: BlockRef) {
  return { blockHash: hash, requireCanonical: true };
}

export function blockCall(tagOrNumber: string | number): RpcCall {
  const block = typeof tagOrNumber === 'number' ? `0x${tagOrNumber.toString(16)}` : tagOrNumber;
  return { method: 'eth_getBlockByNumber', params: [block, false] };
}

export function codeCall(token: string, at: unknown): RpcCall {
  return { method: 'eth_getCode', params: [token.toLowerCase(), at] };
}

export function viewCall(token: string, data: string, at: unknown): RpcCall {
  return { method: 'eth_call', params: [{ to: token.toLowerCase(), data }, at] };
}

/** The block in an answer to {@link blockCall}. @throws Fault `block_vanished` when the node has none. */
export function blockIn(answer: unknown): BlockRef {
  return fromWireBlock(answer) ?? vanished('the node does not have the block any more, or not yet');
}

/** @throws Fault `block_vanished` when `answer`, for the same height, is another block than the one that was read. */
export function requireSame(answer: unknown, block: { readonly hash: string }): BlockRef {
  const now = blockIn(answer);
  return now.hash === block.hash ? now : vanished('the chain was reorganised while it was read');
}

export function vanished(message: string): never {
  throw new Fault('block_vanished', message, { retryable: true });
}

/** @throws Fault `no_code`: a call to an address without code succeeds, and says nothing. */
export function requireCode(answer: unknown, token: string): void {
  if (toBytes(answer) === '0x')
    throw new Fault('no_code', `there is no contract at ${token}`, { retryable: true });
}
