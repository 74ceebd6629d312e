import { readFileSync } from 'node:fs';
import { findAsset } from '@countersign/contracts';
import { authorizationTypes } from '@x402/evm';
import {
  type Address,
  type Hex,
  createTestClient,
  createWalletClient,
  http,
  keccak256,
  parseSignature,
  serializeSignature,
  toFunctionSelector,
  toEventSelector,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chain, SANDBOX_NETWORK, startChain } from './chain.ts';
import { compileToken } from './compile.ts';
import multicall3 from './contracts/multicall3.json' with { type: 'json' };
import { TOKEN_ADDRESS, TOKEN_DOMAIN, tokenAbi } from './token.ts';

const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const PAYEE: Address = '0x2222222222222222222222222222222222222222';
const AMOUNT_ATOMIC = 1_000n;
const ALWAYS: Window = { validAfter: 0n, validBefore: 2n ** 40n };
/** Code that answers every call with the magic value of ERC-1271. */
const AGREEABLE_ACCOUNT: Hex = '0x631626ba7e60e01b5f5260205ff3';

interface Window {
  readonly validAfter: bigint;
  readonly validBefore: bigint;
}

let chain: Chain;
let relayer: ReturnType<typeof relayerOf>;

beforeAll(async () => {
  chain = await startChain();
  relayer = relayerOf(chain);
}, 30_000);

afterAll(() => chain.stop());

function relayerOf(on: Chain) {
  const account = on.gasAccounts[1];
  if (account === undefined) throw new Error('no account to relay with');
  return createWalletClient({ account, chain: on.client.chain, transport: http(on.rpcUrl) });
}

const token = { address: TOKEN_ADDRESS, abi: tokenAbi } as const;
const domain = { ...TOKEN_DOMAIN, chainId: 84532, verifyingContract: TOKEN_ADDRESS };

async function holder() {
  const account = privateKeyToAccount(generatePrivateKey());
  await chain.fund(account.address, AMOUNT_ATOMIC);
  return account;
}

type Holder = Awaited<ReturnType<typeof holder>>;

async function signTransfer(from: Holder, window: Window = ALWAYS) {
  const message = {
    from: from.address,
    to: PAYEE,
    value: AMOUNT_ATOMIC,
    nonce: generatePrivateKey(),
    ...window,
  };
  const signature = await from.signTypedData({
    domain,
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message,
  });
  const { to, value, validAfter, validBefore, nonce } = message;
  const terms = [message.from, to, value, validAfter, validBefore, nonce] as const;
  return { nonce, terms, signature };
}

function signCancel(authorizer: Holder, nonce: Hex): Promise<Hex> {
  return authorizer.signTypedData({
    domain,
    types: {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'CancelAuthorization',
    message: { authorizer: authorizer.address, nonce },
  });
}

/** Tries a transfer as the next block would, at `atSeconds` if given, and changes nothing. */
function tryTransfer(
  { terms, signature }: Awaited<ReturnType<typeof signTransfer>>,
  atSeconds?: bigint,
) {
  return chain.client.simulateContract({
    ...token,
    account: relayer.account,
    functionName: 'transferWithAuthorization',
    args: [...terms, signature],
    ...(atSeconds === undefined ? {} : { blockOverrides: { time: atSeconds } }),
  });
}

async function logsOf(hash: Hex): Promise<readonly (Hex | undefined)[]> {
  const receipt = await chain.client.waitForTransactionReceipt({ hash });
  expect(receipt.status).toBe('success');
  return receipt.logs.map((log) => log.topics[0]);
}

const eventTopic = (name: 'AuthorizationUsed' | 'AuthorizationCanceled' | 'Transfer'): Hex => {
  const event = tokenAbi.find((item) => item.type === 'event' && item.name === name);
  if (event?.type !== 'event') throw new Error(`no event ${name}`);
  return toEventSelector(event);
};

describe('the contract files', () => {
  it('hold what compiling the source gives', { timeout: 30_000 }, () => {
    const checkedIn: unknown = JSON.parse(
      readFileSync(new URL('contracts/sandbox-usdc.json', import.meta.url), 'utf8'),
    );
    const compiled = compileToken();
    expect(compiled).toEqual(checkedIn);

    const selectors = new Set(compiled.abi.map(selectorOf));
    expect(tokenAbi.filter((item) => !selectors.has(selectorOf(item)))).toEqual([]);
  });

  it('hold the Multicall3 that is deployed everywhere', () => {
    expect(keccak256(multicall3.deployedBytecode as Hex)).toBe(multicall3.codeHash);
  });
});

function selectorOf(item: ReturnType<typeof compileToken>['abi'][number]): string {
  if (item.type === 'function') return toFunctionSelector(item);
  return item.type === 'event' ? toEventSelector(item) : item.type;
}

describe('the token', () => {
  it('is the one our own asset table knows', () => {
    expect(findAsset(SANDBOX_NETWORK, TOKEN_ADDRESS)).toMatchObject({
      decimals: 6,
      domain: TOKEN_DOMAIN,
    });
  });
});

describe('an authorization', () => {
  it('moves money by either overload, and is marked used in the log before the transfer', async () => {
    const [first, second] = [await holder(), await holder()];
    const byBytes = await signTransfer(first);
    const byParts = await signTransfer(second);
    const { r, s, v } = parseSignature(byParts.signature);

    const hashes = [
      await relayer.writeContract({
        ...token,
        functionName: 'transferWithAuthorization',
        args: [...byBytes.terms, byBytes.signature],
      }),
      await relayer.writeContract({
        ...token,
        functionName: 'transferWithAuthorization',
        args: [...byParts.terms, Number(v), r, s],
      }),
    ];

    for (const hash of hashes) {
      expect(await logsOf(hash)).toEqual([eventTopic('AuthorizationUsed'), eventTopic('Transfer')]);
    }
    await expect(tryTransfer(byBytes)).rejects.toThrow('authorization is used or canceled');
  });

  it('cannot be used once it is cancelled', async () => {
    const account = await holder();
    const payment = await signTransfer(account);
    const hash = await relayer.writeContract({
      ...token,
      functionName: 'cancelAuthorization',
      args: [account.address, payment.nonce, await signCancel(account, payment.nonce)],
    });

    expect(await logsOf(hash)).toEqual([eventTopic('AuthorizationCanceled')]);
    await expect(tryTransfer(payment)).rejects.toThrow('authorization is used or canceled');
    expect(
      await chain.client.readContract({
        ...token,
        functionName: 'authorizationState',
        args: [account.address, payment.nonce],
      }),
    ).toBe(true);
    expect(await chain.transfersFrom(account.address)).toEqual([]);
  });

  it('is cancelled by its own account only', async () => {
    const [account, stranger] = [await holder(), await holder()];
    const { nonce } = await signTransfer(account);
    const cancelling = chain.client.simulateContract({
      ...token,
      functionName: 'cancelAuthorization',
      args: [account.address, nonce, await signCancel(stranger, nonce)],
    });
    await expect(cancelling).rejects.toThrow('invalid signature');
  });

  it('is valid strictly between its two times', async () => {
    const { timestamp: now } = await chain.client.getBlock();
    const [validAfter, validBefore] = [now + 100n, now + 102n];
    const payment = await signTransfer(await holder(), { validAfter, validBefore });

    await expect(tryTransfer(payment, validAfter)).rejects.toThrow('not yet valid');
    await expect(tryTransfer(payment, validAfter + 1n)).resolves.toBeDefined();
    await expect(tryTransfer(payment, validBefore)).rejects.toThrow('authorization is expired');
  });

  it('is refused with a malleable, foreign or truncated signature', async () => {
    const payment = await signTransfer(await holder());
    const { r, s, yParity } = parseSignature(payment.signature);
    const highS = serializeSignature({
      r,
      s: `0x${(CURVE_ORDER - BigInt(s)).toString(16).padStart(64, '0')}`,
      yParity: 1 - yParity,
    });
    const foreign = await signTransfer(await holder());

    const withSignature = (signature: Hex) => tryTransfer({ ...payment, signature });
    await expect(withSignature(highS)).rejects.toThrow("invalid signature 's' value");
    await expect(withSignature(foreign.signature)).rejects.toThrow('invalid signature');
    await expect(withSignature('0x00')).rejects.toThrow('invalid signature length');
  });

  it('to receive is for the payee to use', async () => {
    const account = await holder();
    const { terms, signature } = await signTransfer(account);
    const receive = (caller: Address) =>
      chain.client.simulateContract({
        ...token,
        account: caller,
        functionName: 'receiveWithAuthorization',
        args: [...terms, signature],
      });
    await expect(receive(relayer.account.address)).rejects.toThrow('caller must be the payee');
    // As the payee, a signature for a transfer is still not one for a receipt.
    await expect(receive(PAYEE)).rejects.toThrow('invalid signature');
  });

  it('of an account with code is for that code to accept', async () => {
    const payment = await signTransfer(await holder());
    const account: Address = '0x3333333333333333333333333333333333333333';
    await chain.fund(account, AMOUNT_ATOMIC);
    const [, ...rest] = payment.terms;
    const fromAccount = { ...payment, terms: [account, ...rest] as const, signature: '0x' as Hex };

    await expect(tryTransfer(fromAccount)).rejects.toThrow('invalid signature length');
    const operator = createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) });
    await operator.setCode({ address: account, bytecode: AGREEABLE_ACCOUNT });
    await expect(tryTransfer(fromAccount)).resolves.toBeDefined();
  });

  it('cannot pass a blacklist or a pause', async () => {
    const account = await holder();
    const payment = await signTransfer(account);
    const { writeContract } = relayer;

    await logsOf(await writeContract({ ...token, functionName: 'blacklist', args: [PAYEE] }));
    await expect(tryTransfer(payment)).rejects.toThrow('account is blacklisted');
    await logsOf(await writeContract({ ...token, functionName: 'unBlacklist', args: [PAYEE] }));
    await logsOf(await writeContract({ ...token, functionName: 'pause' }));
    await expect(tryTransfer(payment)).rejects.toThrow('Pausable: paused');
    await logsOf(await writeContract({ ...token, functionName: 'unpause' }));
    await expect(tryTransfer(payment)).resolves.toBeDefined();
  });
});
