import type { BlockRef, Outflow, OutflowScan } from '@countersign/ports';
import {
  type Node,
  atBlock,
  blockCall,
  blockIn,
  codeCall,
  requireCode,
  requireSame,
} from './node.ts';
import { type RpcCall, unavailable } from './rpc.ts';
import { TOPIC, addressIn, wordOf } from './token.ts';
import { type WireLog, fromWireLogs } from './wire.ts';

export interface OutflowRequest extends OutflowScan {
  /** How many blocks one search of logs spans; providers have limits. */
  readonly logRangeBlocks: number;
  /** A new one for each round trip: how many there are follows from how long nobody has looked. */
  readonly deadline: () => AbortSignal;
}

/** Wallets named in one search: nodes limit the length of a list of topics. */
const WALLETS_MAX = 200;

/**
 * Reads what left some wallets, from the logs of their tokens. Logs are read by height; they count only if the block up to
 * which they were read is still at its height afterwards, as then everything below it is too.
 *
 * @throws Fault, always retryable: `chain_unavailable`, `wrong_chain`, `no_code`, `block_vanished`.
 */
export async function readOutflows(
  node: Node,
  request: OutflowRequest,
): Promise<{ readonly at: BlockRef; readonly outflows: readonly Outflow[] }> {
  const { tokens, wallets, fromBlock, tag, logRangeBlocks, deadline } = request;
  const [newest] = await node.ask([blockCall(tag)], deadline());
  const head = blockIn(newest);
  const at = await lastOf(node, request, head);
  if (tokens.length === 0 || wallets.length === 0) return { at, outflows: [] };
  // As of the head: of an old block a node has the logs, but not the state.
  const codes = await node.ask(
    tokens.map((token) => codeCall(token, atBlock(head))),
    deadline(),
  );
  for (const [index, token] of tokens.entries()) requireCode(codes[index], token);
  const logs: WireLog[] = [];
  for (let start = 0; start < wallets.length; start += WALLETS_MAX) {
    const some = wallets.slice(start, start + WALLETS_MAX);
    for (let from = Math.max(0, fromBlock); from <= at.number; from += logRangeBlocks) {
      const to = Math.min(at.number, from + logRangeBlocks - 1);
      const [answer] = await node.ask([outflowsCall(tokens, some, { from, to })], deadline());
      logs.push(...checked(fromWireLogs(answer), { tokens, wallets: some, from, to }));
    }
  }
  const [again] = await node.ask([blockCall(at.number)], deadline());
  requireSame(again, at);
  logs.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
  return { at, outflows: paired(logs) };
}

/** The block up to which is looked. */
async function lastOf(
  node: Node,
  { toBlock = Infinity, deadline }: OutflowRequest,
  head: BlockRef,
): Promise<BlockRef> {
  if (toBlock >= head.number) return head;
  const [block] = await node.ask([blockCall(toBlock)], deadline());
  return blockIn(block);
}

function outflowsCall(
  tokens: readonly string[],
  wallets: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
): RpcCall {
  const filter = {
    address: tokens.map((token) => token.toLowerCase()),
    fromBlock: `0x${from.toString(16)}`,
    toBlock: `0x${to.toString(16)}`,
    topics: [[TOPIC.transfer, TOPIC.used], wallets.map(wordOf)],
  };
  return { method: 'eth_getLogs', params: [filter] };
}

function checked(
  logs: readonly WireLog[],
  asked: {
    readonly tokens: readonly string[];
    readonly wallets: readonly string[];
    readonly from: number;
    readonly to: number;
  },
): readonly WireLog[] {
  const tokens = new Set(asked.tokens.map((it) => it.toLowerCase()));
  const wallets = new Set<string>(asked.wallets.map(wordOf));
  for (const { address, topics, blockNumber } of logs) {
    const [event, from] = topics;
    const isOurs = tokens.has(address) && wallets.has(from ?? '');
    const isNamed = event === TOPIC.transfer || event === TOPIC.used;
    if (!isOurs || !isNamed || blockNumber < asked.from || blockNumber > asked.to)
      throw unavailable('the node answered with a log that was not asked for');
  }
  return logs;
}

/** Puts each use together with the transfer behind it: the next one of the same token, payer and transaction. */
function paired(logs: readonly WireLog[]): readonly Outflow[] {
  const outflows: Outflow[] = [];
  const waiting = new Map<string, WireLog>();
  for (const log of logs) {
    const key = `${log.transactionHash}/${log.address}/${log.topics[1]}`;
    const use = waiting.get(key);
    waiting.delete(key);
    if (log.topics[0] === TOPIC.transfer) {
      outflows.push(outflowOf(log, use));
      continue;
    }
    if (use) outflows.push(outflowOf(use, use));
    waiting.set(key, log);
  }
  return [...outflows, ...[...waiting.values()].map((use) => outflowOf(use, use))].sort(
    (a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex,
  );
}

/** @param use of a nonce that did it; the log itself where no transfer stands behind the use. */
function outflowOf(log: WireLog, use: WireLog | undefined): Outflow {
  const { address, topics, data, transactionHash, logIndex, blockNumber, blockHash } = log;
  const [, from = '', third = ''] = topics;
  return {
    token: address,
    from: addressIn(from),
    nonce: use?.topics[2] ?? null,
    moved: log === use ? null : { to: addressIn(third), value: valueOf(data) },
    ...{ transactionHash, logIndex, blockNumber, blockHash },
  };
}

function valueOf(data: string): bigint {
  if (data.length !== 66) throw unavailable('a transfer of another shape');
  return BigInt(data);
}
