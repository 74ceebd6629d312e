import { readFileSync } from 'node:fs';
import { Fault } from '@countersign/kernel';
import {
  type Hex,
  type PrivateKeyAccount,
  createClient,
  createNonceManager,
  custom,
  defineChain,
} from 'viem';
import { prepareTransactionRequest, sendRawTransaction } from 'viem/actions';
import { jsonRpc, privateKeyToAccount } from 'viem/accounts';
import { type Node, codeCall, requireCode } from './node.ts';
import { NodeRefusal } from './rpc.ts';

/** Sends calls of a token as transactions that it pays the gas for. It owns nothing but gas. */
export interface GasAccount {
  /**
   * @returns the transaction's hash, which proves nothing.
   * @throws Fault `submission_reverts` when the call would fail now; `submission_refused` when the node does not take
   * the transaction; `chain_unavailable`, `wrong_chain`, `no_code`. All retryable: whether it was sent stays unknown.
   */
  submit(token: string, data: Hex): Promise<string>;
}

export interface GasAccountOptions {
  readonly node: Node;
  readonly network: string;
  readonly keyFile: string;
  readonly timeoutMs: number;
}

/** How long a nonce may be missing on the chain before it is given out again. */
const STUCK_MS = 20_000;

/**
 * Reads the key at once, so that a wrong file shows at start.
 *
 * @throws Fault `gas_key_unusable`, not retryable.
 */
export function openGasAccount(options: GasAccountOptions): GasAccount {
  const { node, timeoutMs } = options;
  const account = accountIn(options.keyFile);
  const client = clientOf(options);
  const nonces = nonceSource(account, client);
  let turn: Promise<unknown> = Promise.resolve();

  async function sendInTurn(request: PreparedRequest): Promise<string> {
    const nonce = await nonces.take();
    try {
      const serializedTransaction = await account.signTransaction({ ...request, nonce });
      return await sendRawTransaction(client, { serializedTransaction });
    } catch (error) {
      nonces.forget();
      throw error;
    }
  }

  return {
    async submit(token, data) {
      try {
        const [code] = await node.ask([codeCall(token, 'latest')], AbortSignal.timeout(timeoutMs));
        requireCode(code, token);
        const request = await prepared(client, account, { to: token as Hex, data });
        // One at a time from nonce to answer, so that a transaction the node refuses leaves no gap before others.
        const sent = turn.then(() => sendInTurn(request));
        turn = sent.catch(() => undefined);
        return await sent;
      } catch (error) {
        throw asFault(error);
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

function clientOf({ node, network, timeoutMs }: GasAccountOptions) {
  const chain = defineChain({
    id: node.chainId,
    name: network,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  });
  const request = async ({ method, params = [] }: { method: string; params?: unknown }) => {
    const call = { method, params: params as readonly unknown[] };
    const [answer] = await node.ask([call], AbortSignal.timeout(timeoutMs));
    return answer;
  };
  const transport = custom({ request }, { retryCount: 0 });
  return createClient({ chain, transport, cacheTime: 0 });
}

type Client = ReturnType<typeof clientOf>;
type PreparedRequest = Awaited<ReturnType<typeof prepared>>;

/** Gas and fees as the node sees them now; gas with a quarter on top, as the state may change until it is mined. */
async function prepared(
  client: Client,
  account: PrivateKeyAccount,
  call: { readonly to: Hex; readonly data: Hex },
) {
  const request = await prepareTransactionRequest(client, {
    account,
    ...call,
    parameters: ['type', 'fees', 'gas', 'chainId'],
  });
  return { ...request, gas: (request.gas * 5n) / 4n };
}

/**
 * viem's nonce manager counts on from the last nonce it gave, so one transaction that got lost (a node restarted, a
 * mempool was full) would hold up all later ones for ever. When the node still waits for the same nonce after a while,
 * that one is given out again.
 */
function nonceSource(account: PrivateKeyAccount, client: Client) {
  const { address } = account;
  const place = { address, chainId: client.chain.id };
  let waitingFor = { nonce: -1, sinceMs: 0 };
  const source = jsonRpc();
  const manager = createNonceManager({
    source: {
      async get(parameters) {
        const nonce = await source.get(parameters);
        const nowMs = performance.now();
        if (nonce !== waitingFor.nonce) waitingFor = { nonce, sinceMs: nowMs };
        return nonce;
      },
      set: () => undefined,
    },
  });
  return {
    async take(): Promise<number> {
      const nonce = await manager.consume({ ...place, client });
      const stuck = performance.now() - waitingFor.sinceMs > STUCK_MS;
      if (nonce === waitingFor.nonce || !stuck) return nonce;
      manager.reset(place);
      return manager.consume({ ...place, client });
    },
    forget: () => manager.reset(place),
  };
}

/** What the node refused, without viem's words around it: they name the URL and the whole request. */
function asFault(error: unknown): Fault {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof NodeRefusal) return fromRefusal(at);
    if (at instanceof Fault) return at;
  }
  return new Fault('chain_unavailable', 'the transaction could not be made', {
    retryable: true,
    cause: error,
  });
}

function fromRefusal(refusal: NodeRefusal): Fault {
  const reverts = refusal.rpcCode === 3 || /revert/i.test(refusal.message);
  const code = reverts ? 'submission_reverts' : 'submission_refused';
  return new Fault(code, refusal.message, { retryable: true, cause: refusal });
}
