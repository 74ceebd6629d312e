import { LaneBench, OWNER, PAYEE, SIGNATURE } from '@countersign/testkit';
import type { Requirement } from '@countersign/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { owed } from './owed.ts';
import { type Payment, RETURN_DUE_MS } from './payment.ts';

const QUORUM: Requirement = {
  kind: 'quorum',
  quorum: 2,
  approvers: ['ada', 'bo', 'cy'],
  timeoutMs: 10_000,
  clearanceMs: 5_000,
};
const WINDOW: Requirement = {
  kind: 'veto_window',
  windowMs: 3_000,
  notifyWithinMs: 2_000,
  clearanceMs: 5_000,
};

let bench: LaneBench;
let payment: Payment;
beforeEach(() => {
  bench = new LaneBench();
  payment = submitted();
});

function submitted(): Payment {
  const made = bench.submit(1_000).payment;
  if (!made) throw new Error('no payment');
  return made;
}
const now = () => bench.payment(payment.id);
const about = () => ({ ...OWNER, paymentId: payment.id });
const codeOf = (judged: { applied: boolean; code?: string }) =>
  judged.applied ? null : judged.code;
const ask = (requirement: Requirement) => bench.decide(payment, 1_000, { requirement });
const open = (atMs: number) =>
  bench.record('approval.opened', { ...about(), round: 0, signature: SIGNATURE }, atMs);
const complete = (atMs: number) =>
  bench.record('approval.completed', { ...about(), round: 0 }, atMs);
const expire = (atMs: number, cause: 'unanswered' | 'not_notified' | 'unclaimed') =>
  bench.record('approval.expired', { ...about(), cause }, atMs);
const veto = (atMs: number) => bench.record('approval.vetoed', { ...about(), person: 'ada' }, atMs);
function grant(person: string, atMs: number, change: { quoteDigest?: string } = {}) {
  const { phase } = now();
  const asked = phase.status === 'awaiting' ? phase.approval : undefined;
  return bench.record(
    'approval.granted',
    {
      ...about(),
      person,
      quoteDigest: change.quoteDigest ?? asked?.quoteDigest ?? '0'.repeat(64),
      decisionId: asked?.decisionId ?? '0'.repeat(64),
      signature: SIGNATURE,
    },
    atMs,
  );
}
function claim(atMs: number, change: { amount?: string; round?: number } = {}) {
  const { quote, resource, round } = now();
  const fresh = { ...quote, amount: change.amount ?? quote.amount };
  return bench.record(
    'payment.claimed',
    { ...about(), round: change.round ?? round + 1, quote: fresh, resource },
    atMs,
  );
}

describe('a decision', () => {
  it('counts once; a second one is ignored', () => {
    expect(bench.decide(payment, 1_000).applied).toBe(true);
    expect(codeOf(bench.decide(payment, 1_001))).toBe('not_waiting');
  });

  it('ends a denied payment and owes its release', () => {
    bench.decide(payment, 1_000, { proceed: 'end' });
    expect(now().phase).toMatchObject({ status: 'ended', how: 'denied', code: 'test' });
    expect(owed(now()).map((debt) => debt.kind)).toEqual(['end_reservation']);
  });
});

describe('a quorum', () => {
  beforeEach(() => {
    ask(QUORUM);
  });

  it('counts people, not clicks', () => {
    expect(grant('ada', 2_000).applied).toBe(true);
    expect(codeOf(grant('ada', 2_001))).toBe('already_granted');
    expect(codeOf(complete(2_002))).toBe('too_early');
    expect(grant('bo', 2_003).applied).toBe(true);
    expect(complete(2_004).applied).toBe(true);
    expect(now().phase.status).toBe('cleared');
  });

  it('asks nobody else', () => expect(codeOf(grant('mallory', 2_000))).toBe('not_an_approver'));

  it('wants exactly what was shown', () =>
    expect(codeOf(grant('ada', 2_000, { quoteDigest: '9'.repeat(64) }))).toBe('wrong_digest'));

  it('refuses a grant at its time-out, even before any expiry record', () => {
    expect(grant('ada', 10_999).applied).toBe(true);
    expect(codeOf(grant('bo', 11_000))).toBe('too_late');
  });

  it('expires at its time-out and not before', () => {
    expect(codeOf(expire(10_999, 'unanswered'))).toBe('too_early');
    expect(expire(11_000, 'unanswered').applied).toBe(true);
    expect(now().phase).toMatchObject({ how: 'expired', code: 'unanswered' });
  });

  it('is not expired once it is reached', () => {
    grant('ada', 2_000);
    grant('bo', 2_001);
    expect(codeOf(expire(11_000, 'unanswered'))).toBe('too_early');
  });

  it('ends at one veto whatever the count', () => {
    grant('ada', 2_000);
    grant('bo', 2_001);
    expect(veto(2_002).applied).toBe(true);
    expect(codeOf(complete(2_003))).toBe('already_ended');
  });
});

describe('a veto window', () => {
  beforeEach(() => {
    ask(WINDOW);
  });

  it('opens when a notification was accepted, and ends exactly then plus its length', () => {
    expect(open(2_000).applied).toBe(true);
    expect(codeOf(complete(4_999))).toBe('too_early');
    expect(complete(5_000).applied).toBe(true);
  });

  it('that never opens means expiry, not payment', () => {
    expect(codeOf(complete(60_000))).toBe('too_early');
    expect(codeOf(open(60_001))).toBe('too_late');
    expect(expire(60_002, 'not_notified').applied).toBe(true);
  });

  it('cannot be granted away', () => {
    open(2_000);
    expect(codeOf(grant('ada', 2_001))).toBe('not_waiting');
  });
});

describe('a clearance', () => {
  beforeEach(() => {
    ask(WINDOW);
    open(2_000);
    complete(5_000);
  });

  it('is claimed once, with the approved terms', () => {
    expect(codeOf(claim(6_000, { amount: '20001' }))).toBe('terms_changed');
    expect(claim(6_001).applied).toBe(true);
    expect(now()).toMatchObject({ round: 1, phase: { status: 'undecided' } });
    expect(codeOf(claim(6_002))).toBe('not_waiting');
  });

  it('runs out unclaimed', () => {
    expect(codeOf(expire(9_999, 'unclaimed'))).toBe('too_early');
    expect(codeOf(claim(10_000))).toBe('too_late');
    expect(expire(10_000, 'unclaimed').applied).toBe(true);
  });

  it('is decided again under what is in force then', () => {
    claim(6_000);
    expect(codeOf(bench.decide({ ...now(), round: 0 }, 6_001))).toBe('wrong_round');
    expect(bench.decide(now(), 6_002, { proceed: 'end' }).applied).toBe(true);
    expect(now().phase).toMatchObject({ how: 'denied' });
  });

  it('is lost to a veto before the authorization', () => {
    claim(6_000);
    bench.decide(now(), 6_001);
    veto(6_002);
    expect(codeOf(bench.fix(payment, 6_003))).toBe('already_ended');
  });
});

describe('the authorization', () => {
  it('is fixed once, as decided, with the payment’s own nonce', () => {
    bench.decide(payment, 1_000);
    const authorized = now();
    expect(codeOf(bench.fix(authorized, 2_000, { nonce: `0x${'9'.repeat(64)}` }))).toBe(
      'wrong_authorization',
    );
    expect(codeOf(bench.fix(authorized, 2_000, { to: PAYEE.replace('a1', 'a2') }))).toBe(
      'wrong_authorization',
    );
    expect(bench.fix(authorized, 2_000).applied).toBe(true);
    expect(codeOf(bench.fix(authorized, 2_001))).toBe('not_waiting');
  });

  it('is signed once: only the first signature counts', () => {
    bench.decide(payment, 1_000);
    bench.fix(now(), 2_000);
    const fixed = now();
    expect(bench.sign(fixed, 3_000).applied).toBe(true);
    expect(codeOf(bench.sign(fixed, 3_001))).toBe('not_waiting');
  });

  it('is not undone by a late veto; its cancellation is owed', () => {
    bench.decide(payment, 1_000);
    bench.fix(now(), 2_000);
    expect(veto(2_500).applied).toBe(true);
    expect(now().phase).toMatchObject({ status: 'fixed', fixed: { stop: 'vetoed' } });
    expect(owed(now()).map((debt) => debt.kind)).toEqual(['alert', 'cancel', 'watch']);
    expect(owed(now()).some((debt) => debt.kind === 'sign')).toBe(false);
  });
});

describe('the end', () => {
  const transfer = LaneBench.transfer(4_000);
  beforeEach(() => {
    bench.decide(payment, 1_000);
    bench.fix(now(), 2_000);
    bench.sign(now(), 3_000);
  });

  it('comes with finality, and is spent at the later of signing and settlement', () => {
    bench.settle(now(), 4_000);
    expect(now().phase).toMatchObject({ how: 'settled', spentAtMs: 4_000 });
    const early = bench.signed(10_000, { url: 'https://api.example.com/x' });
    bench.record(
      'settlement.final',
      { ...OWNER, paymentId: early.id, transfer, signature: SIGNATURE },
      11_000,
    );
    expect(bench.payment(early.id).phase).toMatchObject({ spentAtMs: 10_000 });
  });

  it('is spent no earlier than it was reserved, by a store whose clock is ahead', () => {
    const later = bench.submit(5_000, { url: 'https://api.example.com/ahead' }).payment!;
    const decision = bench.decision(later, { kind: 'none' }, 'authorize');
    const answer = decision.answer && { ...decision.answer, atMs: 30_000 };
    const of = { ...OWNER, paymentId: later.id, signature: SIGNATURE };
    const made = { round: 0, through: bench.lane.through, proceed: 'authorize' } as const;
    const data = { ...of, ...made, decision: { ...decision, answer } };
    expect(bench.record('decision.made', data, 5_000).applied).toBe(true);
    bench.fix(bench.payment(later.id), 6_000);
    bench.sign(bench.payment(later.id), 7_000);
    bench.settle(bench.payment(later.id), 8_000);
    expect(bench.payment(later.id).phase).toMatchObject({ how: 'settled', spentAtMs: 30_000 });
  });

  it('is void only at a finalized block past its validity', () => {
    const block = { number: 9, hash: `0x${'d'.repeat(64)}` };
    const voided = (timeMs: number) =>
      bench.record(
        'authorization.void',
        { ...about(), finalized: { ...block, timeMs }, signature: SIGNATURE },
        90_000,
      );
    expect(codeOf(voided(61_999))).toBe('too_early');
    expect(voided(62_000).applied).toBe(true);
  });

  it('takes back what a reorganisation took back, and releases nothing', () => {
    const seen = { ...about(), level: 'latest' as const, transfer, signature: SIGNATURE };
    expect(bench.record('settlement.observed', seen, 4_500).applied).toBe(true);
    expect(codeOf(bench.record('settlement.observed', seen, 4_501))).toBe('duplicate');
    const head = { number: 8, hash: `0x${'e'.repeat(64)}`, timeMs: 4_600 };
    bench.record('settlement.reverted', { ...about(), head, signature: SIGNATURE }, 4_700);
    expect(now().phase).toMatchObject({ status: 'signed', observed: null });
    expect(owed(now()).map((debt) => debt.kind)).toEqual(['watch']);
  });

  it('is committed or released as the payment ended, once', () => {
    bench.settle(now(), 4_000);
    const ended = (how: 'committed' | 'released') =>
      bench.record('reservation.ended', { ...about(), how }, 5_000);
    expect(codeOf(ended('released'))).toBe('not_waiting');
    expect(ended('committed').applied).toBe(true);
    expect(codeOf(ended('committed'))).toBe('duplicate');
    const alert = { service: 'alerting', kind: 'alert', code: 'nothing_came_back' };
    expect(owed(now())).toEqual([{ ...alert, dueAtMs: 4_000 + RETURN_DUE_MS }]);
    bench.record('delivery.reported', { ...about(), status: 200, signature: SIGNATURE }, 5_001);
    expect(owed(now())).toEqual([]);
  });

  it('does not come from a mismatch: it is alerted, and nothing is released', () => {
    const found = 'somebody else';
    bench.record('settlement.mismatched', { ...about(), found, signature: SIGNATURE }, 5_000);
    expect(now().phase.status).toBe('mismatched');
    expect(owed(now()).map((debt) => debt.code)).toEqual(['settlement_mismatch']);
  });
});
