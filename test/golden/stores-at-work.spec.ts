import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AvailableView, PaymentView, ProofBundle } from '@countersign/contracts';
import { bundleText } from '@countersign/audit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { COMMIT } from './kept-store.ts';
import { KeptWorld } from './kept-world.ts';
import { verifyOffline } from './verify-offline.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const AGENT = 'my-agent';
/** The last image that the program signed for, and nobody presented. */
const LEFT_IMAGE = '9';

let world: KeptWorld;

async function openWorld(options?: { hasEventStore: boolean }): Promise<void> {
  const opened = (world = await KeptWorld.open(options));
  onTestFinished(async () => {
    await opened.stop();
    rmSync(opened.folder, { recursive: true });
  });
}

async function get<T>(url: string): Promise<T> {
  const answer = await world.call<T>('owner', 'GET', url);
  expect(answer.status).toBe(200);
  return answer.body;
}

async function payments(query = ''): Promise<readonly PaymentView[]> {
  return (await get<{ payments: PaymentView[] }>(`/v1/payments?limit=100${query}`)).payments;
}

async function find(what: string, isIt: (payment: PaymentView) => boolean): Promise<PaymentView> {
  const found = (await payments()).find(isIt);
  if (!found) throw new Error(`there is no payment ${what}`);
  return found;
}

/** What is left of a budget for a payment to the seller of images. */
async function left(budget: string, agent = AGENT): Promise<string | undefined> {
  const { limits } = await get<AvailableView>(`/v1/agents/${agent}/available?seller=images`);
  return limits.find(({ limit }) => limit === budget)?.amount;
}

/** Asks to pay this much for an image, where the others were bought. */
async function proposeImage(name: string, amount: string): Promise<PaymentView> {
  const isImage = ({ resource }: PaymentView) => resource.url.includes('/image/');
  const { quote, resource } = await find('for an image', isImage);
  const url = resource.url.replace(/[^/]+$/, name);
  return (await world.propose({ quote: { ...quote, amount }, url }, { who: AGENT })).body;
}

async function settled(payment: PaymentView): Promise<PaymentView> {
  await world.present(payment);
  await world.pass(5_000);
  const view = await world.read(payment.id);
  expect(view).toMatchObject({ status: 'settled', final: true });
  return view;
}

describe(`the services over a store written by ${COMMIT}`, () => {
  it('pay from what the budgets have left after all that was spent', async () => {
    await openWorld();
    const spent = (await payments('&status=settled')).filter(({ agent }) => agent === 'research-1');
    const sum = spent.reduce((total, { quote }) => total + BigInt(quote.amount), 0n);
    expect(await left('research-month', 'research-1')).toBe(String(400_000_000n - sum));
    // Of 0.50 a day two images took 0.20 each, and one that is signed for holds 0.08.
    expect(await left('images-day')).toBe('20000');
    const denied = { status: 'denied', code: 'budget_exceeded' };
    expect(await proposeImage('dear', '20001')).toMatchObject(denied);

    const signed = await proposeImage('cheap', '20000');
    expect(signed).toMatchObject({ status: 'signed', tier: 'everyday' });
    expect(await left('images-day')).toBe('0');
    await settled(signed);
    expect(await proposeImage('one-more', '1')).toMatchObject(denied);
  });

  it('let what was spent leave its window', async () => {
    await openWorld();
    // The first was bought a minute before the end, and of what is old the chain is asked every 15 s.
    await world.jump(DAY_MS - 2 * MINUTE_MS);
    await world.pass(20_000);
    expect(await left('images-day')).toBe('100000');
    await world.jump(2 * MINUTE_MS);
    expect(await left('images-day')).toBe('500000');
    expect(await left('research-month', 'research-1')).toBe('219520000');
    await settled(await proposeImage('next-day', '200000'));
    expect(await left('images-day')).toBe('300000');
  });

  it('end what was left open', async () => {
    await openWorld();
    const isAsked = ({ status }: PaymentView) => status === 'awaiting_approval';
    const { id, quoteDigest, approval, quote, resource } = await find('that waits', isAsked);
    const body = { quoteDigest, decisionId: approval?.decisionId };
    await world.call('owner', 'POST', `/v1/approvals/${id}/grant`, { body });
    await world.settle();
    const claimed = await world.propose({ quote, url: resource.url }, { who: AGENT });
    expect(claimed.body).toMatchObject({ id, status: 'signed' });
    await settled(claimed.body);

    const unused = await find('signed', ({ status }) => status === 'signed');
    await world.pass(MINUTE_MS);
    expect(await world.read(unused.id)).toMatchObject({ status: 'void', final: true });
    expect(await left('images-day')).toBe('100000');
  });

  it('prove offline what was settled, before them and by them', async () => {
    await openWorld({ hasEventStore: true });
    const before = await payments('&status=settled');
    expect(before).toHaveLength(11);
    const { id, authorization } = await find('signed', ({ status }) => status === 'signed');
    const again = await proposeImage(LEFT_IMAGE, '80000');
    expect(again).toMatchObject({ id, authorization });
    const after = [await settled(again), await settled(await proposeImage('new', '20000'))];

    const keys = join(world.folder, 'keys.txt');
    const known = await get<{ keys: { service: string; publicKey: string }[] }>('/v1/log/keys');
    writeFileSync(keys, known.keys.map((it) => `${it.service}=${it.publicKey}\n`).join(''));
    for (const payment of [...before, ...after]) {
      const proof = join(world.folder, `${payment.id}.json`);
      const bundle = await get<ProofBundle>(`/v1/audit/payments/${payment.id}/proof`);
      writeFileSync(proof, bundleText(bundle));
      const { code, out, err } = await verifyOffline(proof, keys);
      expect([code, err]).toEqual([0, '']);
      const signed = `✓ the wallet signed exactly that: ${payment.authorization?.from}`;
      expect(out).toContain(signed);
    }
  });

  it('keep stopped whom somebody had stopped, also after another start', async () => {
    await openWorld();
    const { quote, resource } = await find('of the agent', ({ agent }) => agent === 'batch-1');
    const frozen = async (path: string) => {
      const asked = await world.propose({ quote, url: resource.url + path }, { who: 'batch-1' });
      expect(asked.body).toMatchObject({ status: 'denied', code: 'frozen' });
    };
    const route = '/v1/agents/batch-1/credential';
    const { body } = await world.call<{ credential: string }>('owner', 'POST', route);
    world.credentials['batch-1'] = body.credential;
    await frozen('/before');

    await world.settle();
    const seen = async () => [await get('/v1/log/heads'), await payments()];
    const before = await seen();
    await world.stop();
    await world.start();
    expect(await seen()).toEqual(before);
    await frozen('/after');
  });
});
