import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OwnerUnderTest, describeAccounts } from '@countersign/ports/suites';
import { p256 } from '@noble/curves/nist.js';
import { type Hex, encodeFunctionData, parseAbi } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evmChain } from '../evm-chain.ts';
import { type Anvil, startAnvil } from '../testing/anvil.ts';
import { smartAccounts } from './account.ts';
import { compileAccount } from './compile.ts';

const CHAIN_ID = 84_532;
const GAS_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ERC1271 = parseAbi([
  'function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)',
]);
const YES = `0x1626ba7e${'0'.repeat(56)}`;
const NO = `0xffffffff${'0'.repeat(56)}`;

let anvil: Anvil;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evm-account-'));
  writeFileSync(join(home, 'gas.key'), `${GAS_KEY}\n`);
  anvil = await startAnvil();
});
afterAll(async () => {
  await anvil.stop();
  rmSync(home, { recursive: true });
});

function chainOn(rpcUrl: string) {
  return evmChain({ network: `eip155:${CHAIN_ID}`, rpcUrl, gasKeyFile: join(home, 'gas.key') });
}

describeAccounts('EVM, on anvil', async () => ({
  accounts: chainOn(anvil.rpcUrl).accounts,
  newOwner,
  mine: async () => void (await anvil.call('evm_mine')),
  reorg: async (depth) => void (await anvil.call('anvil_reorg', depth, [])),
  dispose: async () => {},
}));

interface TestOwner extends OwnerUnderTest {
  signDigest(digest: string): Hex;
}

function newOwner(): TestOwner {
  const secret = p256.utils.randomSecretKey();
  const publicKey = hexOf(p256.getPublicKey(secret, false).subarray(1));
  const signDigest = (digest: string) =>
    hexOf(p256.sign(Buffer.from(digest.slice(2), 'hex'), secret, { prehash: false, lowS: true }));
  return {
    publicKey,
    account: smartAccounts.address(publicKey),
    signDigest,
    sign: async (account, newOwnerKey, rotation) =>
      signDigest(
        smartAccounts.rotationDigest({
          ...{ account, chainId: CHAIN_ID },
          ...{ newOwner: newOwnerKey, rotation },
        }),
      ),
  };
}

function hexOf(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

/** What an account answers, as a token asks it. */
function ask(on: Anvil, account: string, digest: string, signature: Hex) {
  const args = [digest as Hex, signature] as const;
  const data = encodeFunctionData({ abi: ERC1271, functionName: 'isValidSignature', args });
  return on.call('eth_call', { to: account, data }, 'latest');
}

describe('the checked-in account', () => {
  it('is what its source compiles to', () => {
    const file = new URL('../../contracts/countersign-account.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(compileAccount());
  });

  it('can answer and be handed over, and nothing else', () => {
    const functions = compileAccount().abi.filter((it) => it.type !== 'event');
    expect(functions.map((it) => ('name' in it ? it.name : it.type)).sort()).toEqual([
      ...['NotAcceptedByNewOwner', 'NotSignedByOwner', 'constructor'],
      ...['isValidSignature', 'owner', 'rotateOwner', 'rotations'],
    ]);
  });

  it('stands where it always stood for one key', () => {
    expect(smartAccounts.address(`0x${'ab'.repeat(64)}`)).toMatchInlineSnapshot(
      `"0x929a01280bc5079312f32512a31e05ea70c9518d"`,
    );
  });
});

describe('an account', () => {
  const digest = `0x${createHash('sha256').update('a payment').digest('hex')}`;
  let owner: TestOwner;
  beforeAll(async () => {
    owner = newOwner();
    await chainOn(anvil.rpcUrl).accounts.deploy(owner.publicKey);
    await anvil.call('evm_mine');
  });

  it("accepts its owner's signature, also as Node's own crypto makes it", async () => {
    expect(await ask(anvil, owner.account, digest, owner.signDigest(digest))).toBe(YES);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const key = hexOf(Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]));
    await chainOn(anvil.rpcUrl).accounts.deploy(key);
    await anvil.call('evm_mine');
    const rs = sign('sha256', Buffer.from('a payment'), {
      key: privateKey,
      dsaEncoding: 'ieee-p1363',
    });
    const signature = lowS(hexOf(rs));
    expect(await ask(anvil, smartAccounts.address(key), digest, signature)).toBe(YES);
  });

  it('accepts no other digest, key, length or form of a signature', async () => {
    const good = owner.signDigest(digest);
    const s = BigInt(`0x${good.slice(66)}`);
    const wrong = [
      newOwner().signDigest(digest),
      owner.signDigest(`0x${'7'.repeat(64)}`),
      `${good.slice(0, 66)}${(ORDER - s).toString(16).padStart(64, '0')}`,
      `${good}1b`,
      good.slice(0, -2),
      '0x',
      `0x${'0'.repeat(128)}`,
      `0x${'f'.repeat(128)}`,
    ];
    for (const signature of wrong)
      expect(await ask(anvil, owner.account, digest, signature as Hex)).toBe(NO);
  });

  it('takes no ether', async () => {
    const send = { from: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', to: owner.account };
    await expect(anvil.call('eth_call', { ...send, value: '0x1' }, 'latest')).rejects.toThrow(
      /revert/,
    );
  });

  it('accepts nothing on a chain that verifies no P-256, and is not taken for one there', async () => {
    const old = await startAnvil('--hardfork', 'prague');
    try {
      const { accounts } = chainOn(old.rpcUrl);
      await accounts.deploy(owner.publicKey);
      await old.call('evm_mine');
      expect(await ask(old, owner.account, digest, owner.signDigest(digest))).toBe(NO);
      await expect(accounts.read(owner.account, 'latest')).rejects.toMatchObject({
        name: 'Fault',
        code: 'p256_missing',
      });
    } finally {
      await old.stop();
    }
  });

  it('is not taken for one where other code stands', async () => {
    const address = `0x${'5a'.repeat(20)}`;
    await anvil.call('anvil_setCode', address, '0x00');
    await anvil.call('evm_mine');
    const { accounts } = chainOn(anvil.rpcUrl);
    await expect(accounts.read(address, 'latest')).rejects.toMatchObject({ code: 'foreign_code' });
  });
});

function lowS(signature: Hex): Hex {
  const s = BigInt(`0x${signature.slice(66)}`);
  const lower = s > ORDER / 2n ? ORDER - s : s;
  return `${signature.slice(0, 66)}${lower.toString(16).padStart(64, '0')}` as Hex;
}
