import { describe, expect, it } from 'vitest';
import { startDesk } from './testing/desk.ts';
import { PAYMENT_ID } from './testing/samples.ts';

const asOf = { treeSize: 12, root: 'ab'.repeat(32), lanes: ['0:12'] };
const event = {
  leaf: 11,
  position: '0:11',
  atMs: 1_790_000_000_000,
  event: 'intent.submitted',
  ignored: null,
  agent: 'research-1',
  paymentId: PAYMENT_ID,
  facts: { seller: 'embeddings' },
  texts: { purpose: 'to index\u202e a page' },
};
const line = {
  ...{ day: '2026-11-17', agent: 'research-1', kind: 'payment', network: 'eip155:84532' },
  asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  ...{ amount: '20000', payments: 1, seller: 'embeddings', domain: 'api.example.com' },
  ...{ category: 'embedding', task: 'none', policyVersion: 2, policyHash: 'c', tier: 'autonomous' },
  reason: 'tier_met',
};

describe('an auditor at the terminal', () => {
  it('searches by words and conditions, and is shown hostile text as it is', async () => {
    await using desk = await startDesk({
      searchEvents: () => ({ asOf, events: [event], next: 11 }),
    });
    const { code, out } = await desk.run('search index page --agent research-1 --limit 1');
    expect(code).toBe(0);
    expect(out).toContain('“to index\\u{202e} a page”');
    expect(out).toContain('--before 11');
    expect(out).toContain('As of 12 records');
    expect(desk.server.received).toMatchObject([{ route: 'searchEvents' }]);
  });

  it('reads who spent what, where, under which policy and why', async () => {
    const answer = { asOf, lines: [line], truncated: true };
    await using desk = await startDesk({ readSpend: () => answer });
    const { out } = await desk.run('spend --from 2026-11-17 --to 2026-11-17 --agent research-1');
    expect(out).toContain('0.02 USDC');
    expect(out).toContain('autonomous: tier_met');
    expect(out).toContain(`There is more from ${line.day} back`);
  });

  it('asks in SQL', async () => {
    const answer = { asOf, columns: [{ name: 'n', type: 'UInt8' }], rows: [[1]], truncated: true };
    await using desk = await startDesk({ runSql: () => answer });
    const { out } = await desk.run("sql 'SELECT 1 AS n'");
    expect(out).toMatch(/^n\n1\nThere are more rows/);
    expect(desk.server.received).toEqual([{ route: 'runSql', body: { query: 'SELECT 1 AS n' } }]);
  });

  it('reads the stream to its end', async () => {
    const record = { id: '0:12', position: '0:11', atMs: event.atMs, event: 'mark', data: {} };
    const forged = { ...record, id: '0:13', position: '0:12', ignored: 'not_genuine' };
    const pages = [[{ ...record, ignored: null }, forged], []];
    await using desk = await startDesk({
      followEvents: () => ({ events: pages.shift() ?? [], after: '0:12' }),
    });
    const { out } = await desk.run('events');
    expect(out).toMatch(/0:11 {2}mark\n.*0:12 {2}mark \(not_genuine\)/);
  });

  it.each(['search --limit many', 'search --from yesterday'])('is told: %s', async (args) => {
    await using desk = await startDesk({});
    expect((await desk.run(args)).code).toBe(2);
    expect(desk.server.received).toEqual([]);
  });
});
