import { LaneBench, NETWORK, OWNER, PAYEE, SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { agentOf } from './lane.ts';
import { facilitatorOf, outcomeOf, unseenOf } from './facilitators.ts';
import type { Payment } from './payment.ts';

let bench: LaneBench;
let payment: Payment;
beforeEach(() => {
  bench = new LaneBench();
  payment = bench.signed(2_000);
});
const about = () => ({ ...OWNER, paymentId: payment.id });
const now = () => bench.payment(payment.id);
const submit = () => bench.record('settlement.submitted', { ...about(), what: 'transfer' }, 3_000);
const runOut = (timeMs = 500_000) => {
  const finalized = { number: 9, hash: `0x${'d'.repeat(64)}`, timeMs };
  bench.record('authorization.void', { ...about(), finalized, signature: SIGNATURE }, timeMs);
};
const kindOf = () => outcomeOf(now())?.kind;
const known = () => agentOf(bench.lane, OWNER.tenant, OWNER.agent).facilitators;

describe('what a payment says of its facilitator', () => {
  it('is nothing before it is settled, whoever is to settle it', () => {
    expect(facilitatorOf(payment)).toBe(`${NETWORK}/${PAYEE}`);
    expect(kindOf()).toBeUndefined();
    bench.settle(payment, 5_000);
    expect(outcomeOf(now())).toEqual({ atMs: 5_000, kind: 'settled' });
    expect([...known()]).toEqual([[`${NETWORK}/${PAYEE}`, [{ atMs: 5_000, kind: 'settled' }]]]);
  });

  it('is ambiguous when it ran out and nobody is known to have tried', () => {
    runOut();
    expect(kindOf()).toBe('ambiguous');
  });

  it('is a failure when we presented it ourselves', () => {
    submit();
    runOut();
    expect(kindOf()).toBe('failed');
  });

  it('is a failure when its agent came back for it', () => {
    const { phase } = now();
    if (phase.status !== 'signed') throw new Error(phase.status);
    const { authorization, authorizationDigest } = phase.fixed;
    bench.record('renewal.requested', { ...about(), authorizationDigest }, 56_000);
    const later = { ...authorization, validBefore: 116 };
    const renewed = { ...about(), renews: authorizationDigest, authorization: later };
    bench.record('authorization.renewed', { ...renewed, signature: SIGNATURE }, 56_000);
    runOut();
    expect(kindOf()).toBe('failed');
  });

  it('is ambiguous a minute after we presented it in vain, and nothing before', () => {
    submit();
    expect(unseenOf(now(), 61_999)).toBeUndefined();
    expect(unseenOf(now(), 62_000)).toEqual({ atMs: 62_000, kind: 'ambiguous' });
    expect(kindOf()).toBeUndefined();
  });

  it('is kept of the last twenty', () => {
    for (let index = 0; index < 25; index += 1) {
      const next = bench.signed(10_000 + index, { url: `https://api.example.com/${index}` });
      bench.settle(next, 20_000 + index);
    }
    const outcomes = known().get(`${NETWORK}/${PAYEE}`);
    expect(outcomes?.map(({ atMs }) => atMs)).toEqual(
      Array.from({ length: 20 }, (_, index) => 20_005 + index),
    );
  });

  it('is nothing when it was stopped', () => {
    bench.record('approval.vetoed', { ...about(), person: 'ada' }, 4_000);
    runOut();
    expect(kindOf()).toBeUndefined();
  });
});
