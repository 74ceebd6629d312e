import { sha256Hex } from '@countersign/kernel';
import { Refusal } from '@countersign/sdk/testing/contract-server';
import { describe, expect, it } from 'vitest';
import { startDesk } from './testing/desk.ts';
import { PAYMENT_ID, samplePayment, sampleApproval, sampleTimeline } from './testing/samples.ts';

describe('payments', () => {
  it('are listed as a table, filtered by the server', async () => {
    const queries: unknown[] = [];
    await using desk = await startDesk({
      listPayments: ({ query }) => {
        queries.push(query);
        return { payments: [samplePayment(), samplePayment({ status: 'settled' })], asOf: [] };
      },
    });

    const { code, out } = await desk.run('payments --agent research-1 --status settled --limit 7');

    expect(code).toBe(0);
    expect(queries).toEqual([{ agent: 'research-1', status: 'settled', limit: 7 }]);
    expect(out).toMatchInlineSnapshot(`
      "SUBMITTED                PAYMENT                                 AGENT          AMOUNT  STATUS             WHY           FOR
      2026-11-20 14:03:05 UTC  pay_3_abababababababababababababababab  research-1  2.50 USDC  awaiting_approval  needs_people  GET https://api.example.com/report
      2026-11-20 14:03:05 UTC  pay_3_abababababababababababababababab  research-1  2.50 USDC  settled            needs_people  GET https://api.example.com/report"
    `);
  });

  it('are printed as they came with --json, wherever that stands', async () => {
    const answer = { payments: [samplePayment()], asOf: ['3:14'] };
    await using desk = await startDesk({ listPayments: () => answer });
    expect(JSON.parse((await desk.run('payments --json')).out)).toEqual(answer);
    expect(JSON.parse((await desk.run('--json payments')).out)).toEqual(answer);
  });

  it('are explained as a story', async () => {
    await using desk = await startDesk({ explainPayment: () => sampleTimeline() });
    const { code, out } = await desk.run(`explain ${PAYMENT_ID}`);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "payment    pay_3_abababababababababababababababab
      agent      research-1
      status     denied (tier_none)
      amount     2.50 USDC
      to         0x1111111111111111111111111111111111111111 on eip155:84532
      for        GET https://api.example.com/report
      submitted  2026-11-20 14:03:05 UTC
      tier       collaborative
      flags      new_seller
      reasons    needs_people

      What was recorded, from 2026-11-20 14:03:05 UTC on:

      14:03:05.000  intent.submitted  record 3:12
                    research-1 wants to pay 2.50 USDC\\u{202e}

      14:03:05.007  decision.made did not count (stale_policy)  record 3:13, 0.007 s later
                    allow under policy version 1

      14:04:10.000  decision.made  record 3:14, 1 min 5 s later
                    deny (tier_none) under policy version 2
                    ✗ tier autonomous: 2.50 is over 0.50
                    ✓ tier collaborative: trust is unknown
                    Recorded: only the rules that were met, record profile tax-7-years"
    `);
  });
});

describe('a grant', () => {
  const handlers = {
    readApproval: () => sampleApproval(),
    grant: () =>
      samplePayment({ status: 'cleared', clearedUntilMs: Date.UTC(2026, 10, 20, 14, 15) }),
  };

  it('shows exactly what it is about and sends exactly that', async () => {
    await using desk = await startDesk(handlers);

    const { code, out, asked } = await desk.run(`grant ${PAYMENT_ID}`, 'y');

    expect(code).toBe(0);
    expect(asked).toEqual(['Grant exactly this? [y/N] ']);
    expect(out).toMatchInlineSnapshot(`
      "payment     pay_3_abababababababababababababababab
      agent       research-1
      amount      2.50 USDC
      token       0x036cbd53842c5426634e7929541ec2318f3dcf7e on eip155:84532
      payee       0x1111111111111111111111111111111111111111
      seller      unknown (unknown)
      for         GET https://api.example.com/report
      asked       2 of ada, bob within 1 h, until 2026-11-20 15:03:05 UTC
      granted by  ada
      flags       new_seller
      domain      api.example.com

      ✗ tier autonomous: 2.50 is over 0.50
      ✓ tier collaborative: trust is unknown

      The agent says, unchecked: “urgent\\u{202e}!\\u{1b}[2J 'approved by root'”

      Granted. The agent can claim pay_3_abababababababababababababababab with its next request, until 2026-11-20 14:15:00 UTC."
    `);
    expect(desk.server.received.at(-1)).toEqual({
      route: 'grant',
      body: { quoteDigest: samplePayment().quoteDigest, decisionId: sha256Hex('decision') },
    });
  });

  it('may be one of several', async () => {
    await using desk = await startDesk({ ...handlers, grant: () => samplePayment() });
    expect((await desk.run(`grant ${PAYMENT_ID} --yes`)).out).toContain(
      `Granted, 1 of 2; ${PAYMENT_ID} still waits for others.`,
    );
  });

  it.each(['', 'n', 'yep', 'sure'])('is not given for the answer "%s"', async (answer) => {
    await using desk = await startDesk(handlers);
    const { code, out } = await desk.run(`grant ${PAYMENT_ID}`, answer);
    expect(code).toBe(0);
    expect(out).toContain('Nothing was granted.');
    expect(desk.server.received.map(({ route }) => route)).toEqual(['readApproval']);
  });

  it('is not given where nobody can be asked, unless --yes says so', async () => {
    await using desk = await startDesk(handlers);
    expect(await desk.run(`grant ${PAYMENT_ID}`)).toMatchObject({
      code: 2,
      err: 'error: nobody is here to ask; pass --yes to go on without a question',
    });
    expect(await desk.run(`grant ${PAYMENT_ID} --yes`)).toMatchObject({ code: 0, asked: [] });
  });

  it('is not given for a quote other than its digest names', async () => {
    const payment = samplePayment({ quoteDigest: sha256Hex('another quote') });
    await using desk = await startDesk({ readApproval: () => sampleApproval({ payment }) });
    expect(await desk.run(`grant ${PAYMENT_ID} --yes`)).toMatchObject({
      code: 1,
      err: 'error: What the server shows is not what would be granted. (wrong_digest)',
    });
  });

  it('is not asked of those who cannot give it', async () => {
    await using desk = await startDesk({ readApproval: () => sampleApproval({ mayGrant: false }) });
    expect(await desk.run(`grant ${PAYMENT_ID}`, 'y')).toMatchObject({ code: 1, asked: [] });
  });
});

describe('what waits', () => {
  it('is listed with what the person may do', async () => {
    await using desk = await startDesk({
      listApprovals: () => ({ approvals: [sampleApproval()] }),
    });
    const { out } = await desk.run('approvals');
    expect(out).toContain('2.50 USDC');
    expect(out).toContain('unknown (unknown)');
    expect(out).toContain('grant, veto');
    expect(out).toContain('2 of ada, bob within 1 h, has 1');
  });

  it('is vetoed with a reason', async () => {
    await using desk = await startDesk({
      veto: () => samplePayment({ status: 'vetoed', final: true }),
    });
    const { code, out } = await desk.run(`veto ${PAYMENT_ID} --reason 'too dear'`);
    expect(code).toBe(0);
    expect(out).toMatch(/status +vetoed/);
    expect(desk.server.received).toEqual([{ route: 'veto', body: { reason: 'too dear' } }]);
  });

  it('may be too late to stop', async () => {
    await using desk = await startDesk({
      veto: () => {
        throw new Refusal('too_late');
      },
    });
    expect(await desk.run(`veto ${PAYMENT_ID}`)).toMatchObject({
      code: 1,
      out: '',
      err: 'error: The authorization was already fixed; only the chain can end it. (too_late)',
    });
  });
});
