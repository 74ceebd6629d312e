import { expect, it } from 'vitest';
import { addressOf, signatureOf } from './wallet-keys.ts';

/** The first account of every development chain; its signatures as viem 2.57.1 makes them. */
const secret = Buffer.from(
  'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  'hex',
);

it('derives the address that wallets derive', () => {
  expect(addressOf(secret)).toBe('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266');
});

it.each([
  [
    '77',
    '0xef1cea8cb800b9aa64c09a26e55a34635d0bc14daccbcbe8a16db3c5d067a094704e0a450bdf0c407ef12cae74e74cb0ac821fa1f18d6ab445e42c88f097c3301b',
  ],
  [
    '88',
    '0x20e62e2f96ce3d3c73ba8eda1c0d6a9fbce8110df358b185e6e81b5ab0d9dd8a76ec562df7f25ab21abd3b296578200010195686b6535b4455ff728865fe21ef1c',
  ],
  [
    '55',
    '0x7af95330c07bddbdee6cb0daaafb9ccda1cfe94aa14978ce94f68b0c03aeded938476cec20b5d495238a9281d17d90eca5fd7bf2ce39c439ddb8bc3ab81b59401b',
  ],
])('signs the digest %s… as wallets sign it', (byte, signature) => {
  expect(signatureOf(Buffer.from(byte.repeat(32), 'hex'), secret)).toBe(signature);
});
