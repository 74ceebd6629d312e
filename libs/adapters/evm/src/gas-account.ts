import { readFileSync } from 'node:fs';
import { Fault } from '@countersign/kernel';
import type { Hex } from 'viem';
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { type Node, blockCall, codeCall, requireCode } from './node.ts';
import { Nonces } from './nonces.ts';
import { NodeRefusal, recordOf } from './rpc.ts';
import { toBytes, toNumber } from './wire.ts';

/** Sends calls of contracts as transactions that it pays the gas for. It owns nothing but gas. */
export interface GasAccount {
  /**
   * @returns the transaction's hash, which proves nothing.
   * @throws Fault `submission_reverts` when the call would fail now; `submission_refused` when the node does not take
   * the transaction; `chain_unavailable`, `wrong_chain`, `no_code`. All retryable: whether it was sent stays unknown.
   */
  submit(contract: string, data: Hex): Promise<string>;
}

export interface GasAccountOptions {
  readonly node: Node;
  readonly keyFile: string;
  /** For one submission with all its round trips, and the wait for its turn. */
  readonly timeoutMs: number;
}

/** What a transaction needs beside its nonce. */
interface Draft {
  readonly chainId: number;
  readonly to: Hex;
  readonly data: Hex;
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/**
 * Reads the key at once, so that a wrong file shows at start.
 *
 * @throws Fault `gas_key_unusable`, not retryable.
 */
export function openGasAccount({ node, keyFile, timeoutMs }: GasAccountOptions): GasAccount {
  const account = accountIn(keyFile);
  const nonces = new Nonces();
  let turn: Promise<unknown> = Promise.resolve();

  async function send(draft: Draft, signal: AbortSignal): Promise<string> {
    const count = { method: 'eth_getTransactionCount', params: [account.address, 'pending'] };
    const [waitedFor] = await node.ask([count], signal);
    const nonce = nonces.take(toNumber(waitedFor), performance.now());
    const raw = await account.signTransaction({ ...draft, type: 'eip1559', nonce });
    const transaction = { method: 'eth_sendRawTransaction', params: [raw] };
    try {
      const [hash] = await node.ask([transaction], signal);
      return toBytes(hash, 32);
    } catch (error) {
      nonces.forget();
      throw error;
    }
  }

  return {
    async submit(contract, data) {
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const draft = await draftOf(
          node,
          { from: account.address, to: contract as Hex, data },
          signal,
        );
        // One at a time from nonce to answer, so that a transaction the node refuses leaves no gap before others.
        const sent = turn.then(() => send(draft, signal));
        turn = sent.catch(() => undefined);
        return await sent;
      } catch (error) {
        throw error instanceof NodeRefusal ? refusalOf(error) : error;
      }
    },
  };
}

function accountIn(keyFile: string): PrivateKeyAccount {
  try {
    const text = readFileSync(keyFile, 'utf8').trim();
    if (!/^(?:0x)?[0-9a-fA-F]{64}$/.test(text)) throw new Error('not 64 hex digits');
    return privateKeyToAccount(`0x${text.replace(/^0x/, '')}`);
  } catch (cause) {
    throw new Fault('gas_key_unusable', `${keyFile} holds no private key`, {
      retryable: false,
      cause,
    });
  }
}

/** Asks what the call costs, which also tells whether it would fail now. */
async function draftOf(
  node: Node,
  call: { readonly from: Hex; readonly to: Hex; readonly data: Hex },
  signal: AbortSignal,
): Promise<Draft> {
  const [code, gas, latest, gasPrice] = await node.ask(
    [
      codeCall(call.to, 'latest'),
      { method: 'eth_estimateGas', params: [call] },
      blockCall('latest'),
      { method: 'eth_gasPrice', params: [] },
    ],
    signal,
  );
  requireCode(code, call.to);
  const base = toNumber(recordOf(latest)['baseFeePerGas']);
  const tip = Math.max(0, toNumber(gasPrice) - base);
  return {
    chainId: node.chainId,
    to: call.to,
    data: call.data,
    // A quarter on top: what other transactions do before this one may make it dearer.
    gas: (BigInt(toNumber(gas)) * 5n) / 4n,
    // Enough for the base fee to double, which takes six full blocks; unused fee is not paid.
    maxFeePerGas: BigInt(base) * 2n + BigInt(tip),
    maxPriorityFeePerGas: BigInt(tip),
  };
}

function refusalOf(refusal: NodeRefusal): Fault {
  const reverts = refusal.rpcCode === 3 || /revert/i.test(refusal.message);
  const code = reverts ? 'submission_reverts' : 'submission_refused';
  return new Fault(code, refusal.message, { retryable: true, cause: refusal });
}
