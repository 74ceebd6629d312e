import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PaymentView, type Problem, encodeEvent } from '@countersign/contracts';
import { laneOfPayment } from '@countersign/payment';
import { signStatement } from '@countersign/service-kit';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous, collaborative, perTask, supervised } from './policies.ts';
import type { Answer } from './rig.ts';
import { World, statementKey } from './world.ts';

const HOUR_MS = 3_600_000;
let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.stop());

const problem = (answer: Answer) => answer.body as unknown as Problem;

/** Transfers the memory chain has seen of a payment, by its nonce, at the finalized block. */
async function isPaid(payment: PaymentView): Promise<boolean> {
  const { token, from, nonce } = payment.authorization ?? { token: '', from: '', nonce: '' };
  return (await world.chain.authorization({ token, from, nonce }, 'latest', 0)).state === 'used';
}

describe('budgets', () => {
  it('let one of fifty parallel payments of 90 through under a daily 100', async () => {
    await world.usePolicy(autonomous({ perDay: '100.00' }));
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        world.propose({ quote: { amount: '90000000' }, url: `https://api.example.com/${n}` }),
      ),
    );
    const statuses = answers.map((answer) => answer.body.status);
    expect(statuses.filter((status) => status === 'signed')).toHaveLength(1);
    expect(statuses.filter((status) => status === 'denied')).toHaveLength(49);
    const denied = answers.find((answer) => answer.body.status === 'denied');
    expect(denied?.body).toMatchObject({ alternative: 'wait', final: true });
  });

  it('let three of 0.1 through under 0.3', async () => {
    await world.usePolicy(autonomous({ perDay: '0.30' }));
    for (const n of [1, 2, 3, 4]) {
      const answer = await world.propose({
        quote: { amount: '100000' },
        url: `https://api.example.com/${n}`,
      });
      expect(answer.body.status).toBe(n <= 3 ? 'signed' : 'denied');
    }
  });

  it('count an open reservation a day later, and a settled one until a day after it settled', async () => {
    await world.usePolicy(autonomous({ perDay: '100.00' }));
    const first = await world.propose({
      quote: { amount: '90000000' },
      url: 'https://api.example.com/1',
    });
    await world.present(first.body);
    await world.pass(5_000);
    expect((await world.read(first.body.id)).status).toBe('settled');
    const again = () =>
      world.propose({
        quote: { amount: '20000000' },
        url: `https://api.example.com/${world.time.nowMs}`,
      });
    await world.jump(23 * HOUR_MS);
    expect((await again()).body.status).toBe('denied');
    await world.jump(HOUR_MS + 10_000);
    expect((await again()).body.status).toBe('signed');
  });

  it('are kept over a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
    const durable = await World.create(join(folder, 'store.db'));
    await durable.usePolicy(autonomous({ perDay: '100.00' }));
    await durable.propose({ quote: { amount: '90000000' }, url: 'https://api.example.com/1' });
    await durable.stop();
    await durable.start();
    const next = await durable.propose({
      quote: { amount: '20000000' },
      url: 'https://api.example.com/2',
    });
    expect(next.body.status).toBe('denied');
    await durable.stop();
    rmSync(folder, { recursive: true });
  });
});

describe('amounts and assets', () => {
  beforeEach(() => world.usePolicy(autonomous()));

  it.each(['-1', '0.5', '1e6', '01', '', ' 1', '0x10', (2n ** 256n).toString()])(
    'refuses "%s" and names the field',
    async (amount) => {
      const answer = await world.propose({ quote: { amount } });
      expect(answer.status).toBe(400);
      expect(problem(answer)).toMatchObject({
        code: 'invalid_request',
        retryable: false,
        errors: [{ path: 'quote.amount' }],
      });
    },
  );

  it.each([
    ['0', 'amount_zero'],
    [(2n ** 60n).toString(), 'amount_not_countable'],
    ['500000000000000000', 'amount_not_countable'],
    ['1000000000000', 'no_tier'],
  ])('denies %s with %s', async (amount, reason) => {
    const { body } = await world.propose({ quote: { amount } });
    expect(body).toMatchObject({ status: 'denied', reasons: [reason] });
  });

  it('denies an asset nobody declared, and refuses a symbol in its place', async () => {
    const other = await world.propose({ quote: { asset: `0x${'77'.repeat(20)}` } });
    expect(other.body).toMatchObject({ status: 'denied', reasons: ['asset_not_declared'] });
    for (const asset of ['USDT', 'usdc'])
      expect(problem(await world.propose({ quote: { asset } })).errors?.[0]?.path).toBe(
        'quote.asset',
      );
  });

  it('denies an unknown network, and a scheme that is not signed', async () => {
    const network = await world.propose({ quote: { network: 'eip155:1' } });
    expect(network.body).toMatchObject({ status: 'denied', reasons: ['asset_not_declared'] });
    const scheme = await world.propose({ quote: { scheme: 'upto' } });
    expect(scheme.body).toMatchObject({ status: 'denied', reasons: ['scheme_not_supported'] });
  });
});

describe('an agent', () => {
  it('pays nothing without a policy', async () => {
    const { body } = await world.propose();
    expect(body).toMatchObject({ status: 'denied', reasons: ['no_policy'] });
  });

  it('cannot touch policy, sellers, people, agents, wallets or freezes', async () => {
    await world.usePolicy(autonomous());
    const tries = [
      ['POST', '/v1/policies', { text: autonomous({ perDay: '1000000.00' }) }],
      ['POST', '/v1/policies/1/activate', undefined],
      ['PUT', '/v1/sellers/embeddings', {}],
      ['POST', '/v1/people', { person: 'me', roles: ['approver'] }],
      ['POST', '/v1/agents', { agent: 'twin', wallet: 'w1' }],
      ['POST', '/v1/agents/research-1/tasks', { task: 'mine' }],
      ['POST', '/v1/agents/research-1/unfreeze', undefined],
      ['POST', '/v1/unfreeze', undefined],
      ['POST', '/v1/wallets/w1/withdrawals', {}],
      ['GET', '/v1/approvals', undefined],
    ] as const;
    for (const [method, url, body] of tries) {
      const answer = await world.call<Problem>('research-1', method, url, { body });
      expect([url, answer.status, answer.body.code]).toEqual([url, 403, 'not_permitted']);
    }
  });

  it('gains nothing by lying on category, task or price', async () => {
    await world.usePolicy(perTask());
    const lies = { category: 'embedding', task: 'invented' };
    expect((await world.propose(lies)).body.status).toBe('denied');
    expect((await world.propose({ category: 'embedding' })).body.status).toBe('denied');
    await world.call('owner', 'POST', '/v1/agents/research-1/tasks', { body: { task: 'report' } });
    const honest = await world.propose({ task: 'report' });
    expect(honest.body.status).toBe('signed');
    const other = await world.propose({
      task: 'report',
      category: 'gift',
      url: 'https://api.example.com/x',
    });
    expect(other.body.status).toBe('denied');
  });

  it('cannot name another seller’s domain with its own address, a look-alike, or a homoglyph', async () => {
    await world.usePolicy(autonomous());
    const own = await world.propose({ quote: { payTo: `0x${'99'.repeat(20)}` } });
    expect(own.body).toMatchObject({ status: 'denied', reasons: ['payee_mismatch'] });
    const alike = PAYEE.slice(0, 6) + '0'.repeat(32) + PAYEE.slice(-4);
    expect((await world.propose({ quote: { payTo: alike } })).body).toMatchObject({
      status: 'denied',
      reasons: ['payee_lookalike'],
    });
    const homoglyph = await world.propose({ url: 'https://аpi.example.com/v1/embed' });
    expect(homoglyph.body).toMatchObject({ status: 'denied', reasons: ['no_tier'] });
    expect(homoglyph.body.resource.url).toContain('xn--');
  });

  it('sees neither another agent’s payments nor their signatures', async () => {
    await world.usePolicy(autonomous());
    const { body } = await world.propose();
    const url = `/v1/payments/${body.id}`;
    expect((await world.call('batch-1', 'GET', url)).status).toBe(404);
    expect((await world.call('research-1', 'GET', url)).body.signature).toBe(body.signature);
    expect((await world.call('owner', 'GET', url)).body.signature).toBeUndefined();
  });
});

describe('purchases', () => {
  beforeEach(() => world.usePolicy(autonomous()));

  it('are one payment for a lost answer and its retries, with the same bytes', async () => {
    const first = await world.propose();
    const second = await world.propose();
    expect(second.body).toMatchObject({ id: first.body.id, signature: first.body.signature });
    expect(second.headers['idempotent-replayed']).toBe('true');
    await world.present(first.body);
    await world.pass(5_000);
    expect((await world.propose()).body).toMatchObject({ id: first.body.id, status: 'settled' });
    expect(world.wallets.signed).toHaveLength(1);
  });

  it('never get a new nonce when a settlement is only late', async () => {
    const first = await world.propose();
    await world.pass(30_000);
    expect((await world.propose()).body.authorization).toEqual(first.body.authorization);
    await world.present(first.body);
    await world.pass(15_000);
    expect((await world.read(first.body.id)).status).toBe('settled');
    expect(world.wallets.signed).toHaveLength(1);
  });

  it('are unresolved when the price moved by one unit on the retry', async () => {
    const first = await world.propose();
    const moved = await world.propose({ quote: { amount: '20001' } });
    expect(moved.status).toBe(409);
    expect(problem(moved)).toMatchObject({
      code: 'payment_unresolved',
      retryable: true,
      paymentId: first.body.id,
    });
    await world.present(first.body);
    await world.pass(5_000);
    expect(await isPaid(first.body)).toBe(true);
    expect(world.wallets.signed).toHaveLength(1);
  });

  it('are two for two bodies posted to one URL', async () => {
    const post = (bodyDigest: string) => {
      const resource = {
        method: 'POST' as const,
        url: 'https://api.example.com/v1/embed',
        bodyDigest,
      };
      return world.propose({ resource });
    };
    const [one, two] = await Promise.all([post('1'.repeat(64)), post('2'.repeat(64))]);
    expect(one.body.id).not.toBe(two.body.id);
    for (const { body } of [one, two]) await world.present(body);
    await world.pass(5_000);
    expect(await isPaid(one.body)).toBe(true);
    expect(await isPaid(two.body)).toBe(true);
  });

  it('are made anew after the authorization went void, and the budget is free again', async () => {
    const first = await world.propose();
    await world.pass(70_000);
    expect((await world.read(first.body.id)).status).toBe('void');
    const second = await world.propose();
    expect(second.body.id).not.toBe(first.body.id);
    expect(second.body.authorization?.nonce).not.toBe(first.body.authorization?.nonce);
  });

  it('answer a reused key with another request with 422', async () => {
    await world.propose({}, { key: 'order-1' });
    const reused = await world.propose(
      { url: 'https://api.example.com/other' },
      { key: 'order-1' },
    );
    expect([reused.status, problem(reused).code]).toEqual([422, 'idempotency_key_reused']);
  });
});

describe('people', () => {
  async function grant(person: string, payment: PaymentView): Promise<Answer> {
    const { quoteDigest, approval } = payment;
    const body = { quoteDigest, decisionId: approval?.decisionId };
    return world.call(person, 'POST', `/v1/approvals/${payment.id}/grant`, { body });
  }

  it('clear a payment; the claim is decided under the policy in force then', async () => {
    await world.usePolicy(collaborative());
    const asked = await world.propose();
    expect(asked.body.status).toBe('awaiting_approval');
    expect(asked.status).toBe(202);
    await grant('ada', asked.body);
    await world.jump(3 * HOUR_MS);
    await world.usePolicy(autonomous({ atMost: '0.01' }));
    await grant('bo', asked.body);
    await world.settle();
    expect((await world.read(asked.body.id)).status).toBe('cleared');
    const claimed = await world.propose();
    expect(claimed.body).toMatchObject({
      id: asked.body.id,
      status: 'denied',
      reasons: ['no_tier'],
    });
    expect(world.wallets.signed).toHaveLength(0);
  });

  it('cannot be impersonated by whoever has the key of approval', async () => {
    await world.usePolicy(collaborative());
    const { body } = await world.propose();
    const { id: paymentId, approval, quoteDigest } = body;
    const about = { tenant: 'default', agent: 'research-1', paymentId, quoteDigest };
    const lane = laneOfPayment(paymentId);
    for (const person of ['ada', 'bo', 'cy']) {
      const statement = { ...about, person, decisionId: approval?.decisionId ?? '' };
      const cause = `grant/${person}`;
      const key = statementKey('approval');
      const data = await signStatement(key, 'approval.granted', statement, cause);
      const { bytes } = encodeEvent('approval.granted', data, cause);
      await world.log.append([{ lane: String(lane), key: paymentId, bytes }]);
    }
    await world.settle();
    expect((await world.read(paymentId)).approval?.grantedBy).toEqual([]);
    await grant('ada', body);
    await grant('bo', body);
    await world.settle();
    expect((await world.read(paymentId)).status).toBe('cleared');
  });

  it('grant once each, only what they were shown, and only in time', async () => {
    await world.usePolicy(collaborative({ timeoutSeconds: 60 }));
    const { body } = await world.propose();
    expect((await grant('ada', body)).status).toBe(200);
    expect(problem(await grant('ada', body)).code).toBe('already_granted');
    expect(problem(await grant('owner', body)).code).toBe('not_an_approver');
    const other = { ...body, quoteDigest: '0'.repeat(64) };
    expect(problem(await grant('bo', other)).code).toBe('wrong_digest');
    world.time.moveTo(world.time.nowMs + 60_000);
    expect(['too_late', 'already_ended']).toContain(problem(await grant('bo', body)).code);
    await world.pass(1_000);
    expect((await world.read(body.id)).code).toBe('unanswered');
  });

  it('veto within the window; without a notification it never opens', async () => {
    await world.usePolicy(supervised());
    const first = await world.propose();
    await world.call('ada', 'POST', `/v1/approvals/${first.body.id}/veto`, { body: {} });
    expect((await world.read(first.body.id)).status).toBe('vetoed');
    world.notifierIsOut = true;
    const second = await world.propose({ url: 'https://api.example.com/second' });
    await world.pass(601_000);
    expect(await world.read(second.body.id)).toMatchObject({
      status: 'expired',
      code: 'not_notified',
    });
    expect(world.wallets.signed).toHaveLength(0);
  }, 20_000);

  it('stop too late: the payment is named, and its cancellation relayed', async () => {
    await world.usePolicy(autonomous());
    const { body } = await world.propose();
    const veto = await world.call('ada', 'POST', `/v1/approvals/${body.id}/veto`, { body: {} });
    expect(problem(veto)).toMatchObject({ code: 'too_late', paymentId: body.id });
    await world.pass(6_000);
    expect((await world.read(body.id)).status).toBe('canceled');
  });

  it('freeze an agent: what waits ends, what is out is named', async () => {
    await world.usePolicy(autonomous());
    const { body } = await world.propose();
    const frozen = await world.call<{ tooLate: string[] }>(
      'ada',
      'POST',
      '/v1/agents/research-1/freeze',
      { body: {} },
    );
    expect(frozen.body.tooLate).toEqual([body.id]);
    const after = await world.propose({ url: 'https://api.example.com/after' });
    expect(after.body).toMatchObject({ status: 'denied', reasons: ['frozen'] });
    await world.call('owner', 'POST', '/v1/agents/research-1/unfreeze');
    const thawed = await world.propose({ url: 'https://api.example.com/thawed' });
    expect(thawed.body.status).toBe('signed');
  });
});

describe('the chain', () => {
  beforeEach(() => world.usePolicy(autonomous({ perDay: '0.02' })));
  const openReservation = async () =>
    (await world.propose({ url: 'https://api.example.com/probe' })).body.status === 'denied';

  it.each(['rpc', 'wrong_chain', 'no_code'] as const)(
    'releases nothing while it fails (%s)',
    async (failure) => {
      const { body } = await world.propose();
      world.chain.fail(failure);
      await world.pass(120_000);
      expect((await world.read(body.id)).status).toBe('signed');
      expect(await openReservation()).toBe(true);
      world.chain.mend();
      await world.pass(10_000);
      expect((await world.read(body.id)).status).toBe('void');
    },
    20_000,
  );

  it('releases nothing for a cancellation that is reorganised away', async () => {
    const { body } = await world.propose();
    await world.call('ada', 'POST', `/v1/approvals/${body.id}/veto`, { body: {} });
    await world.settle();
    world.chain.mine(world.time.nowMs + 1);
    await world.settle();
    world.chain.reorg(1);
    await world.present({ ...body });
    await world.pass(8_000);
    expect((await world.read(body.id)).status).toBe('settled');
  });

  it('moves a withdrawal to the treasury, and to nowhere else', async () => {
    const order = { network: NETWORK, asset: USDC, amount: '5000000' };
    const treasury = '0x7ea5000000000000000000000000000000007ea5';
    const elsewhere = await world.call('owner', 'POST', '/v1/wallets/w1/withdrawals', {
      body: { ...order, to: PAYEE },
    });
    expect(elsewhere.body).toMatchObject({ status: 'denied', reasons: ['not_the_treasury'] });
    const home = await world.call('owner', 'POST', '/v1/wallets/w1/withdrawals', {
      body: { ...order, to: treasury },
    });
    await world.pass(6_000);
    expect(await world.read(home.body.id)).toMatchObject({ status: 'settled', kind: 'withdrawal' });
    expect(await world.chain.balance(USDC, treasury)).toBe(5_000_000n);
  });
});

describe('messages', () => {
  beforeEach(() => world.usePolicy(autonomous()));

  it.each([
    ['not JSON', '{', 400],
    ['an unknown field', JSON.stringify({ surprise: 1 }), 400],
    ['nothing', '', 400],
    ['too much', JSON.stringify({ text: 'x'.repeat(1_300_000) }), 413],
  ])('that are %s are rejected', async (_, payload, status) => {
    const answer = await world.services.app.inject({
      method: 'POST',
      url: '/v1/payments',
      headers: {
        authorization: `Bearer ${world.credentials['research-1']}`,
        'content-type': 'application/json',
      },
      payload,
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  });

  it('without a known credential are nobody’s', async () => {
    const answer = await world.call<Problem>(undefined, 'GET', '/v1/payments');
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
  });

  it('in the log that are garbage, forged or repeated change nothing', async () => {
    const { body } = await world.propose();
    const lane = body.id.split('_')[1] ?? '0';
    const records = await world.log.read(lane, 0, 1_000);
    const before = await world.read(body.id);
    await world.log.append([
      { lane, key: 'x', bytes: new Uint8Array([0xff, 0xfe]) },
      { lane, key: 'x', bytes: new TextEncoder().encode('{}') },
      ...records.toReversed().map(({ key, bytes }) => ({ lane, key, bytes })),
    ]);
    await world.settle();
    const { position: _, ...after } = await world.read(body.id);
    expect(before).toMatchObject(after);
    const ignored = await world.call<{ ignored: { code: string }[] }>(
      'owner',
      'GET',
      '/v1/log/ignored',
    );
    expect(ignored.body.ignored.map((it) => it.code)).toContain('undecodable');
    expect(world.wallets.signed).toHaveLength(1);
  });
});

describe('a record that did not count', () => {
  const resubmit = async (position: string, who = 'owner') => {
    const url = '/v1/log/ignored/resubmit';
    const answer = await world.call(who, 'POST', url, { body: { position } });
    await world.settle();
    return answer as unknown as Answer<{ applied: boolean; code: string | null; position: string }>;
  };
  /** The intent of a payment, as it stands in the log of another world, or of this one. */
  const intentOf = async ({ log }: World, { id }: PaymentView) => {
    const lane = id.split('_')[1] ?? '';
    const records = await log.read(lane, 0, 1_000);
    const isIntent = (bytes: Uint8Array) => Buffer.from(bytes).includes('intent.submitted');
    const { key, bytes, offset } = records.find((it) => isIntent(it.bytes))!;
    return { lane, key, bytes, offset };
  };

  it('counts when what was missing is there and it is submitted again, and then never more', async () => {
    const elsewhere = await World.create();
    const late = { tenant: 'default', person: 'owner' };
    elsewhere.credentials['late-1'] = (
      await elsewhere.services.registry.addAgent(late, 'late-1', 'w1')
    ).credential;
    const { body } = await elsewhere.propose({}, { who: 'late-1' });
    const { lane, key, bytes } = await intentOf(elsewhere, body);
    await elsewhere.stop();

    const [ignored] = await world.log.append([{ lane, key, bytes }]);
    await world.settle();
    const position = `${lane}:${ignored!.offset}`;
    expect((await resubmit(position)).body).toMatchObject({ code: 'agent_unknown' });
    await world.services.registry.addAgent(late, 'late-1', 'w1');
    expect((await resubmit(position)).body).toMatchObject({ applied: true, code: null });
    expect((await resubmit(position)).body).toMatchObject({
      applied: false,
      code: 'stale_ordinal',
    });
    expect((await world.read(body.id)).resource).toEqual(body.resource);
  });

  it('goes to the lane that is its own, and does not count a second time there', async () => {
    const { body } = await world.propose();
    const { lane, key, bytes, offset } = await intentOf(world, body);
    const other = String((Number(lane) + 1) % 4);
    const [strayed] = await world.log.append([{ lane: other, key, bytes }]);
    await world.settle();
    const again = await resubmit(`${other}:${strayed!.offset}`);
    expect(again.body).toMatchObject({ applied: false, code: 'stale_ordinal' });
    expect(again.body.position.startsWith(`${lane}:`)).toBe(true);
    expect(problem(await world.call('owner', 'GET', `/v1/payments/${body.id}`)).status).toBe(
      body.status,
    );
    expect(await resubmit(`${lane}:${offset}`)).toMatchObject({
      status: 409,
      body: { code: 'not_ignored' },
    });
  });

  it('is submitted again by operators alone, and only where one stands', async () => {
    const [garbage] = await world.log.append([{ lane: '1', key: 'x', bytes: Buffer.of(0xff) }]);
    await world.settle();
    const position = `1:${garbage!.offset}`;
    expect((await resubmit(position)).body).toMatchObject({ code: 'undecodable' });
    expect((await resubmit(position, 'ada')).status).toBe(403);
    expect((await resubmit(position, 'research-1')).status).toBe(403);
    expect((await resubmit('1:999999')).status).toBe(404);
    expect((await resubmit('77:0')).status).toBe(404);
    expect((await resubmit('control:0')).status).toBe(400);
  });
});
