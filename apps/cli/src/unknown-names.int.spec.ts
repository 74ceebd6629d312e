import { describe, expect, it } from 'vitest';
import { startDesk } from './testing/desk.ts';
import { PAY_TO } from './testing/samples.ts';

const asOf = { treeSize: 12, root: 'ab'.repeat(32), lanes: ['0:12'] };

describe('a name that nobody has', () => {
  const agents = [
    { agent: 'my-agent', wallet: 'main', address: PAY_TO, wallets: ['main'], frozen: false },
  ];
  const handlers = {
    listAgents: () => ({ agents }),
    listPayments: () => ({ payments: [], asOf: ['0:0'] }),
    readSpend: () => ({ asOf, lines: [], truncated: false }),
    searchEvents: () => ({ asOf, events: [], next: null }),
  };
  const NOTE = '(no agent of that name is registered)';

  it.each(['payments', 'spend', 'search'])('is told by "%s --agent"', async (command) => {
    await using desk = await startDesk(handlers);
    const mistyped = await desk.run(`${command} --agent my-agnt`);
    expect(mistyped.out.split('\n').at(-1)).toBe(NOTE);
    expect((await desk.run(`${command} --agent my-agent`)).out).not.toContain(NOTE);
    expect((await desk.run(`--json ${command} --agent my-agnt`)).out).not.toContain(NOTE);
  });

  it('is not told by whoever may not list agents', async () => {
    const { listAgents: _, ...rest } = handlers;
    await using desk = await startDesk(rest);
    expect(await desk.run('payments --agent my-agnt')).toMatchObject({
      code: 0,
      out: 'There are no such payments.',
    });
  });

  it('is told beside what would be decided', async () => {
    await using desk = await startDesk({
      ...handlers,
      evaluatePolicy: () => ({
        ...{ outcome: 'deny' as const, tier: null, prohibited: false, flags: [] },
        ...{ requirement: { kind: 'none' as const }, maxLifetimeMs: 0, amountUnits: '1' },
        ...{ reasons: ['no_tier'], trace: [] },
      }),
    });
    const priced = `https://a.example/ --amount 0.02 --pay-to 0x${'1'.repeat(40)}`;
    expect((await desk.run(`policy evaluate ${priced} --agent my-agnt`)).out).toContain(NOTE);
    expect((await desk.run(`policy evaluate ${priced} --agent my-agent`)).out).not.toContain(NOTE);
  });

  it.each([
    [
      'search --event decison.made',
      /^error: --event: "decison\.made" .*; perhaps .*decision\.made/,
    ],
    ['search --event paid', /there are .*decision\.made.*authorization\.fixed/],
    ['search --from 2026-11-20 --to 2026-11-19', /--from is later than --to/],
    ['spend --from 2026-11-20 --to 2026-11-19', /--from is later than --to/],
    ['events --after nope', /--after takes start, now, or the id of a record such as 0:12/],
  ])('or condition that nothing meets is an error: %s', async (command, why) => {
    await using desk = await startDesk(handlers);
    expect(await desk.run(command)).toMatchObject({ code: 2, err: expect.stringMatching(why) });
    expect(desk.server.received).toEqual([]);
  });
});
