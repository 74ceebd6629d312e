import { LaneBench, NETWORK, OWNER, PAYEE, SIGNATURE, USDC, WALLET } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { type OutflowShown, unloggedBecause } from './outflows.ts';
import type { Payment } from './payment.ts';

let bench: LaneBench;
let payment: Payment;
let paid: OutflowShown;
beforeEach(() => {
  bench = new LaneBench();
  payment = bench.signed(1_000);
  const { phase } = payment;
  if (phase.status !== 'signed') throw new Error(phase.status);
  paid = {
    token: USDC,
    from: WALLET,
    nonce: phase.fixed.authorization.nonce,
    moved: { to: PAYEE, value: 20_000n },
  };
});
const now = () => bench.payment(payment.id);

describe('an outflow', () => {
  it('is logged when its authorization was recorded, signed or not, renewed or not', () => {
    expect(unloggedBecause(NETWORK, paid, payment)).toBeUndefined();
    bench.settle(payment, 2_000);
    expect(unloggedBecause(NETWORK, paid, now())).toBeUndefined();
  });

  it.each<[string, Partial<OutflowShown>]>([
    ['went elsewhere', { moved: { to: `0x${'a2'.repeat(20)}`, value: 20_000n } }],
    ['was more', { moved: { to: PAYEE, value: 20_001n } }],
    ['was of another token', { token: `0x${'7'.repeat(40)}` }],
    ['was another wallet’s', { from: `0x${'7'.repeat(40)}` }],
    ['moved nothing', { moved: null }],
  ])('is not when it %s', (_what, change) => {
    expect(unloggedBecause(NETWORK, { ...paid, ...change }, payment)).toMatch(/not the transfer/);
  });

  it.each<[string, string, Partial<OutflowShown>]>([
    ['another wallet', NETWORK, { from: `0x${'7'.repeat(40)}` }],
    ['another token', NETWORK, { token: `0x${'7'.repeat(40)}` }],
    ['another network', 'eip155:8453', {}],
  ])('is not of %s with the nonce of a payment that settled', (_what, network, change) => {
    bench.settle(payment, 2_000);
    const theft = { ...paid, ...change, moved: { to: PAYEE, value: 10n ** 12n } };
    for (const taken of [theft, { ...paid, ...change }])
      expect(unloggedBecause(network, taken, now())).toMatch(/not the transfer/);
  });

  it('is not on another network', () =>
    expect(unloggedBecause('eip155:8453', paid, payment)).toMatch(/not the transfer/));

  it('needs no record when it moved nothing without a nonce, which anybody can do', () => {
    const elsewhere = `0x${'a2'.repeat(20)}`;
    const poisoned = { ...paid, nonce: null, moved: { to: elsewhere, value: 0n } };
    expect(unloggedBecause(NETWORK, poisoned, undefined)).toBeUndefined();
    const used = { ...poisoned, nonce: `0x${'5'.repeat(64)}` };
    expect(unloggedBecause(NETWORK, used, undefined)).toMatch(/no record/);
    const taken = { ...poisoned, moved: { to: elsewhere, value: 1n } };
    expect(unloggedBecause(NETWORK, taken, undefined)).toMatch(/without/);
  });

  it('is not without a nonce, or with one in no record', () => {
    expect(unloggedBecause(NETWORK, { ...paid, nonce: null }, payment)).toMatch(/without/);
    expect(unloggedBecause(NETWORK, paid, undefined)).toMatch(/no record/);
  });

  it('is not when nothing was authorized, or when the log says that it can never be paid', () => {
    const fresh = bench.submit(2_000, { url: 'https://api.example.com/x' }).payment;
    expect(unloggedBecause(NETWORK, paid, fresh)).toMatch(/never authorized/);
    const finalized = { number: 9, hash: `0x${'d'.repeat(64)}`, timeMs: 90_000 };
    const about = { ...OWNER, paymentId: payment.id, signature: SIGNATURE };
    bench.record('authorization.void', { ...about, finalized }, 90_000);
    expect(unloggedBecause(NETWORK, paid, now())).toMatch(/ended as void/);
  });
});
