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
/** While one of a wallet is open, the same again is the same one. */
async function withdraw(amount = '5000000', wallet = 'w1'): Promise<PaymentView> {
  const body = { network: NETWORK, asset: USDC, amount, to: TREASURY };
  return (await world.call('owner', 'POST', `/v1/wallets/${wallet}/withdrawals`, { body })).body;
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

describe('what an open breaker holds back', () => {
  /** A node that takes transactions and loses them until it is mended; resolves when the breaker has opened. */
  async function tripped() {
    const submit = world.chain.submitTransfer.bind(world.chain);
    const sent: string[] = [];
    let isMended = false;
    world.chain.submitTransfer = async (transfer) => {
      sent.push(String(transfer.value));
      return isMended ? submit(transfer) : `0x${'0'.repeat(64)}`;
    };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await withdraw();
      await world.pass(66_000);
    }
    const mend = () => {
      isMended = true;
    };
    return { sent, mend };
  }
  const wasSent = (sent: readonly string[], { quote }: PaymentView) => sent.includes(quote.amount);

  it('ends when its time is over, is never sent, and says nothing of who was not asked', async () => {
    const { sent, mend } = await tripped();
    // The try fails, and the breaker stays open for two minutes.
    await world.pass(60_000);
    await withdraw();
    await world.pass(70_000);
    const held = await withdraw('7000000');
    await world.pass(66_000);
    expect(await facilitator('self')).toMatchObject({ state: 'open', ambiguous: 0 });
    expect([await statusOf(held), wasSent(sent, held)]).toEqual(['void', false]);

    mend();
    await world.pass(60_000);
    const next = await withdraw();
    await world.pass(5_000);
    expect(await statusOf(next)).toBe('settled');
    expect(await facilitator('self')).toMatchObject({ state: 'closed', ambiguous: 0 });
  });

  it('is not what tries when its time is over and the chain has not said so yet', async () => {
    const owner = { tenant: 'default', person: 'owner' };
    const { registry } = world.services;
    const { address } = await registry.requestWallet(owner, 'w2');
    world.chain.mint(USDC, address, 10n ** 12n);
    await registry.addAgent(owner, 'second-1', 'w2');
    const { sent, mend } = await tripped();
    await world.pass(60_000);
    await withdraw();
    await world.pass(70_000);
    await world.pass(45_000);
    const old = await withdraw('7000000');
    await world.pass(45_000);
    const next = await withdraw('6000000', 'w2');
    await world.pass(10_000);
    mend();
    const { chain } = world;
    const mine = chain.mine.bind(chain);
    const last = await chain.head('latest');
    // No block comes until the breaker is half open.
    chain.mine = () => last;
    await world.pass(25_000);
    expect(await facilitator('self')).toMatchObject({ state: 'half_open' });
    expect([await statusOf(old), wasSent(sent, old), wasSent(sent, next)]).toEqual([
      ...['signed', false, true],
    ]);
    chain.mine = mine;
    await world.pass(20_000);
    expect([await statusOf(old), await statusOf(next)]).toEqual(['void', 'settled']);
    expect(await facilitator('self')).toMatchObject({ state: 'closed', ambiguous: 0 });
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
