import { Fault } from '@countersign/kernel';
import type {
  AuthorizationKey,
  AuthorizationReading,
  BlockRef,
  BlockTag,
  TransferSeen,
} from '@countersign/ports';
import {
  type Node,
  atBlock,
  blockCall,
  blockIn,
  codeCall,
  requireCode,
  requireSame,
  vanished,
  viewCall,
} from './node.ts';
import { type RpcCall, unavailable } from './rpc.ts';
import { TOPIC, addressIn, encodeStateCall, wordOf } from './token.ts';
import { type WireLog, fromWireLogs, fromWireReceipt, toBytes } from './wire.ts';

export interface ReadingRequest {
  readonly key: AuthorizationKey;
  readonly tag: BlockTag;
  readonly fromBlock: number;
  /** How many blocks one search of logs spans; providers have limits. */
  readonly logRangeBlocks: number;
  readonly signal: AbortSignal;
}

/**
 * Reads one authorization as of one block. The state is read by that block's hash; logs can only be read by height, so
 * what they say counts only if, afterwards, their own block and the block of the reading are still at their heights.
 *
 * @param states the same node for what is small and asked for again and again: the state alone.
 * @throws Fault, always retryable: `chain_unavailable`, `wrong_chain`, `no_code`, `block_vanished`, `log_missing`.
 */
export async function readAuthorization(
  { node, states }: { readonly node: Node; readonly states: Node },
  request: ReadingRequest,
): Promise<AuthorizationReading> {
  const { key, tag, signal } = request;
  const [head] = await states.ask([blockCall(tag)], signal);
  const at = blockIn(head);
  const [code, state, again] = await states.ask(
    [
      codeCall(key.token, atBlock(at)),
      viewCall(key.token, encodeStateCall(key), atBlock(at)),
      blockCall(at.number),
    ],
    signal,
  );
  requireCode(code, key.token);
  requireSame(again, at);
  if (!isTrue(state)) return { at, state: 'unused' };

  const log = await findEnd(node, request, at);
  const [receiptAnswer, blockAnswer, atAnswer] = await node.ask(
    [
      { method: 'eth_getTransactionReceipt', params: [log.transactionHash] },
      blockCall(log.blockNumber),
      blockCall(at.number),
    ],
    signal,
  );
  const block = requireSame(blockAnswer, { hash: log.blockHash });
  requireSame(atAnswer, at);
  const receipt = fromWireReceipt(receiptAnswer);
  if (receipt?.blockHash !== log.blockHash) vanished('the transaction moved while it was read');
  const { transactionHash, logIndex } = log;
  if (log.topics[0] === TOPIC.canceled)
    return { at, state: 'canceled', canceled: { transactionHash, logIndex, block } };
  return { at, state: 'used', transfer: transferAfter(log, receipt.logs, block) };
}

/** The log that says how the nonce ended. A used nonce always has one; not to find it is not to know. */
async function findEnd(
  node: Node,
  { key, fromBlock, logRangeBlocks, signal }: ReadingRequest,
  at: BlockRef,
): Promise<WireLog> {
  for (let from = Math.max(0, fromBlock); from <= at.number; from += logRangeBlocks) {
    const to = Math.min(at.number, from + logRangeBlocks - 1);
    const [answer] = await node.ask([endedCall(key, from, to)], signal);
    const [log, ...others] = fromWireLogs(answer);
    if (!log) continue;
    if (others.length > 0) throw unavailable('the node shows one nonce ending twice');
    if (!endsAuthorization(log, key) || log.blockNumber < from || log.blockNumber > to)
      throw unavailable('the node answered with a log that was not asked for');
    return log;
  }
  throw new Fault('log_missing', `the nonce is spent, without a log from block ${fromBlock} on`, {
    retryable: true,
  });
}

function endedCall(key: AuthorizationKey, from: number, to: number): RpcCall {
  const filter = {
    address: key.token.toLowerCase(),
    fromBlock: `0x${from.toString(16)}`,
    toBlock: `0x${to.toString(16)}`,
    topics: [[TOPIC.used, TOPIC.canceled], wordOf(key.from), key.nonce.toLowerCase()],
  };
  return { method: 'eth_getLogs', params: [filter] };
}

function endsAuthorization({ address, topics }: WireLog, key: AuthorizationKey): boolean {
  const [event, authorizer, nonce] = topics;
  return (
    address === key.token.toLowerCase() &&
    (event === TOPIC.used || event === TOPIC.canceled) &&
    authorizer === wordOf(key.from) &&
    nonce === key.nonce.toLowerCase()
  );
}

/**
 * The token's transfer that belongs to a use: the first one behind it. One transaction may use several authorizations
 * of one token, so a transfer behind the next use or cancellation belongs to that, and this use has none.
 */
function transferAfter(
  use: WireLog,
  logs: readonly WireLog[],
  block: BlockRef,
): TransferSeen | null {
  const ofToken = logs
    .filter(({ address }) => address === use.address)
    .toSorted((a, b) => a.logIndex - b.logIndex);
  const place = ofToken.findIndex((log) => log.logIndex === use.logIndex);
  if (ofToken[place]?.topics.join() !== use.topics.join())
    throw unavailable('the receipt does not hold the log that was found');
  for (const log of ofToken.slice(place + 1)) {
    const [event, from, to, ...more] = log.topics;
    if (event === TOPIC.used || event === TOPIC.canceled) return null;
    if (event !== TOPIC.transfer) continue;
    if (from === undefined || to === undefined || more.length > 0 || log.data.length !== 66)
      return null;
    const { transactionHash, logIndex } = log;
    const value = BigInt(log.data);
    return { from: addressIn(from), to: addressIn(to), value, transactionHash, logIndex, block };
  }
  return null;
}

function isTrue(answer: unknown): boolean {
  const word = BigInt(toBytes(answer, 32));
  if (word > 1n) throw unavailable('the token answered with neither true nor false');
  return word === 1n;
}
