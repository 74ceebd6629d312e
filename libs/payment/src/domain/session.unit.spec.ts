import type { EventData } from '@countersign/contracts';
import { LaneBench, OWNER, SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { agentOf } from './lane.ts';
import { scopesOf } from './reservation.ts';
import {
  OPEN_SESSIONS_MAX,
  type Session,
  availableInSession,
  factsOfSession,
  sessionStanding,
} from './session.ts';

const HOUR_MS = 3_600_000;
const codeOf = (judged: { applied: boolean; code?: string }) =>
  judged.applied ? null : judged.code;

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

const open = (atMs = 1_000, change: Partial<EventData<'session.opened'>> = {}, cause?: string) => {
  const terms = { lifetimeMs: HOUR_MS, unit: 'USD', ceiling: '1000000' };
  const order = { ...OWNER, session: 'run-7', by: 'owner', signature: SIGNATURE, ...terms };
  return codeOf(bench.record('session.opened', { ...order, ...change }, atMs, cause));
};
const close = (atMs = 2_000, session = 'run-7') =>
  codeOf(bench.record('session.closed', { ...OWNER, session, by: 'owner' }, atMs));
const agent = () => agentOf(bench.lane, OWNER.tenant, OWNER.agent);
function session(): Session {
  const found = agent().sessions.get('run-7');
  if (!found) throw new Error('no session');
  return found;
}
function submitted(atMs: number, name = 'run-7', url = `https://api.example.com/${atMs}`) {
  const { payment } = bench.submit(atMs, { session: name, url });
  if (!payment) throw new Error('no payment');
  return payment;
}

describe('a session', () => {
  it('is open from its record until its lifetime has passed, by log time', () => {
    expect(open(1_000)).toBeNull();
    expect(session().expiresAtMs).toBe(1_000 + HOUR_MS);
    expect(sessionStanding(session(), HOUR_MS + 999)).toBe('open');
    expect(sessionStanding(session(), HOUR_MS + 1_000)).toBe('expired');
  });

  it('says to each payment how it stood at the record that brought the quote', () => {
    expect(submitted(500).session).toEqual({ session: 'unknown' });
    open(1_000);
    const terms = { session: 'run-7', ceiling: '1000000', unit: 'USD' };
    expect(submitted(HOUR_MS + 999).session).toEqual(terms);
    expect(submitted(HOUR_MS + 1_000).session).toEqual({ session: 'expired' });
    expect(bench.submit(HOUR_MS + 1_001).payment?.session).toBeUndefined();
  });

  it('has a name that is used once, and the same order twice is one session', () => {
    expect(open(1_000, {}, 'order')).toBeNull();
    expect(open(1_001, {}, 'order')).toBe('duplicate');
    expect(open(1_002, { ceiling: '9000000' })).toBe('name_taken');
    expect(open(2 * HOUR_MS, {}, 'order')).toBe('duplicate');
    close(2 * HOUR_MS);
    expect(open(3 * HOUR_MS)).toBe('name_taken');
    expect(session().ceiling).toBe(1_000_000n);
  });

  it('of which an agent may have many, and again as many when they are over', () => {
    for (let index = 0; index < OPEN_SESSIONS_MAX; index += 1)
      expect(open(1_000, { session: `s-${index}` })).toBeNull();
    expect(open(HOUR_MS + 999)).toBe('too_many_open_sessions');
    close(HOUR_MS + 999, 's-0');
    expect(open(HOUR_MS + 999)).toBeNull();
    expect(open(HOUR_MS + 1_000, { session: 'later' })).toBeNull();
    expect(agent().openSessions.size).toBe(2);
  });

  it('counts what is reserved and spent in it, and gives back what was not paid', () => {
    open();
    const quote = { amount: '300000' };
    const paid = bench.signed(2_000, { session: 'run-7', quote });
    expect(session()).toMatchObject({ open: 300_000n, spent: 0n });
    const other = submitted(2_001);
    bench.decide(other, 2_001);
    expect(availableInSession(session())).toBe(680_000n);
    bench.record('approval.vetoed', { ...OWNER, paymentId: other.id, person: 'ada' }, 2_002);
    bench.settle(paid, 3_000);
    expect(session()).toMatchObject({ open: 0n, spent: 300_000n });
    const decided = bench.decision(bench.payment(paid.id), { kind: 'none' }, 'authorize');
    expect(scopesOf(decided.facts)).toContain('session:research-1/run-7');
  });

  it('without a ceiling limits nothing by itself', () => {
    const { lifetimeMs, ...without } = { lifetimeMs: HOUR_MS, ...OWNER, session: 'run-7' };
    bench.record(
      'session.opened',
      { ...without, lifetimeMs, by: 'owner', signature: SIGNATURE },
      1_000,
    );
    expect(availableInSession(session())).toBeNull();
    expect(submitted(1_001).session).toEqual({ session: 'run-7' });
  });
});

describe('closing a session', () => {
  beforeEach(() => void open());

  it('is refused for one that nobody opened, and changes nothing a second time', () => {
    expect(close(2_000, 'other')).toBe('session_unknown');
    expect(close()).toBeNull();
    expect(close()).toBe('duplicate');
    expect(submitted(3_000).session).toEqual({ session: 'closed' });
  });

  it('takes back an allowance that is not yet an authorization', () => {
    const { id } = submitted(2_000);
    bench.decide(bench.payment(id), 2_000);
    expect(bench.payment(id).phase.status).toBe('authorized');
    close();
    expect(bench.payment(id)).toMatchObject({
      phase: { status: 'undecided' },
      session: { session: 'closed' },
    });
    expect(codeOf(bench.fix(bench.payment(id), 2_001))).toBe('not_waiting');
  });

  it('makes a decision that was taken before it count for nothing', () => {
    const before = submitted(2_000);
    close();
    const late = { ...before, round: 0 };
    expect(codeOf(bench.decide(late, 2_001))).toBe('stale_session');
    expect(codeOf(bench.decide(bench.payment(before.id), 2_002, { proceed: 'end' }))).toBeNull();
  });

  it('leaves alone what was authorized, and the payments of other sessions', () => {
    open(1_000, { session: 'other' });
    const signed = bench.signed(2_000, { session: 'run-7' });
    const elsewhere = submitted(2_001, 'other');
    bench.decide(elsewhere, 2_001);
    close(2_002);
    expect(bench.payment(signed.id).phase).toEqual(signed.phase);
    expect(bench.payment(elsewhere.id).phase.status).toBe('authorized');
    bench.settle(signed, 3_000);
    expect(session().spent).toBe(20_000n);
  });
});

describe('a claim', () => {
  const requirement = {
    kind: 'quorum' as const,
    quorum: 1,
    approvers: ['ada'],
    timeoutMs: 2 * HOUR_MS,
    clearanceMs: 2 * HOUR_MS,
  };

  it('finds the session as it stands then, not as it stood when people were asked', () => {
    open();
    const { id, quote, resource } = submitted(2_000);
    bench.decide(bench.payment(id), 2_000, { requirement });
    const { phase } = bench.payment(id);
    if (phase.status !== 'awaiting') throw new Error('nobody was asked');
    const { decisionId, quoteDigest } = phase.approval;
    const about = { ...OWNER, paymentId: id };
    const grant = { ...about, person: 'ada', decisionId, quoteDigest, signature: SIGNATURE };
    bench.record('approval.granted', grant, 2_001);
    bench.record('approval.completed', { ...about, round: 0 }, 2_002);
    bench.record('payment.claimed', { ...about, round: 1, quote, resource }, HOUR_MS + 1_000);
    expect(bench.payment(id)).toMatchObject({
      phase: { status: 'undecided' },
      session: { session: 'expired' },
    });
  });
});

describe('a session of another agent', () => {
  it('is unknown to this one', () => {
    const other = { ...OWNER, agent: 'batch-1' };
    bench.change('agent.added', {
      ...other,
      wallet: 'w1',
      credentialDigest: 'e'.repeat(64),
      by: 'owner',
      signature: SIGNATURE,
    });
    bench.mark(100);
    expect(open(1_000, other)).toBeNull();
    expect(submitted(1_001).session).toEqual({ session: 'unknown' });
    expect(factsOfSession(agent(), 'run-7', 1_001)).toEqual({ session: 'unknown' });
  });
});
