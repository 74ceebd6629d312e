import type { PaymentView } from '@countersign/contracts';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autonomous } from './policies.ts';
import { World } from './world.ts';

const TREASURY = '0x7ea5000000000000000000000000000000007ea5';
let world: World;
beforeEach(async () => {
  world = await World.create();
  await world.usePolicy(autonomous());
});
afterEach(() => world.stop());

interface Listed {
  readonly facilitators: readonly {
    facilitator: string;
    state: string;
    why?: string;
    settled: number;
    failed: number;
    ambiguous: number;
  }[];
}
async function facilitator(name: string) {
  const { body } = await world.call<Listed>('owner', 'GET', '/v1/facilitators');
  return body.facilitators.find((it) => it.facilitator === `${NETWORK}/${name}`);
}
async function withdraw(): Promise<PaymentView> {
  const body = { network: NETWORK, asset: USDC, amount: '5000000', to: TREASURY };
  return (await world.call('owner', 'POST', '/v1/wallets/w1/withdrawals', { body })).body;
}
const statusOf = async ({ id }: PaymentView) => (await world.read(id)).status;

describe('what we present ourselves', () => {
  it('is held back while nothing of it arrives, then tried with one, and goes on when that arrives', async () => {
    const submit = world.chain.submitTransfer.bind(world.chain);
    let sent = 0;
    // A node that takes transactions and loses them.
    world.chain.submitTransfer = async () => {
      sent += 1;
      return `0x${'0'.repeat(64)}`;
    };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const lost = await withdraw();
      await world.pass(66_000);
      expect(await statusOf(lost)).toBe('void');
    }
    expect(await facilitator('self')).toMatchObject({ state: 'open', failed: 5, settled: 0 });
    const titles = world.told.map(({ title }) => title);
    expect(titles).toContain('Payments presented to a facilitator come to nothing');

    world.chain.submitTransfer = (transfer) => {
      sent += 1;
      return submit(transfer);
    };
    await world.pass(20_000);
    const before = sent;
    const held = await withdraw();
    await world.pass(20_000);
    expect([sent, await statusOf(held)]).toEqual([before, 'signed']);
    await world.pass(35_000);
    expect([sent, await statusOf(held)]).toEqual([before + 1, 'settled']);
    expect(await facilitator('self')).toMatchObject({ state: 'closed', settled: 1 });
  });
});

describe('a seller’s facilitator', () => {
  it('is told apart by whether the agent came back for what ran out', async () => {
    const urls = ['a', 'b'].map((path) => `https://api.example.com/${path}`);
    for (const url of urls) await world.propose({ url });
    await world.pass(57_000);
    const [tried = ''] = urls;
    await world.propose({ url: tried });
    await world.pass(75_000);
    const paid = await world.propose({ url: 'https://api.example.com/c' });
    await world.present(paid.body);
    await world.pass(5_000);
    expect(await facilitator(PAYEE)).toMatchObject({
      ...{ state: 'closed', settled: 1, failed: 1, ambiguous: 1 },
    });
  });
});
