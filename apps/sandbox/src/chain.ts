import { invariant } from '@countersign/kernel';
import {
  type Address,
  type Hash,
  type Hex,
  createPublicClient,
  createTestClient,
  createWalletClient,
  defineChain,
  getAbiItem,
  http,
  isHex,
} from 'viem';
import { type HDAccount, mnemonicToAccount } from 'viem/accounts';
import { startAnvil } from './anvil.ts';
import multicall3 from './contracts/multicall3.json' with { type: 'json' };
import sandboxUsdc from './contracts/sandbox-usdc.json' with { type: 'json' };
import { inOrder } from './in-order.ts';
import { TOKEN_ADDRESS, tokenAbi } from './token.ts';

/** The chain id of Base Sepolia: the only one for which the x402 packages know the token by themselves. */
export const SANDBOX_CHAIN_ID = 84532;

/** The same chain in CAIP-2, as x402 writes it. */
export const SANDBOX_NETWORK = `eip155:${SANDBOX_CHAIN_ID}` as const;

const MULTICALL3_ADDRESS: Address = '0xcA11bde05977b3631167028862bE2a173976CA11';
const GAS_ACCOUNTS = 10;
const POLLING_INTERVAL_MS = 50;

/** How a sandbox chain is started. */
export interface ChainOptions {
  /** A free port when left out. */
  readonly port?: number;
  /** Loaded at the start when it exists, written at the end. Without it the chain forgets everything. */
  readonly stateFile?: string;
  /** Receives what anvil writes; it is thrown away when left out. */
  readonly log?: (line: string) => void;
}

/** One movement of the token. */
export interface TokenTransfer {
  readonly from: Address;
  readonly to: Address;
  readonly amountAtomic: bigint;
  readonly transactionHash: Hash;
  readonly blockNumber: bigint;
  readonly logIndex: number;
}

/** An anvil on 127.0.0.1 that has the sandbox token and blocks every second, final two blocks later. */
export interface Chain extends AsyncDisposable {
  readonly rpcUrl: string;
  readonly chainId: typeof SANDBOX_CHAIN_ID;
  readonly network: typeof SANDBOX_NETWORK;
  readonly token: Address;
  /** Reads the chain. */
  readonly client: ChainReader;
  /** Accounts rich in ether, for paying gas. Their keys are known to everyone. */
  readonly gasAccounts: readonly HDAccount[];
  /** Mints tokens and mines the block that holds them; resolves when the balance is there. */
  fund(address: Address, amountAtomic: bigint): Promise<Hash>;
  balanceOf(address: Address): Promise<bigint>;
  /** Every transfer out of `address`, oldest first, read from the logs. */
  transfersFrom(address: Address): Promise<readonly TokenTransfer[]>;
  /** Ends anvil; calling it again does nothing. */
  stop(): Promise<void>;
}

/** viem's client for reading, bound to one sandbox chain. */
export type ChainReader = ReturnType<typeof readerOf>;

/** What viem has to know about the chain at `rpcUrl`. */
export function describeChain(rpcUrl: string) {
  return defineChain({
    id: SANDBOX_CHAIN_ID,
    name: 'Countersign sandbox',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
    contracts: { multicall3: { address: MULTICALL3_ADDRESS } },
  });
}

/** Starts a chain and plants the token; resolves when both answer and finality moves. */
export async function startChain(options: ChainOptions = {}): Promise<Chain> {
  const anvil = await startAnvil(anvilArguments(options), options.log ?? (() => undefined));
  try {
    return await prepareChain(anvil.rpcUrl, anvil.stop);
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

async function prepareChain(rpcUrl: string, stop: () => Promise<void>): Promise<Chain> {
  const client = readerOf(rpcUrl);
  const miner = createTestClient({ mode: 'anvil', chain: client.chain, transport: http(rpcUrl) });
  const chainId = await client.getChainId();
  invariant(chainId === SANDBOX_CHAIN_ID, `anvil answers as chain ${chainId}`);

  await miner.setCode({ address: MULTICALL3_ADDRESS, bytecode: codeOf(multicall3) });
  await miner.setCode({ address: TOKEN_ADDRESS, bytecode: codeOf(sandboxUsdc) });

  const before = await client.getBlock({ blockTag: 'finalized' });
  await miner.mine({ blocks: 3 });
  const after = await client.getBlock({ blockTag: 'finalized' });
  invariant(after.number > before.number, `finality stands still at block ${before.number}`);

  const accounts = Array.from({ length: GAS_ACCOUNTS }, (_, index) => devAccount(index));
  const minter = createWalletClient({
    account: devAccount(GAS_ACCOUNTS),
    chain: client.chain,
    transport: http(rpcUrl),
  });
  await miner.setBalance({ address: minter.account.address, value: 10n ** 24n });
  const mintInOrder = inOrder();

  return {
    rpcUrl,
    chainId: SANDBOX_CHAIN_ID,
    network: SANDBOX_NETWORK,
    token: TOKEN_ADDRESS,
    client,
    gasAccounts: accounts,
    fund: (address, amountAtomic) =>
      mintInOrder(async () => {
        const hash = await minter.writeContract({
          address: TOKEN_ADDRESS,
          abi: tokenAbi,
          functionName: 'mint',
          args: [address, amountAtomic],
        });
        await miner.mine({ blocks: 1 });
        const receipt = await client.waitForTransactionReceipt({ hash });
        invariant(receipt.status === 'success', `minting for ${address} reverted in ${hash}`);
        return hash;
      }),
    balanceOf: (address) =>
      client.readContract({
        address: TOKEN_ADDRESS,
        abi: tokenAbi,
        functionName: 'balanceOf',
        args: [address],
      }),
    transfersFrom: (address) => readTransfersFrom(client, address),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function readTransfersFrom(
  client: ChainReader,
  address: Address,
): Promise<readonly TokenTransfer[]> {
  const logs = await client.getLogs({
    address: TOKEN_ADDRESS,
    event: getAbiItem({ abi: tokenAbi, name: 'Transfer' }),
    args: { from: address },
    fromBlock: 0n,
    strict: true,
  });
  return logs.map((log) => ({
    from: log.args.from,
    to: log.args.to,
    amountAtomic: log.args.value,
    transactionHash: log.transactionHash,
    blockNumber: log.blockNumber,
    logIndex: log.logIndex,
  }));
}

function anvilArguments(options: ChainOptions): string[] {
  return [
    ...['--host', '127.0.0.1', '--port', String(options.port ?? 0)],
    ...['--chain-id', String(SANDBOX_CHAIN_ID), '--block-time', '1', '--slots-in-an-epoch', '1'],
    ...(options.stateFile === undefined ? [] : ['--state', options.stateFile]),
  ];
}

function readerOf(rpcUrl: string) {
  return createPublicClient({
    chain: describeChain(rpcUrl),
    transport: http(rpcUrl),
    pollingInterval: POLLING_INTERVAL_MS,
    cacheTime: 0,
  });
}

function devAccount(addressIndex: number): HDAccount {
  return mnemonicToAccount('test test test test test test test test test test test junk', {
    addressIndex,
  });
}

function codeOf(artifact: { readonly deployedBytecode: string }): Hex {
  invariant(isHex(artifact.deployedBytecode), 'a contract file holds no code');
  return artifact.deployedBytecode;
}
