import { LaneBench, OWNER, SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { owed } from './owed.ts';
import { type Payment, isResolved } from './payment.ts';

/** Fixed at 2 s for 60 s: it ends at 62 s, and may be renewed from 54 s on, until its clearance ends at 302 s. */
const NOW_MS = 55_000;
const LATE = 62_000 - 8_000;

let bench: LaneBench;
let first: Payment;
beforeEach(() => {
  bench = new LaneBench();
  first = bench.signed(2_000);
});

const now = () => bench.payment(first.id);
const about = () => ({ ...OWNER, paymentId: first.id });
const codeOf = (judged: { applied: boolean; code?: string }) =>
  judged.applied ? null : judged.code;
function fixed() {
  const { phase } = now();
  if (phase.status !== 'fixed' && phase.status !== 'signed') throw new Error(phase.status);
  return phase.fixed;
}
const ask = (atMs: number, authorizationDigest = fixed().authorizationDigest) =>
  codeOf(bench.record('renewal.requested', { ...about(), authorizationDigest }, atMs));
function renew(atMs: number, change: { validBefore?: number; to?: string; renews?: string } = {}) {
  const { authorization, authorizationDigest } = fixed();
  const { renews = authorizationDigest, ...terms } = change;
  const longer = { ...authorization, validBefore: Math.floor(atMs / 1000) + 60, ...terms };
  const data = { ...about(), renews, authorization: longer, signature: SIGNATURE };
  return codeOf(bench.record('authorization.renewed', data, atMs));
}
const voided = (timeMs: number, atMs: number) => {
  const finalized = { number: 9, hash: `0x${'d'.repeat(64)}`, timeMs };
  const data = { ...about(), finalized, signature: SIGNATURE };
  return codeOf(bench.record('authorization.void', data, atMs));
};
const kinds = () => owed(now()).map((debt) => debt.kind);

describe('a renewal', () => {
  it('is asked for only when time runs out, and is then owed by the signer', () => {
    expect(ask(LATE - 1)).toBe('too_early');
    expect(kinds()).toEqual(['watch']);
    expect(ask(LATE)).toBeNull();
    expect(kinds()).toEqual(['renew', 'watch']);
    expect(ask(LATE + 1)).toBe('duplicate');
  });

  it('counts only when the agent came back for exactly this authorization', () => {
    expect(renew(NOW_MS)).toBe('not_waiting');
    expect(ask(NOW_MS, '9'.repeat(64))).toBe('wrong_authorization');
    ask(NOW_MS);
    expect(renew(NOW_MS, { renews: '9'.repeat(64) })).toBe('wrong_authorization');
    expect(renew(NOW_MS)).toBeNull();
  });

  it('changes validBefore alone, to a later end within the decision’s lifetime', () => {
    ask(NOW_MS);
    expect(renew(NOW_MS, { to: `0x${'a2'.repeat(20)}` })).toBe('wrong_authorization');
    expect(renew(NOW_MS, { validBefore: 62 })).toBe('wrong_authorization');
    expect(renew(NOW_MS, { validBefore: 55 + 60 + 31 })).toBe('wrong_authorization');
    const before = fixed();
    expect(renew(NOW_MS)).toBeNull();
    expect(fixed().authorization).toEqual({ ...before.authorization, validBefore: 115 });
    expect(fixed()).toMatchObject({ renews: before.authorizationDigest, renewals: 1 });
    expect(fixed().atBlock).toBe(before.atBlock);
    expect(kinds()).toEqual(['sign', 'watch']);
  });

  it('is signed as the first one was, and the first one’s bytes do not count for it', () => {
    const { authorizationDigest } = fixed();
    ask(NOW_MS);
    renew(NOW_MS);
    const bytes = `0x${'cd'.repeat(65)}`;
    const old = { ...about(), authorizationDigest, bytes, signature: SIGNATURE };
    expect(codeOf(bench.record('signing.completed', old, NOW_MS))).toBe('wrong_authorization');
    expect(bench.sign(now(), NOW_MS).applied).toBe(true);
    expect(now().phase.status).toBe('signed');
  });

  it('puts the release off: void needs a finalized block past the latest validBefore', () => {
    ask(NOW_MS);
    renew(NOW_MS);
    expect(voided(62_000, 63_000)).toBe('too_early');
    expect(voided(114_999, 115_000)).toBe('too_early');
    expect(voided(115_000, 116_000)).toBeNull();
  });

  it('does not keep back a delivery for the earlier one, which a log of before still ignores', () => {
    ask(NOW_MS);
    renew(NOW_MS);
    const report = (more: { duringRenewal?: true } = {}) => {
      const data = { ...about(), status: 200, ...more, signature: SIGNATURE };
      return codeOf(bench.record('delivery.reported', data, NOW_MS));
    };
    expect(report()).toBe('not_waiting');
    expect(report({ duringRenewal: true })).toBeNull();
    expect(isResolved(now())).toBe(true);
    expect(report({ duringRenewal: true })).toBe('duplicate');
    expect(bench.sign(now(), NOW_MS).applied).toBe(true);
    expect(now()).toMatchObject({ delivered: true, phase: { status: 'signed' } });
  });

  it('is no excuse for a delivery before the first signature', () => {
    const { payment } = bench.submit(2_000, { url: 'https://api.example.com/x' });
    bench.decide(payment!, 2_000);
    bench.fix(bench.payment(payment!.id), 2_000);
    const about = { ...OWNER, paymentId: payment!.id };
    const data = { ...about, status: 200, duringRenewal: true as const, signature: SIGNATURE };
    expect(codeOf(bench.record('delivery.reported', data, 2_000))).toBe('not_waiting');
  });

  it('does not hide that the earlier authorization was used', () => {
    ask(NOW_MS);
    renew(NOW_MS);
    expect(bench.settle(now(), NOW_MS).applied).toBe(true);
    expect(now().phase).toMatchObject({ how: 'settled' });
  });

  it('is not for what was seen on the chain, delivered, stopped or ended', () => {
    const transfer = LaneBench.transfer(4_000);
    const seen = { ...about(), level: 'latest' as const, transfer, signature: SIGNATURE };
    bench.record('settlement.observed', seen, 10_000);
    expect(ask(NOW_MS)).toBe('not_waiting');
    const head = { number: 8, hash: `0x${'e'.repeat(64)}`, timeMs: 4_600 };
    bench.record('settlement.reverted', { ...about(), head, signature: SIGNATURE }, 11_000);
    expect(ask(NOW_MS)).toBeNull();
    bench.record('approval.vetoed', { ...about(), person: 'ada' }, NOW_MS);
    expect(kinds()).toEqual(['alert', 'cancel', 'watch']);
    expect(renew(NOW_MS)).toBe('not_waiting');
  });

  it('is not given under another policy than the one it was decided under', () => {
    bench.putPolicy('two');
    bench.mark(NOW_MS);
    expect(ask(NOW_MS)).toBe('stale_policy');
  });

  it('ends with the clearance, however often it was given', () => {
    for (let atMs = NOW_MS; atMs < 250_000; atMs += 53_000) {
      expect([ask(atMs), renew(atMs)]).toEqual([null, null]);
      bench.sign(now(), atMs);
    }
    expect(fixed().renewals).toBe(4);
    expect(ask(290_000)).toBe('not_renewable');
  });

  it('is over when its clearance is, or when the signer says no', () => {
    expect(ask(302_000)).toBe('not_renewable');
    const other = new LaneBench();
    [bench, first] = [other, other.signed(2_000)];
    ask(NOW_MS);
    const { decisionId } = fixed();
    const refused = {
      ...about(),
      decisionId,
      code: 'facts_changed',
      why: '',
      signature: SIGNATURE,
    };
    expect(codeOf(bench.record('signing.refused', refused, NOW_MS))).toBeNull();
    expect(now().phase.status).toBe('signed');
    expect(ask(NOW_MS)).toBe('not_renewable');
    expect(renew(NOW_MS)).toBe('not_renewable');
  });
});
