import type { Decision, Facts } from '@countersign/contracts';
import { LaneBench } from '@countersign/testkit';
import { describe, expect, it } from 'vitest';
import { bookedOf, reservationOf } from './reservation.ts';

const bench = new LaneBench();
const { payment } = bench.submit(1_000);
if (!payment) throw new Error('no payment');
const made = bench.decision(payment, { kind: 'none' }, 'authorize');

function decided(tier: string | null, established: Partial<Facts['established']> = {}): Decision {
  const { facts } = made;
  return {
    ...made,
    facts: { ...facts, established: { ...facts.established, ...established } },
    answer: { epoch: 1, sequence: 1, atMs: 1, tier, readings: [] },
    verdict: { ...made.verdict, amountUnits: '20000' },
  };
}

describe('what a decision reserved', () => {
  it('counts for tenant, agent, seller, category, task and tier', () => {
    const known = { seller: 'embeddings', category: 'embedding', task: 'report' };
    expect(reservationOf(decided('auto', known))).toEqual({
      amount: '20000',
      scopes: [
        'tenant:default',
        'agent:research-1',
        'seller:embeddings',
        'category:embedding',
        'task:research-1/report',
        'tier:research-1/auto',
      ],
      atMs: 1,
    });
  });

  it('counts for no task where none is established', () => {
    for (const task of ['none', 'unknown'])
      expect(reservationOf(decided('auto', { task }))?.scopes).toHaveLength(5);
  });

  it('is nothing where no tier was taken, or no counter was asked', () => {
    expect(reservationOf(decided(null))).toBeNull();
    expect(reservationOf({ ...decided('auto'), answer: null })).toBeNull();
  });

  it('of a withdrawal counts in no budget', () => {
    const decision = decided('treasury');
    const withdrawal = { ...decision, facts: { ...decision.facts, kind: 'withdrawal' as const } };
    expect(reservationOf(withdrawal)).toEqual({
      amount: '0',
      scopes: ['withdrawals:research-1'],
      atMs: 1,
    });
  });
});

describe('what a payment means to the counters', () => {
  const scopes = ['agent:a'];
  const held = { ...payment, reserved: { amount: '5', scopes, atMs: 1 } };
  const over = (how: 'settled' | 'void', spentAtMs: number | null) => {
    const ends = { code: null, atMs: 70, verdict: null, fixed: null, signature: null };
    const phase = { status: 'ended', how, spentAtMs, transfer: null, ...ends } as const;
    return bookedOf({ ...held, phase });
  };

  it('is nothing before anything was reserved', () => {
    expect(bookedOf(payment)).toBeNull();
  });

  it('is open until its end stands in the log, whatever a store was told', () => {
    const open = { state: 'open', paymentId: payment.id, amount: 5n, scopes };
    expect(bookedOf(held)).toEqual(open);
    expect(bookedOf({ ...held, reservationEnded: true })).toEqual(open);
  });

  it('is spent once it settled, and barred when it ended otherwise', () => {
    const spent = { state: 'committed', paymentId: payment.id, amount: 5n, scopes };
    expect(over('settled', 60)).toEqual({ ...spent, spentAtMs: 60 });
    expect(over('settled', null)).toEqual({ ...spent, spentAtMs: 70 });
    expect(over('void', null)).toEqual({ state: 'released', paymentId: payment.id });
  });
});
