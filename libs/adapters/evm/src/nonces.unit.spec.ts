import { expect, it } from 'vitest';
import { Nonces } from './nonces.ts';

it('gives on from the last nonce while the node has not seen it', () => {
  const nonces = new Nonces();
  expect([nonces.take(7, 0), nonces.take(7, 10), nonces.take(8, 20)]).toEqual([7, 8, 9]);
});

it('follows the node when somebody else used the account', () => {
  const nonces = new Nonces();
  expect([nonces.take(7, 0), nonces.take(12, 10), nonces.take(12, 20)]).toEqual([7, 12, 13]);
});

it('gives a nonce out again when the node keeps waiting for it', () => {
  const nonces = new Nonces();
  expect(nonces.take(7, 0)).toBe(7);
  expect(nonces.take(7, 3_600_000)).toBe(8);
  expect(nonces.take(7, 3_610_000)).toBe(9);
  expect(nonces.take(7, 3_616_000)).toBe(7);
  expect(nonces.take(10, 3_617_000)).toBe(10);
});

it('does not take a node that lags and moves for one that waits', () => {
  const nonces = new Nonces();
  const given = Array.from({ length: 60 }, (_, second) =>
    nonces.take(Math.max(0, second - 2), second * 1000),
  );
  expect(given).toEqual(Array.from({ length: 60 }, (_, nonce) => nonce));
});

it('asks the node again after a refusal', () => {
  const nonces = new Nonces();
  expect(nonces.take(7, 0)).toBe(7);
  nonces.forget();
  expect(nonces.take(7, 10)).toBe(7);
});
