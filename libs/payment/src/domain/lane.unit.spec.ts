import { LaneBench, OWNER, SELLER, SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { OPEN_PAYMENTS_MAX, agentOf } from './lane.ts';
import { KEY_KEPT_MS } from './tables.ts';

const HOUR_MS = 3_600_000;
let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});

const codeOf = (judged: { applied: boolean; code?: string }) =>
  judged.applied ? null : judged.code;
const payments = () => [...agentOf(bench.lane, OWNER.tenant, OWNER.agent).payments.values()];
const deliver = (paymentId: string, atMs: number) =>
  bench.record(
    'delivery.reported',
    { ...OWNER, paymentId, status: 200, signature: SIGNATURE },
    atMs,
  );

describe('purchase identity', () => {
  it('makes a lost answer and its retries one payment', () => {
    const first = bench.signed(1_000);
    for (let retry = 0; retry < 5; retry += 1) {
      const { judged, payment } = bench.submit(2_000 + retry);
      expect(codeOf(judged)).toBe('duplicate');
      expect(payment?.id).toBe(first.id);
    }
    expect(payments()).toHaveLength(1);
  });

  it('makes a thousand identical delivered calls a thousand payments', () => {
    const ids = new Set<string>();
    for (let call = 0; call < 1_000; call += 1) {
      const payment = bench.signed(call * 1_000);
      expect(deliver(payment.id, call * 1_000 + 500).applied).toBe(true);
      ids.add(payment.id);
    }
    expect(ids.size).toBe(1_000);
  });

  it('refuses a price moved by one unit while the purchase is unresolved', () => {
    const first = bench.signed(1_000);
    const { judged, payment } = bench.submit(2_000, { quote: { amount: '20001' } });
    expect(codeOf(judged)).toBe('payment_unresolved');
    expect(payment?.id).toBe(first.id);
    expect(payments()).toHaveLength(1);
  });

  it('keeps refusing after settlement until delivery is reported', () => {
    const first = bench.signed(1_000);
    bench.settle(first, 5_000);
    expect(bench.submit(6_000).payment?.id).toBe(first.id);
    deliver(first.id, 7_000);
    expect(bench.submit(8_000).payment?.id).not.toBe(first.id);
  });

  it('knows an idempotency key for thirty-five days, and then takes it for a new one', () => {
    const first = bench.signed(1_000, { key: 'a' });
    const other = { key: 'a', url: 'https://api.example.com/v1/other' };
    expect(codeOf(bench.submit(1_000 + KEY_KEPT_MS, other).judged)).toBe('idempotency_key_reused');
    const { judged, payment } = bench.submit(1_001 + KEY_KEPT_MS, other);
    expect(judged.applied).toBe(true);
    expect(payment?.id).not.toBe(first.id);
    expect(codeOf(bench.submit(1_002 + KEY_KEPT_MS, { key: 'a' }).judged)).toBe(
      'idempotency_key_reused',
    );
  });

  it('numbers a purchase anew after it ended without payment', () => {
    const { payment } = bench.submit(1_000);
    if (!payment) throw new Error('no payment');
    bench.decide(payment, 1_000, { proceed: 'end' });
    const second = bench.submit(2_000).payment;
    expect(second?.id).not.toBe(payment.id);
    expect(second?.intent.ordinal).toBe(1);
  });

  it('tells two bodies posted to one URL apart', () => {
    const one = bench.signed(1_000, { body: '1'.repeat(64) });
    const two = bench.signed(1_000, { body: '2'.repeat(64) });
    expect(one.id).not.toBe(two.id);
  });

  it('lets a key name one purchase for ever', () => {
    const first = bench.signed(1_000, { key: 'aa' });
    deliver(first.id, 2_000);
    expect(bench.submit(3_000, { key: 'aa' }).payment?.id).toBe(first.id);
    const other = bench.submit(4_000, { key: 'aa', url: 'https://api.example.com/v2' });
    expect(codeOf(other.judged)).toBe('idempotency_key_reused');
  });

  it('joins another key to the unresolved payment it is', () => {
    const first = bench.signed(1_000, { key: 'aa' });
    expect(bench.submit(2_000, { key: 'bb' }).judged.applied).toBe(true);
    deliver(first.id, 3_000);
    expect(bench.submit(4_000, { key: 'bb' }).payment?.id).toBe(first.id);
    expect(payments()).toHaveLength(1);
  });

  it('buys again only when the intent says so', () => {
    const first = bench.signed(1_000);
    const second = bench.submit(2_000, { again: true }).payment;
    expect(second?.id).not.toBe(first.id);
    expect(second?.intent.ordinal).toBe(1);
  });

  it('does not forget an unresolved purchase because a later attempt was denied', () => {
    const first = bench.signed(1_000);
    bench.settle(first, 2_000);
    const again = bench.submit(3_000, { again: true }).payment;
    if (!again) throw new Error('no payment');
    bench.decide(again, 3_000, { proceed: 'end' });
    expect(bench.submit(4_000).payment?.id).toBe(first.id);
    const moved = bench.submit(5_000, { quote: { amount: '20001' } });
    expect(codeOf(moved.judged)).toBe('payment_unresolved');
    deliver(first.id, 6_000);
    expect(bench.submit(7_000).payment?.intent.ordinal).toBe(2);
  });

  it('ignores a stale ordinal and an id that does not derive', () => {
    const { payment } = bench.submit(1_000);
    if (!payment) throw new Error('no payment');
    bench.decide(payment, 1_000, { proceed: 'end' });
    expect(codeOf(bench.record('intent.submitted', payment.intent, 2_000))).toBe('stale_ordinal');
    const forged = { ...payment.intent, ordinal: 1 };
    expect(codeOf(bench.record('intent.submitted', forged, 2_000))).toBe('wrong_id');
  });

  it('caps the open payments of one agent', () => {
    for (let n = 0; n < OPEN_PAYMENTS_MAX; n += 1)
      expect(bench.submit(n, { url: `https://api.example.com/${n}` }).judged.applied).toBe(true);
    const over = bench.submit(HOUR_MS, { url: 'https://api.example.com/over' });
    expect(codeOf(over.judged)).toBe('too_many_open_payments');
  });
});

describe('who may stand in a lane', () => {
  it('ignores agents nobody added', () => {
    const { payment } = bench.submit(1_000);
    if (!payment) throw new Error('no payment');
    const stranger = { ...payment.intent, agent: 'stranger' };
    expect(codeOf(bench.record('intent.submitted', stranger, 2_000))).toBe('agent_unknown');
  });

  it('never lets time go back', () => {
    bench.submit(5_000);
    bench.submit(1_000, { url: 'https://api.example.com/late' });
    expect(bench.lane.atMs).toBe(5_000);
  });
});

describe('orders', () => {
  it('count once: a genuine unfreeze of last week lifts no later freeze', () => {
    const order = { ...OWNER, by: 'owner', signature: SIGNATURE };
    const lift = (atMs: number) => bench.record('agent.unfrozen', order, atMs, 'last week');
    const freeze = (atMs: number) => bench.record('agent.frozen', { ...OWNER, by: 'owner' }, atMs);
    freeze(1_000);
    expect(lift(2_000).applied).toBe(true);
    freeze(3_000);
    expect(codeOf(lift(4_000))).toBe('duplicate');
    expect(agentOf(bench.lane, OWNER.tenant, OWNER.agent).frozen).toBe(true);
  });

  it('count once: a task that was closed is not opened again by the old order', () => {
    const order = { ...OWNER, task: 'report', by: 'owner' };
    const open = () =>
      bench.record('task.opened', { ...order, signature: SIGNATURE }, 1_000, 'the order');
    expect(open().applied).toBe(true);
    bench.record('task.closed', order, 2_000);
    expect(codeOf(open())).toBe('duplicate');
  });
});

describe('marks', () => {
  it('never go back, and name only control that exists', () => {
    expect(
      codeOf(bench.record('mark.made', { lane: 0, through: 0, signature: SIGNATURE }, 1)),
    ).toBe('mark_backwards');
    expect(codeOf(bench.mark(1))).toBe('duplicate');
    expect(
      codeOf(bench.record('mark.made', { lane: 0, through: 99, signature: SIGNATURE }, 1)),
    ).toBe('control_outrun');
    expect(
      codeOf(bench.record('mark.made', { lane: 1, through: 99, signature: SIGNATURE }, 1)),
    ).toBe('wrong_lane');
  });

  it('send an allowance back to be decided when what is in force changed', () => {
    const { payment } = bench.submit(1_000);
    if (!payment) throw new Error('no payment');
    bench.decide(payment, 1_000);
    expect(bench.payment(payment.id).phase.status).toBe('authorized');
    bench.putPolicy('two');
    bench.mark(2_000);
    expect(bench.payment(payment.id).phase.status).toBe('undecided');
  });

  it('make decisions taken before them stale', () => {
    const { payment } = bench.submit(1_000);
    if (!payment) throw new Error('no payment');
    const { through } = bench.lane;
    bench.change('seller.registered', {
      tenant: 'default',
      seller: SELLER,
      by: 'owner',
      signature: SIGNATURE,
    });
    bench.mark(2_000);
    expect(codeOf(bench.decide(payment, 3_000, { through }))).toBe('stale_mark');
  });
});

describe('a freeze', () => {
  it('ends what is unsigned and asks to cancel what is out', () => {
    const out = bench.signed(1_000);
    const { payment: waiting } = bench.submit(1_500, { url: 'https://api.example.com/b' });
    bench.record('agent.frozen', { ...OWNER, by: 'owner' }, 2_000);
    expect(bench.payment(waiting?.id ?? '').phase).toMatchObject({
      status: 'ended',
      how: 'frozen',
    });
    expect(bench.payment(out.id).phase).toMatchObject({
      status: 'signed',
      fixed: { stop: 'frozen' },
    });
  });

  it('ordered again, ends what was proposed since the first order', () => {
    const freeze = { ...OWNER, by: 'owner' };
    bench.record('agent.frozen', freeze, 1_000);
    const { payment } = bench.submit(1_500);
    bench.record('agent.frozen', freeze, 2_000);
    expect(bench.payment(payment?.id ?? '').phase).toMatchObject({ how: 'frozen' });
  });

  it('ends, when it is lifted, what was proposed under it', () => {
    const who = { ...OWNER, by: 'owner' };
    bench.record('agent.frozen', who, 1_000);
    const { payment } = bench.submit(1_500);
    bench.record('agent.unfrozen', { ...who, signature: SIGNATURE }, 2_000);
    expect(bench.payment(payment?.id ?? '').phase).toMatchObject({ how: 'frozen' });
    expect(bench.submit(2_500).payment?.phase.status).toBe('undecided');
  });

  it('of everything ends, when it is lifted, what was proposed under it', () => {
    const order = { tenant: 'default', by: 'owner', signature: SIGNATURE };
    bench.change('tenant.frozen', order);
    bench.mark(1_000);
    const { payment } = bench.submit(1_500);
    bench.change('tenant.unfrozen', order);
    bench.mark(2_000);
    expect(bench.payment(payment?.id ?? '').phase).toMatchObject({ how: 'frozen' });
  });

  it('reaches every agent through control', () => {
    const { payment } = bench.submit(1_000);
    bench.change('tenant.frozen', { tenant: 'default', by: 'owner', signature: SIGNATURE });
    expect(bench.payment(payment?.id ?? '').phase.status).toBe('undecided');
    bench.mark(2_000);
    expect(bench.payment(payment?.id ?? '').phase).toMatchObject({ how: 'frozen' });
  });

  it('is not missed by a lane that sees it and its end in one mark', () => {
    const { payment } = bench.submit(1_000);
    const order = { tenant: 'default', by: 'owner', signature: SIGNATURE };
    bench.change('tenant.frozen', order);
    bench.change('tenant.unfrozen', order);
    bench.mark(2_000);
    expect(bench.payment(payment?.id ?? '').phase).toMatchObject({ how: 'frozen' });
    expect(bench.submit(3_000).payment?.phase.status).toBe('undecided');
  });

  it('leaves no authorization to be fixed after it', () => {
    const { payment } = bench.submit(1_000);
    if (!payment) throw new Error('no payment');
    bench.decide(payment, 1_000);
    const authorized = bench.payment(payment.id);
    bench.record('agent.frozen', { ...OWNER, by: 'owner' }, 2_000);
    expect(codeOf(bench.fix(authorized, 3_000))).toBe('already_ended');
  });
});
