import { readFileSync } from 'node:fs';
import { Fault } from '@countersign/kernel';
import type {
  AuthorizationKey,
  AuthorizationReading,
  BlockRef,
  BlockTag,
  Chain,
  TransferSeen,
} from '@countersign/ports';
import {
  type Address,
  type Hex,
  type Log,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  isHex,
  parseAbi,
  parseSignature,
} from 'viem';
import { nonceManager, privateKeyToAccount } from 'viem/accounts';

export interface EvmChainOptions {
  /** CAIP-2 id the node must answer for. */
  readonly network: string;
  readonly rpcUrl: string;
  /** Hex private key of an account that holds gas and nothing else; needed to submit only. */
  readonly gasKeyFile?: string;
  readonly timeoutMs?: number;
}

const TOKEN = parseAbi([
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function balanceOf(address account) view returns (uint256)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
]);
const [USED, CANCELED, TRANSFER] = TOKEN;

/** A chain over JSON-RPC. Each reading is of one block, and of no other chain than the configured one. */
export function evmChain(options: EvmChainOptions): Chain {
  const { network, rpcUrl, timeoutMs = 5_000 } = options;
  const id = Number(network.slice('eip155:'.length));
  const chain = defineChain({
    id,
    name: network,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const transport = http(rpcUrl, { timeout: timeoutMs, retryCount: 0, batch: true });
  const client = createPublicClient({ chain, transport, cacheTime: 0 });

  async function checked<T>(call: Promise<T>): Promise<T> {
    const [answer, actual] = await orFault(Promise.all([call, client.getChainId()]));
    if (actual !== id)
      throw new Fault('wrong_chain', `the node at ${network} answers for chain ${actual}`, {
        retryable: true,
      });
    return answer;
  }

  async function blockAt(tag: BlockTag): Promise<BlockRef> {
    const block = await checked(client.getBlock({ blockTag: tag }));
    return refOf(block);
  }

  /** The block a reading was made at must still be there, or the reading is of two histories. */
  async function unmoved(block: BlockRef): Promise<void> {
    const now = await checked(client.getBlock({ blockNumber: BigInt(block.number) }));
    if (now.hash !== block.hash)
      throw new Fault('block_vanished', 'the chain was reorganised while it was read', {
        retryable: true,
      });
  }

  async function usedReading(
    key: AuthorizationKey,
    at: BlockRef,
    fromBlock: number,
  ): Promise<AuthorizationReading> {
    const range = { fromBlock: BigInt(fromBlock), toBlock: BigInt(at.number) };
    const args = { authorizer: key.from as Address, nonce: key.nonce as Hex };
    const address = key.token as Address;
    const [used, canceled] = await checked(
      Promise.all([
        client.getLogs({ address, event: USED, args, ...range, strict: true }),
        client.getLogs({ address, event: CANCELED, args, ...range, strict: true }),
      ]),
    );
    const cancellation = canceled[0];
    if (cancellation) {
      const { transactionHash, logIndex, blockNumber } = cancellation;
      const block = refOf(await checked(client.getBlock({ blockNumber })));
      return { at, state: 'canceled', canceled: { transactionHash, logIndex, block } };
    }
    const use = used[0];
    if (!use)
      throw new Fault('log_missing', 'the nonce is used and the node shows no log of it', {
        retryable: true,
      });
    return { at, state: 'used', transfer: await transferAfter(address, use) };
  }

  /** EIP-3009 tokens emit the transfer right after the use; one transaction may hold several of both. */
  async function transferAfter(
    address: Address,
    use: Log<bigint, number, false>,
  ): Promise<TransferSeen | null> {
    const { blockNumber, transactionHash } = use;
    const range = { fromBlock: blockNumber, toBlock: blockNumber };
    const [logs, block] = await checked(
      Promise.all([
        client.getLogs({ address, event: TRANSFER, ...range, strict: true }),
        client.getBlock({ blockNumber }),
      ]),
    );
    const next = logs
      .filter((it) => it.transactionHash === transactionHash && it.logIndex > use.logIndex)
      .sort((a, b) => a.logIndex - b.logIndex)[0];
    if (!next) return null;
    const { from, to, value } = next.args;
    return {
      from: from.toLowerCase(),
      to: to.toLowerCase(),
      value,
      transactionHash,
      logIndex: next.logIndex,
      block: refOf(block),
    };
  }

  const submit = submitter(options, chain, transport);
  return {
    network,
    head: blockAt,
    async authorization(key, tag, fromBlock) {
      const at = await blockAt(tag);
      const address = key.token as Address;
      const blockNumber = BigInt(at.number);
      const [code, used] = await checked(
        Promise.all([
          client.getCode({ address, blockNumber }),
          client.readContract({
            address,
            abi: TOKEN,
            functionName: 'authorizationState',
            args: [key.from as Address, key.nonce as Hex],
            blockNumber,
          }),
        ]),
      );
      if (code === undefined || code === '0x')
        throw new Fault('no_code', `there is no contract at ${key.token}`, { retryable: true });
      const reading: AuthorizationReading = used
        ? await usedReading(key, at, fromBlock)
        : { at, state: 'unused' };
      await unmoved(at);
      return reading;
    },
    balance: (token, address) =>
      checked(
        client.readContract({
          address: token as Address,
          abi: TOKEN,
          functionName: 'balanceOf',
          args: [address as Address],
        }),
      ),
    submitTransfer: ({ token, from, to, value, validAfter, validBefore, nonce, signature }) => {
      const args = [from, to, value, BigInt(validAfter), BigInt(validBefore), nonce] as const;
      return submit(token, 'transferWithAuthorization', args, signature);
    },
    submitCancellation: ({ token, from, nonce, signature }) =>
      submit(token, 'cancelAuthorization', [from, nonce], signature),
  };
}

type Submit = (
  token: string,
  functionName: 'transferWithAuthorization' | 'cancelAuthorization',
  args: readonly unknown[],
  signature: string,
) => Promise<string>;

function submitter(
  { gasKeyFile, network }: EvmChainOptions,
  chain: ReturnType<typeof defineChain>,
  transport: ReturnType<typeof http>,
): Submit {
  if (gasKeyFile === undefined)
    return () =>
      Promise.reject(
        new Fault('no_gas_account', `nobody pays gas on ${network}`, { retryable: false }),
      );
  const key = readFileSync(gasKeyFile, 'utf8').trim();
  if (!isHex(key))
    throw new Fault('no_gas_account', 'the gas key file holds no hex key', { retryable: false });
  const account = privateKeyToAccount(key, { nonceManager });
  const wallet = createWalletClient({ account, chain, transport });
  return (token, functionName, args, signature) => {
    const full = [...args, ...signatureArguments(signature)];
    return orFault(
      // viem cannot pick an overload from an argument list it does not know the length of.
      wallet.writeContract({
        address: token as Address,
        abi: TOKEN,
        functionName,
        args: full,
      } as unknown as Parameters<typeof wallet.writeContract>[0]),
    );
  };
}

/** 65 bytes go as v, r, s; anything else is a contract's signature and goes as bytes. */
function signatureArguments(signature: string): readonly unknown[] {
  if (!isHex(signature)) throw new Fault('invalid_signature', 'not hex', { retryable: false });
  if (signature.length !== 132) return [signature];
  const { v, r, s, yParity } = parseSignature(signature);
  return [Number(v ?? BigInt(27 + yParity)), r, s];
}

function refOf(block: { number: bigint; hash: Hex; timestamp: bigint }): BlockRef {
  return {
    number: Number(block.number),
    hash: block.hash,
    timeMs: Number(block.timestamp) * 1000,
  };
}

/** Whatever the node did, it said nothing about the payment. */
async function orFault<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('chain_unavailable', (cause as Error).message.split('\n')[0] ?? 'no answer', {
      retryable: true,
      cause,
    });
  }
}
