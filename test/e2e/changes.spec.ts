import { type ChangeView, type EventData, type Problem, encodeEvent } from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import { CONTROL } from '@countersign/ports';
import { signStatement } from '@countersign/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous } from './policies.ts';
import { World, statementKey } from './world.ts';

const DELAY_S = 120;
const waiting = (options: { perDay?: string; delay?: number } = {}) =>
  `${autonomous({ perDay: options.perDay ?? '1.00' })}loosening: { delaySeconds: ${options.delay ?? DELAY_S} }\n`;
type Activated = Problem & { version: number; active: boolean; scheduled?: ChangeView };

let world: World;
beforeEach(async () => {
  world = await World.create();
  await world.usePolicy(waiting());
});
afterEach(() => world.stop());

const activate = async (text: string) => {
  const { body } = await world.call<{ version: number }>('owner', 'POST', '/v1/policies', {
    body: { text },
  });
  const url = `/v1/policies/${body.version}/activate`;
  return (await world.call<Activated>('owner', 'POST', url)).body;
};
const inForce = async () => {
  const { body } = await world.call<{ policies: { version: number; active: boolean }[] }>(
    'owner',
    'GET',
    '/v1/policies',
  );
  return body.policies.find(({ active }) => active)?.version;
};
const changes = async () =>
  (await world.call<{ changes: ChangeView[] }>('ada', 'GET', '/v1/changes')).body.changes;
let bought = 0;
const buy = async (dollars: number) => {
  const url = `https://api.example.com/v1/${(bought += 1)}`;
  return (await world.propose({ url, quote: { amount: String(dollars * 1_000_000) } })).body;
};

describe('a policy that loosens', () => {
  it('waits, is shown and told, and then comes into force by itself', async () => {
    const { active, scheduled } = await activate(waiting({ perDay: '5.00' }));
    expect(active).toBe(false);
    expect(scheduled).toMatchObject({ about: 'policy version 2', by: 'owner' });
    expect(scheduled?.loosens).toEqual([expect.stringContaining('budget day')]);
    expect(await changes()).toEqual([scheduled]);
    await world.settle();
    expect(world.told.filter(({ title }) => title.includes('looser'))).toHaveLength(1);
    expect((await buy(2)).code).toBe('budget_exceeded');
    await world.pass(DELAY_S * 1_000 - 10_000);
    expect(await inForce()).toBe(1);
    await world.pass(20_000);
    expect(await inForce()).toBe(2);
    expect(await changes()).toEqual([]);
    expect((await buy(2)).status).toBe('signed');
  });

  it('never comes into force once somebody canceled it', async () => {
    const { scheduled } = await activate(waiting({ perDay: '5.00' }));
    const url = `/v1/changes/${scheduled?.id}`;
    expect((await world.call<Problem>('research-1', 'DELETE', url)).body.code).toBe(
      'not_permitted',
    );
    expect((await world.call('ada', 'DELETE', url)).status).toBe(200);
    expect((await world.call<Problem>('ada', 'DELETE', url)).body.code).toBe('change_unknown');
    await world.pass(2 * DELAY_S * 1_000);
    expect(await inForce()).toBe(1);
  });

  it('does not wait where it only tightens', async () => {
    const { active, scheduled } = await activate(waiting({ perDay: '0.50' }));
    expect([active, scheduled]).toEqual([true, undefined]);
    expect(await inForce()).toBe(2);
  });

  it('waits where all it loosens is the wait itself', async () => {
    const { active, scheduled } = await activate(waiting({ delay: 60 }));
    expect(active).toBe(false);
    expect(scheduled?.loosens).toEqual(['what loosens waits 60 s in place of 120 s']);
  });

  it('comes into force late, where nothing happened when it was due', async () => {
    await activate(waiting({ perDay: '5.00' }));
    await world.jump(DELAY_S * 1_000 + 1);
    await world.pass(2_000);
    expect(await inForce()).toBe(2);
  });
});

describe('side doors', () => {
  const seller = {
    ...{ domain: 'api.example.com', trust: 'known', category: 'embedding', jurisdiction: 'DE' },
    ...{ takes: 'any', routes: [] },
  };

  it('a seller waits to be paid elsewhere, and is distrusted at once', async () => {
    const url = '/v1/sellers/embeddings';
    const [known] = (
      await world.call<{ sellers: { payTo: object[] }[] }>('owner', 'GET', '/v1/sellers')
    ).body.sellers;
    const elsewhere = { network: 'eip155:84532', address: `0x${'9'.repeat(40)}` };
    const body = { ...seller, payTo: [...(known?.payTo ?? []), elsewhere] };
    const put = await world.call<Activated>('owner', 'PUT', url, { body });
    expect(put.body.scheduled?.loosens).toEqual([
      `embeddings is paid to ${elsewhere.address} on eip155:84532`,
    ]);
    const pay = () =>
      world.propose({
        url: `https://api.example.com/v1/else-${(bought += 1)}`,
        quote: { payTo: elsewhere.address },
      });
    expect((await pay()).body.code).toBe('payee_mismatch');
    await world.pass(DELAY_S * 1_000 + 5_000);
    expect((await pay()).body.status).toBe('signed');
    const removed = await world.call('owner', 'DELETE', url);
    expect(removed.status).toBe(200);
    expect((await pay()).body.code).toBe('no_tier');
  });

  it('a person may do nothing before the wait is over', async () => {
    const { body } = await world.call<Activated & { credential: string }>(
      'owner',
      'POST',
      '/v1/people',
      { body: { person: 'eve', roles: ['operator'] } },
    );
    expect(body.scheduled?.loosens).toEqual(['eve may act as operator']);
    world.credentials['eve'] = body.credential;
    expect((await world.call<Problem>('eve', 'GET', '/v1/agents')).body.code).toBe(
      'unauthenticated',
    );
    await world.pass(DELAY_S * 1_000 + 5_000);
    expect((await world.call('eve', 'GET', '/v1/agents')).status).toBe(200);
  });

  it('an agent spends nothing before the wait is over', async () => {
    const body = { agent: 'later-1', wallet: 'w1' };
    const added = await world.call<Activated>('owner', 'POST', '/v1/agents', { body });
    expect(added.body.scheduled?.about).toBe('agent later-1');
    const again = await world.call<Problem>('owner', 'POST', '/v1/agents', { body });
    expect(again.status).toBe(200);
    await world.pass(DELAY_S * 1_000 + 5_000);
    const { agents } = (
      await world.call<{ agents: { agent: string }[] }>('owner', 'GET', '/v1/agents')
    ).body;
    expect(agents.map((it) => it.agent)).toContain('later-1');
    // The second order found the name taken when it was due, and was canceled.
    await world.pass(5_000);
    expect(await changes()).toEqual([]);
  });

  it('a freeze is lifted at once: it only gives back what was waited for', async () => {
    await world.call('ada', 'POST', '/v1/freeze', { body: {} });
    expect((await world.call('owner', 'POST', '/v1/unfreeze')).status).toBe(200);
    expect((await buy(0.1)).status).toBe('signed');
  });
});

describe('whoever has policy’s key', () => {
  /** Appends to control what the service itself would have signed. */
  async function append<N extends 'policy.put' | 'policy.activated'>(
    name: N,
    data: Omit<EventData<N>, 'signature'>,
  ) {
    const cause = `stolen/${(forged += 1)}`;
    const signed = await signStatement(statementKey('policy'), name, data, cause);
    const { bytes } = encodeEvent(name, signed as EventData<N>, cause);
    await world.log.append([{ lane: CONTROL, key: name, bytes }]);
    await world.settle();
  }
  let forged = 0;

  it('gets nothing signed by saying that what loosens only tightens', async () => {
    const text = waiting({ perDay: '5.00' });
    const put = { tenant: 'default', version: 2, hash: sha256Hex(text) };
    await append('policy.put', { ...put, text, by: 'owner' });
    const delayMs = DELAY_S * 1_000;
    await append('policy.activated', { ...put, by: 'owner', loosens: [], against: 1, delayMs });
    expect(await inForce()).toBe(2);
    const refused = await buy(2);
    expect(refused).toMatchObject({ status: 'refused', code: 'policy_not_believed' });
    expect((await buy(0.5)).code).toBe('policy_not_believed');
    // The one before is put in force again, which only tightens.
    const back = await world.call<Activated>('owner', 'POST', '/v1/policies/1/activate');
    expect(back.body.active).toBe(true);
    expect((await buy(0.5)).status).toBe('signed');
  });

  it('cannot have less waited for by a record that hides the wait of its text', async () => {
    const text = waiting({ perDay: '0.90' });
    const put = { tenant: 'default', version: 2, hash: sha256Hex(text) };
    const claims = { ...put, by: 'owner', loosens: [], against: 1 };
    await append('policy.put', { ...put, text, by: 'owner' });
    await append('policy.activated', { ...claims, delayMs: 0 });
    expect(await inForce()).toBe(1);
    expect((await buy(0.5)).status).toBe('signed');
    // More may be waited for at once, but no record says otherwise than its text.
    await append('policy.activated', { ...claims, delayMs: (DELAY_S + 1) * 1_000 });
    expect(await inForce()).toBe(2);
    expect(await buy(0.1)).toMatchObject({ status: 'refused', code: 'policy_not_believed' });
  });
});
