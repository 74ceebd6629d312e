import {
  type Hex,
  concat,
  encodeAbiParameters,
  hashTypedData,
  keccak256,
  parseAbiParameters,
  recoverTypedDataAddress,
  toHex,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { cancellationDigest, transferDigest, typedData } from './typed-data.ts';

/** The first account of every development chain. */
const payer = privateKeyToAccount(
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
);
const domain = {
  name: 'USDC',
  version: '2',
  chainId: 84532,
  verifyingContract: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
} as const;
const authorization = {
  from: payer.address.toLowerCase() as Hex,
  to: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  value: 20_000n,
  validAfter: 0,
  validBefore: 1_790_000_060,
  nonce: `0x${'ab'.repeat(32)}`,
} as const;

/** The same digest by the words of EIP-712, without viem's own reading of them. */
function byHand(structHash: Hex): Hex {
  const separator = keccak256(
    encodeAbiParameters(parseAbiParameters('bytes32, bytes32, bytes32, uint256, address'), [
      keccak256(
        toHex('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
      ),
      keccak256(toHex(domain.name)),
      keccak256(toHex(domain.version)),
      BigInt(domain.chainId),
      domain.verifyingContract,
    ]),
  );
  return keccak256(concat(['0x1901', separator, structHash]));
}

describe('the digest of a transfer', () => {
  const typed = {
    domain,
    types: {
      TransferWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'TransferWithAuthorization',
    message: { ...authorization, validAfter: 0n, validBefore: 1_790_000_060n },
  } as const;

  it('never changes', () => {
    expect(transferDigest(authorization, domain)).toBe(
      '0x2a19409cf6e15a25bb0e1d77c7c3c9ea22dce16679832f29e106507861d73dfd',
    );
  });

  it('is what EIP-712 says, and what viem says', () => {
    const { from, to, value, validAfter, validBefore, nonce } = typed.message;
    const typehash = keccak256(
      toHex(
        'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)',
      ),
    );
    const types = 'bytes32, address, address, uint256, uint256, uint256, bytes32';
    const struct = encodeAbiParameters(parseAbiParameters(types), [
      ...[typehash, from, to, value, validAfter, validBefore, nonce],
    ] as const);
    expect(transferDigest(authorization, domain)).toBe(byHand(keccak256(struct)));
    expect(transferDigest(authorization, domain)).toBe(hashTypedData(typed));
  });

  it('leads a signature of it back to the payer', async () => {
    const digest = transferDigest(authorization, domain) as Hex;
    const signature = await payer.sign({ hash: digest });
    expect(await recoverTypedDataAddress({ ...typed, signature })).toBe(payer.address);
  });

  it('depends on every field', () => {
    const { address } = privateKeyToAccount(`0x${'1'.repeat(64)}`);
    const digests = [
      transferDigest(authorization, domain),
      transferDigest({ ...authorization, from: address }, domain),
      transferDigest({ ...authorization, to: address }, domain),
      transferDigest({ ...authorization, value: 20_001n }, domain),
      transferDigest({ ...authorization, validAfter: 1 }, domain),
      transferDigest({ ...authorization, validBefore: 1_790_000_061 }, domain),
      transferDigest({ ...authorization, nonce: `0x${'ac'.repeat(32)}` }, domain),
      transferDigest(authorization, { ...domain, name: 'USD Coin' }),
      transferDigest(authorization, { ...domain, version: '1' }),
      transferDigest(authorization, { ...domain, chainId: 8453 }),
      transferDigest(authorization, { ...domain, verifyingContract: address }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('is the same however addresses are spelled, and whatever else the domain carries', () => {
    const asSpelled = { ...authorization, from: payer.address };
    const wider = { ...domain, salt: `0x${'0'.repeat(64)}`, decimals: 6 };
    expect(transferDigest(asSpelled, wider)).toBe(transferDigest(authorization, domain));
  });

  it.each([
    ['a value below zero', { value: -1n }],
    ['a value above uint256', { value: 2n ** 256n }],
    ['a time that is no whole second', { validBefore: 0.5 }],
    ['a nonce of 31 bytes', { nonce: `0x${'ab'.repeat(31)}` }],
    ['an address of 19 bytes', { to: `0x${'ab'.repeat(19)}` }],
  ])('does not exist for %s', (_what, change) => {
    expect(() => transferDigest({ ...authorization, ...change }, domain)).toThrow();
  });
});

describe('the digest of a cancellation', () => {
  const typed = {
    domain,
    types: {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'CancelAuthorization',
    message: { authorizer: authorization.from, nonce: authorization.nonce },
  } as const;

  it('never changes', () => {
    expect(cancellationDigest(authorization, domain)).toBe(
      '0x8d794a3264925b391c75ee809e44f9bec91af1104c6b7204b78adafdcfdfd8e6',
    );
  });

  it('is what EIP-712 says, and what viem says', () => {
    const struct = encodeAbiParameters(parseAbiParameters('bytes32, address, bytes32'), [
      keccak256(toHex('CancelAuthorization(address authorizer,bytes32 nonce)')),
      authorization.from,
      authorization.nonce,
    ]);
    expect(cancellationDigest(authorization, domain)).toBe(byHand(keccak256(struct)));
    expect(cancellationDigest(authorization, domain)).toBe(hashTypedData(typed));
  });

  it('leads a signature of it back to the payer', async () => {
    const digest = typedData.cancellationDigest(authorization, domain) as Hex;
    const signature = await payer.sign({ hash: digest });
    expect(await recoverTypedDataAddress({ ...typed, signature })).toBe(payer.address);
  });
});
