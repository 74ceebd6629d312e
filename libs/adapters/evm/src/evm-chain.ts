import { Fault } from '@countersign/kernel';
import type { Chain } from '@countersign/ports';
import { accountChain } from './account/chain.ts';
import { type GasAccount, openGasAccount } from './gas-account.ts';
import { gathered } from './gathered.ts';
import { blockCall, blockIn, checkedNode, codeCall, requireCode, viewCall } from './node.ts';
import { readOutflows } from './outflows.ts';
import { readAuthorization } from './reading.ts';
import { httpRpc } from './rpc.ts';
import { encodeBalanceCall, encodeCancellation, encodeTransfer } from './token.ts';
import { fromWireBlock, toBytes } from './wire.ts';

export interface EvmChainOptions {
  /** CAIP-2 id the node must answer for, such as `eip155:84532`. */
  readonly network: string;
  readonly rpcUrl: string;
  /** File with the hex private key of an account that holds gas and nothing else; needed only to submit. */
  readonly gasKeyFile?: string;
  /** For one call with all its round trips, or one round trip of a scan for outflows; 10 s when left out. */
  readonly timeoutMs?: number;
  /** How many blocks one search of logs spans; 2000 when left out. Providers have limits. */
  readonly logRangeBlocks?: number;
}

const TIMEOUT_MS = 10_000;
const LOG_RANGE_BLOCKS = 2_000;

/**
 * A chain over JSON-RPC. Every round trip is one batch that also asks for the chain id, and every reading is of one
 * block by its hash (EIP-1898), so the node must know both, and must still have the state of the finalized block. Nothing
 * is repeated here: whoever calls decides that.
 *
 * @throws Fault `network_unknown`, `rpc_url_unusable` or `gas_key_unusable`, not retryable, for options that can never work.
 */
export function evmChain(options: EvmChainOptions): Chain {
  const {
    network,
    gasKeyFile,
    timeoutMs = TIMEOUT_MS,
    logRangeBlocks = LOG_RANGE_BLOCKS,
  } = options;
  const rpc = httpRpc(options.rpcUrl);
  const node = checkedNode(rpc, network);
  const states = checkedNode(gathered(rpc), network);
  const gas: GasAccount =
    gasKeyFile === undefined
      ? noGasAccount(network)
      : openGasAccount({ node, keyFile: gasKeyFile, timeoutMs });
  const deadline = () => AbortSignal.timeout(timeoutMs);
  return {
    network,
    async head(tag) {
      const [block] = await states.ask([blockCall(tag)], deadline());
      return blockIn(block);
    },
    async holds({ number, hash }) {
      const [block] = await states.ask([blockCall(number)], deadline());
      return fromWireBlock(block)?.hash === hash;
    },
    authorization: (key, tag, fromBlock) =>
      readAuthorization(
        { node, states },
        { key, tag, fromBlock, logRangeBlocks, signal: deadline() },
      ),
    outflows: (scan) => readOutflows(node, { ...scan, logRangeBlocks, deadline }),
    async balance(token, address) {
      const read = viewCall(token, encodeBalanceCall(address), 'latest');
      const [code, held] = await node.ask([codeCall(token, 'latest'), read], deadline());
      requireCode(code, token);
      return BigInt(toBytes(held, 32));
    },
    submitTransfer: async (transfer) => gas.submit(transfer.token, encodeTransfer(transfer)),
    submitCancellation: async (cancel) => gas.submit(cancel.token, encodeCancellation(cancel)),
    accounts: accountChain({ node, gas, deadline }),
  };
}

function noGasAccount(network: string): GasAccount {
  return {
    submit: async () => {
      throw new Fault('no_gas_account', `no account pays for gas on ${network}`, {
        retryable: false,
      });
    },
  };
}
