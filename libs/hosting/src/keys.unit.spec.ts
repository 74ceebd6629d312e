import { expect, it } from 'vitest';
import { expectPinned } from './keys.ts';

const publicKey = 'k'.repeat(43);
const key = { keyId: 'policy-kkkkkkkkkkkk', publicKey };
const pin = { service: 'policy', publicKey };
const checkedWith = (it: object) => () =>
  expectPinned('policy', key, new Map([[key.keyId, { ...pin, ...it }]]));

it('a service starts with a pinned key that has no end', () => {
  expect(checkedWith({})).not.toThrow();
});

it('a service does not start with a key that others would not believe', () => {
  expect(() => expectPinned('policy', key, new Map())).toThrow(/lacks policy=k{43}: add it/);
  expect(checkedWith({ publicKey: 'o'.repeat(43) })).toThrow(/take no other key away/);
  expect(checkedWith({ untilMs: 8_000_000_000_000 })).toThrow(/ends policy=k{43}/);
});
