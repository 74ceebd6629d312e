import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '@countersign/kernel';
import { Refusal } from '@countersign/sdk/testing/contract-server';
import { describe, expect, it } from 'vitest';
import { startDesk } from './testing/desk.ts';
import { PAYMENT_ID, PAY_TO, USDC, sampleApproval, samplePayment } from './testing/samples.ts';

const done = { position: 'control:7' };
const summary = { version: 3, hash: sha256Hex('policy'), by: 'ada', active: true };

describe('agents and people', () => {
  it('are added, and the credential is shown once', async () => {
    await using desk = await startDesk({
      addAgent: () => ({ ...done, credential: 'agent-secret' }),
      addPerson: () => ({ ...done, credential: 'person-secret' }),
    });
    expect((await desk.run('agent add research-1 --wallet main')).out).toContain('agent-secret');
    expect((await desk.run('person add ada --roles approver,auditor')).out).toContain(
      'person-secret',
    );
    expect(desk.server.received).toEqual([
      { route: 'addAgent', body: { agent: 'research-1', wallet: 'main' } },
      { route: 'addPerson', body: { person: 'ada', roles: ['approver', 'auditor'] } },
    ]);
  });

  it('get their credential into a file of their own, which is never written over', async () => {
    await using desk = await startDesk({
      addAgent: () => ({ ...done, credential: 'agent-secret' }),
    });
    const file = join(desk.folder, 'agent.credential');

    const saved = await desk.run(`agent add research-1 --wallet main --save ${file}`);

    expect(saved.code).toBe(0);
    expect(saved.out).not.toContain('agent-secret');
    expect(await readFile(file, 'utf8')).toBe('agent-secret\n');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const again = await desk.run(`agent add research-1 --wallet main --save ${file}`);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('exists already') });
    expect(desk.server.received).toHaveLength(1);
  });

  it('get another credential, and the old one stops working', async () => {
    await using desk = await startDesk({
      replaceAgentCredential: () => ({ ...done, credential: 'another-secret' }),
    });
    expect((await desk.run('agent credential research-1')).out).toContain('another-secret');
    expect(desk.server.received[0]?.route).toBe('replaceAgentCredential');
  });

  it('are refused before anything is sent when a role does not exist', async () => {
    await using desk = await startDesk({});
    expect(await desk.run('person add ada --roles king')).toMatchObject({ code: 2 });
    expect(desk.server.received).toEqual([]);
  });

  it('are listed', async () => {
    const agents = [
      { agent: 'research-1', wallet: 'main', address: PAY_TO, wallets: ['main'], frozen: false },
      {
        agent: 'buyer',
        wallet: 'second',
        address: PAY_TO,
        wallets: ['second', 'third'],
        frozen: true,
      },
    ];
    await using desk = await startDesk({ listAgents: () => ({ agents }) });
    expect((await desk.run('agent list')).out.split('\n')).toEqual([
      `AGENT       WALLETS        ADDRESS OF THE FIRST                        STATE`,
      `research-1  main           ${PAY_TO}  active`,
      `buyer       second, third  ${PAY_TO}  frozen`,
    ]);
  });

  it('are frozen, and what it was too late for is named', async () => {
    await using desk = await startDesk({
      freezeAgent: () => ({ ...done, tooLate: [PAYMENT_ID] }),
      unfreezeAgent: () => done,
      freezeAll: () => done,
      unfreezeAll: () => done,
    });
    expect((await desk.run('agent freeze buyer --reason odd')).out).toContain(PAYMENT_ID);
    for (const args of ['agent unfreeze buyer', 'freeze', 'unfreeze'])
      expect((await desk.run(args)).code).toBe(0);
    expect(desk.server.received.map(({ route }) => route)).toEqual([
      'freezeAgent',
      'unfreezeAgent',
      'freezeAll',
      'unfreezeAll',
    ]);
  });
});

describe('wallets', () => {
  const wallet = {
    wallet: 'main',
    kind: 'eoa-secp256k1',
    frozen: false,
    address: PAY_TO,
    balances: [
      { asset: `eip155:84532/erc20:${USDC}`, symbol: 'USDC', amount: '5000000', decimal: '5.00' },
    ],
  };
  const handlers = {
    requestWallet: () => ({ ...done, address: PAY_TO }),
    readWallet: () => wallet,
    withdraw: () => samplePayment({ kind: 'withdrawal', status: 'signed' }),
  };
  const treasury = `0x${'7'.repeat(40)}`;

  it('of a kind are created, given to an agent, and given to a new key', async () => {
    const account = {
      ...{ keyVersion: 2, owner: `0x${'1'.repeat(128)}`, rotating: false },
      networks: [{ network: 'eip155:84532', state: 'ready' as const }],
    };
    await using desk = await startDesk({
      requestWallet: () => ({ ...done, address: PAY_TO }),
      rotateWallet: () => done,
      addAgentWallet: () => done,
      readWallet: () => ({ ...wallet, wallet: 'smart', kind: 'erc1271-p256', account }),
    });
    const created = await desk.run('wallet create smart --kind erc1271-p256');
    expect(created.out).toContain('Fund it when');
    expect((await desk.run('agent wallet buyer smart')).code).toBe(0);
    expect((await desk.run('wallet rotate smart')).code).toBe(0);
    const { out } = await desk.run('wallet balance smart');
    expect(out).toMatch(/owner +key 2\neip155:84532 +ready/);
    expect(desk.server.received.map(({ route, body }) => ({ route, body }))).toEqual([
      { route: 'requestWallet', body: { wallet: 'smart', kind: 'erc1271-p256' } },
      { route: 'addAgentWallet', body: { wallet: 'smart' } },
      { route: 'rotateWallet', body: undefined },
      { route: 'readWallet', body: undefined },
    ]);
    expect(await desk.run('wallet create odd --kind ed25519')).toMatchObject({ code: 2 });
  });

  it('are shown frozen, and lifted; a loss of records is accepted by its digest', async () => {
    const digest = '7'.repeat(64);
    await using desk = await startDesk({
      readWallet: () => ({ ...wallet, frozen: true }),
      unfreezeWallet: () => done,
      readRestore: () => ({ digest }),
      acceptRestore: () => done,
    });
    expect((await desk.run('wallet balance main')).out).toMatch(/state +frozen/);
    expect((await desk.run('wallet unfreeze main')).code).toBe(0);
    expect((await desk.run('restore status')).out).toContain(`restore accept ${digest}`);
    expect((await desk.run(`restore accept ${digest}`)).code).toBe(0);
    expect(desk.server.received.at(-1)).toMatchObject({ route: 'acceptRestore', body: { digest } });
  });

  it('are revoked after a question that says what is lost', async () => {
    const revokeWallet = () => ({ position: '0:7', outstanding: [PAYMENT_ID] });
    await using desk = await startDesk({ ...handlers, revokeWallet });
    const left = await desk.run('wallet revoke main', 'no');
    expect(left.out).toContain('It holds 5.00 USDC');
    expect(left.out).toContain('Nothing was revoked.');
    expect(left.asked).toEqual(['Revoke main for good? [y/N] ']);
    expect(desk.server.received.map(({ route }) => route)).toEqual(['readWallet']);
    const { out } = await desk.run('wallet revoke main --yes');
    expect(out).toContain(`is being canceled: ${PAYMENT_ID}`);
    expect(desk.server.received.at(-1)).toMatchObject({ route: 'revokeWallet' });
    expect(await desk.run('wallet revoke main --json')).toMatchObject({ code: 2 });
  });

  it('are revoked although nobody knows what they hold; accounts are told of another way', async () => {
    const revokeWallet = () => ({ position: '0:7', outstanding: [] });
    const unavailable = () => {
      throw new Error('chain_unavailable');
    };
    await using blind = await startDesk({ readWallet: unavailable, revokeWallet });
    const { code, out } = await blind.run('wallet revoke main --yes');
    expect(code).toBe(0);
    expect(out).toContain('cannot be read now');
    const smart = { ...wallet, balances: [], kind: 'erc1271-p256', revocation: 'done' as const };
    await using desk = await startDesk({ readWallet: () => smart });
    expect((await desk.run('wallet revoke main', 'no')).out).toContain('wallet rotate main');
    expect((await desk.run('wallet balance main')).out).toMatch(/state +revoked/);
  });

  it('are created and shown', async () => {
    await using desk = await startDesk(handlers);
    expect((await desk.run('wallet create main')).out).toContain(PAY_TO);
    expect((await desk.run('wallet balance main')).out).toContain('5.00  USDC');
  });

  it('are emptied in decimals, after a question', async () => {
    await using desk = await startDesk(handlers);
    const { code, asked } = await desk.run(`wallet withdraw main 1.5 --to ${treasury}`, 'yes');
    expect(code).toBe(0);
    expect(asked).toEqual([`Move 1.5 USDC from ${PAY_TO} to ${treasury}? [y/N] `]);
    expect(desk.server.received.at(-1)?.body).toEqual({
      network: 'eip155:84532',
      asset: USDC,
      amount: '1500000',
      to: treasury,
    });
  });

  it('are not emptied where policy says no', async () => {
    const denied = { status: 'denied', code: 'not_the_treasury' } as const;
    await using desk = await startDesk({ ...handlers, withdraw: () => samplePayment(denied) });
    expect(await desk.run(`wallet withdraw main 1.5 --to ${PAY_TO} --yes`)).toMatchObject({
      code: 1,
      err: 'error: The withdrawal is denied, and nothing was moved. (not_the_treasury)',
    });
  });

  it.each(['1e3', '0', '-1', '1.0000001', '1,5'])('are not emptied of "%s"', async (amount) => {
    await using desk = await startDesk(handlers);
    const { code } = await desk.run(`wallet withdraw main -y --to ${treasury} -- ${amount}`);
    expect(code).toBe(2);
    expect(desk.server.received.map(({ route }) => route)).toEqual(['readWallet']);
  });
});

describe('sellers', () => {
  const yaml = [
    'seller: reports',
    'domain: api.example.com',
    `payTo: [{ network: "eip155:84532", address: "${PAY_TO}" }]`,
    'trust: verified',
    'category: data',
    'jurisdiction: DE',
    'takes: any',
    'routes: []',
  ].join('\n');

  it('are registered from YAML and listed', async () => {
    const kept: unknown[] = [];
    await using desk = await startDesk({
      registerSeller: ({ params, body }) => {
        kept.push({ ...params, ...body });
        return done;
      },
      listSellers: () => ({ sellers: kept as never }),
      removeSeller: () => done,
    });
    const file = await desk.file('seller.yaml', yaml);
    expect(await desk.run(`seller register ${file}`)).toMatchObject({
      code: 0,
      out: 'Seller reports is registered.',
    });
    expect((await desk.run('seller list')).out).toContain('reports  api.example.com  verified');
    expect((await desk.run('seller remove reports')).code).toBe(0);
  });

  it('are refused with every fault of the file', async () => {
    await using desk = await startDesk({});
    const file = await desk.file('seller.json', '{"seller":"Reports","domain":"x"}');
    const { code, err } = await desk.run(`seller register ${file}`);
    expect(code).toBe(2);
    expect(err).toMatch(/seller: lower-case.*payTo: /);
    expect((await desk.run('seller register /nowhere.yaml')).err).toContain('ENOENT');
    expect((await desk.run(`seller register ${await desk.file('b.yaml', '{')}`)).code).toBe(2);
  });
});

describe('policies', () => {
  it('are put, activated, listed and shown', async () => {
    await using desk = await startDesk({
      putPolicy: () => ({ ...summary, active: false, ...done, warnings: [] }),
      activatePolicy: () => ({
        ...summary,
        ...done,
        loosens: ['tier small: it takes more by amount'],
      }),
      listPolicies: () => ({ policies: [{ ...summary, version: 2, active: false }, summary] }),
      readPolicy: ({ params }) => ({
        ...summary,
        text: `# version ${params['version']}\nformat: 1\n`,
      }),
    });
    const file = await desk.file('policy.yaml', 'format: 1\n');
    expect((await desk.run(`policy put ${file}`)).out).toContain('countersign policy activate 3');
    expect((await desk.run('policy activate 3')).out).toBe(
      [
        'Policy version 3 is in force everywhere.',
        'Compared with the one before, it loosens:',
        '  tier small: it takes more by amount',
      ].join('\n'),
    );
    expect((await desk.run('policy list')).out).toContain('3  in force  ada');
    expect((await desk.run('policy show')).out).toBe('# version 3\nformat: 1');
    expect((await desk.run('policy show 2')).out).toBe('# version 2\nformat: 1');
    expect(desk.server.received[0]?.body).toEqual({ text: 'format: 1\n' });
  });

  it('say what they would decide on a price that is given', async () => {
    await using desk = await startDesk({
      evaluatePolicy: () => ({
        outcome: 'review',
        tier: 'supervised',
        prohibited: false,
        flags: [],
        requirement: { kind: 'veto_window', windowMs: 90_000, notifyWithinMs: 1, clearanceMs: 1 },
        maxLifetimeMs: 60_000,
        amountUnits: '20000',
        reasons: ['tier_supervised'],
        trace: sampleApproval().trace,
      }),
    });
    const { code, out } = await desk.run(
      `policy evaluate https://API.example.com/report --agent buyer --amount 0.02 --pay-to ${PAY_TO} -d why --policy-version 4`,
    );
    expect(code).toBe(0);
    expect(out).toMatch(/outcome +review/);
    expect(out).toMatch(/asked +people may veto it for 1 min 30 s/);
    expect(out).toContain('✗ tier autonomous: 2.50 is over 0.50');
    expect(desk.server.received[0]?.body).toMatchObject({
      agent: 'buyer',
      version: 4,
      quote: { amount: '20000', asset: USDC },
      resource: {
        method: 'POST',
        url: 'https://api.example.com/report',
        bodyDigest: sha256Hex('why'),
      },
    });
  });

  const evaluated = () => ({
    ...{ outcome: 'deny' as const, tier: null, prohibited: false, flags: [], maxLifetimeMs: 0 },
    ...{ requirement: { kind: 'none' as const }, amountUnits: '20000', trace: [] },
    reasons: ['budget_exceeded'],
  });
  const PRICED = `policy evaluate https://a.example/ --agent buyer --amount 0.02 --pay-to ${PAY_TO}`;

  it('say what they would decide within a session, an open one or one with the terms of a file', async () => {
    await using desk = await startDesk({ evaluatePolicy: evaluated });
    const file = join(desk.folder, 'terms.yaml');
    await writeFile(file, "ceiling: '0.01'\n");
    expect((await desk.run(`${PRICED} --session run-7`)).code).toBe(0);
    expect((await desk.run(`${PRICED} --session run-7 --session-terms ${file}`)).code).toBe(0);
    const evaluations = desk.server.received.filter(({ route }) => route === 'evaluatePolicy');
    expect(evaluations.map((it) => it.body)).toMatchObject([
      { session: 'run-7' },
      { session: 'run-7', sessionTerms: { unit: 'USD', ceiling: '10000' } },
    ]);
    expect(desk.server.received[0]?.body).not.toHaveProperty('sessionTerms');
  });

  it('refuse terms of a session that say something else, or belong to none', async () => {
    await using desk = await startDesk({ evaluatePolicy: evaluated });
    const file = join(desk.folder, 'terms.yaml');
    await writeFile(file, 'ceiling: 0.01\nseconds: 60\n');
    const told = await desk.run(`${PRICED} --session run-7 --session-terms ${file}`);
    expect(told).toMatchObject({ code: 2, err: expect.stringContaining('seconds') });
    expect(told.err).toContain('an amount in quotes');
    expect(await desk.run(`${PRICED} --session-terms ${file}`)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--session-terms needs --session'),
    });
    expect(desk.server.received).toEqual([]);
  });
});

describe('trouble', () => {
  it('is told in one sentence with its code, and the fields', async () => {
    await using desk = await startDesk({
      readHeads: () => {
        throw new Refusal('not_permitted', { detail: 'only auditor may do this' });
      },
    });
    expect(await desk.run('heads')).toMatchObject({
      code: 1,
      out: '',
      err: 'error: only auditor may do this. (not_permitted)',
    });
    expect(await desk.run('heads --url http://127.0.0.1:1')).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^error: Countersign at http:\/\/127\.0\.0\.1:1 does not answer: .*\. \(unavailable\)$/,
      ),
    });
    expect(await desk.run('heads --credential-file /nowhere')).toMatchObject({
      code: 1,
      err: expect.stringContaining('(ENOENT)'),
    });
  });

  it.each([
    'nonsense',
    'agent add',
    'payments --status paid',
    'payments --limit 0',
    'agent',
    'heads --url x',
  ])('of the caller, as in "%s", has exit code 2', async (args) => {
    await using desk = await startDesk({});
    expect((await desk.run(args)).code).toBe(2);
  });

  it('is no help', async () => {
    await using desk = await startDesk({});
    const { code, out } = await desk.run('wallet withdraw --help');
    expect(code).toBe(0);
    expect(out).toContain('--to <address>');
  });
});

it('shows the heads of the log', async () => {
  const lanes = [{ lane: '0', length: 12, head: sha256Hex('head') }];
  await using desk = await startDesk({ readHeads: () => ({ logId: 'log-1', lanes }) });
  expect((await desk.run('heads')).out).toBe(
    `log log-1\n\nLANE  LENGTH  HEAD\n0         12  ${sha256Hex('head')}`,
  );
});

describe('what an agent can still spend', () => {
  it('is shown limit by limit', async () => {
    const window = { kind: 'rolling' as const, seconds: 86_400 };
    await using desk = await startDesk({
      readAvailable: () => ({
        ...{ agent: 'buyer', unit: 'USD', policyVersion: 2, stopped: 'frozen', position: '0:1' },
        limits: [{ limit: 'day', scope: 'agent:buyer', window, amount: '1500000' }],
        tiers: [
          {
            tier: 'small',
            limits: [{ limit: 'small', scope: 'tier:buyer/small', window, count: 3 }],
          },
        ],
      }),
    });
    const { out } = await desk.run('agent available buyer --session run-7');
    expect(out).toContain('Nothing is paid now: frozen.');
    expect(out).toMatch(/day +agent:buyer +last 86400 s +any +1\.50 USD/);
    expect(out).toMatch(/small +tier:buyer\/small +last 86400 s +small +3/);
  });
});

describe('changes that loosen', () => {
  const id = 'c'.repeat(64);
  const scheduled = {
    ...{ id, kind: 'policy.activated', about: 'policy version 3', by: 'ada' },
    ...{ loosens: ['budget day no longer holds in full'], scheduledAtMs: 0, dueAtMs: 86_400_000 },
  };

  it('are told to wait, listed and canceled', async () => {
    await using desk = await startDesk({
      activatePolicy: () => ({
        ...{ ...summary, active: false, position: 'control:9', loosens: scheduled.loosens },
        scheduled,
      }),
      addAgent: () => ({ ...done, credential: 'agent-secret', scheduled }),
      addAgentWallet: () => ({ ...done, scheduled }),
      listChanges: () => ({ changes: [scheduled] }),
      cancelChange: () => done,
    });
    const { out } = await desk.run('policy activate 3');
    expect(out).toContain('comes into force at 1970-01-02 00:00:00 UTC');
    expect(out).not.toContain('in force everywhere');
    const added = await desk.run('agent add buyer --wallet main');
    expect(added.out).toContain('agent-secret');
    expect(added.out).toContain('Not yet');
    expect((await desk.run('agent wallet buyer second')).out).toContain('Not yet');
    expect((await desk.run('change list')).out).toContain('budget day no longer holds in full');
    expect((await desk.run(`change cancel ${id}`)).out).toContain('is canceled');
  });
});

describe('sessions', () => {
  const session = {
    ...{ agent: 'buyer', session: 'run-7', state: 'open' as const, unit: 'USD' },
    ...{ ceiling: '5000000', spent: '1200000', open: '300000', available: '3500000' },
    ...{ openedBy: 'ada', openedAtMs: 0, expiresAtMs: 3_600_000, closedBy: null },
    position: '0:1',
  };

  it('are opened for a time and an amount, and closed', async () => {
    await using desk = await startDesk({
      openSession: () => ({ ...done, expiresAtMs: 3_600_000 }),
      closeSession: () => done,
    });
    const opened = await desk.run('session open buyer run-7 --seconds 3600 --ceiling 5');
    expect(opened.out).toContain('1970-01-01 01:00:00 UTC');
    await desk.run('session open buyer run-8 --seconds 60');
    expect((await desk.run('session close buyer run-7')).out).toContain('closed');
    expect(desk.server.received.map(({ body }) => body)).toEqual([
      { seconds: 3600, ceiling: '5000000', unit: 'USD' },
      { seconds: 60 },
      undefined,
    ]);
    expect(await desk.run('session open buyer run-9 --seconds soon')).toMatchObject({ code: 2 });
  });

  it('are shown with what is left', async () => {
    await using desk = await startDesk({
      readSession: () => ({ ...session, state: 'closed' as const, closedBy: 'bo' }),
      listSessions: () => ({ sessions: [session] }),
    });
    expect((await desk.run('session list')).out).toMatch(/buyer +run-7 .* 5\.00 USD +3\.50 USD/);
    const { out } = await desk.run('session show buyer run-7');
    expect(out).toMatch(/state +closed by bo/);
    expect(out).toMatch(/left +3\.50 USD/);
  });
});

describe('tasks', () => {
  const task = {
    agent: 'buyer',
    task: 'report',
    phase: 'exploring' as const,
    unit: 'USD',
    ceiling: '5000000',
    estimate: null,
    stopAtPercent: 200,
    stopAt: null,
    spent: '100000',
    open: '0',
    reported: { established: '0', asserted: '250000' },
    available: '4650000',
    stopped: false,
    value: { established: '0', asserted: '0' },
    plan: {
      digest: sha256Hex('plan'),
      committed: false,
      estimate: '1500000',
      submittedAtMs: 1,
      text: 'first\u202e this',
    },
    openedBy: 'ada',
    openedAtMs: 1,
    position: '1:1',
  };

  it('are opened with amounts in decimals', async () => {
    await using desk = await startDesk({ openTask: () => done, setTaskTerms: () => done });
    const opened = await desk.run('task open buyer report --ceiling 5 --estimate 1.50 --explore');
    expect(opened).toMatchObject({ code: 0, out: expect.stringContaining('exploring') });
    await desk.run('task terms buyer report --unit EUR --ceiling 0.000001 --stop-at-percent 150');
    expect(desk.server.received).toEqual([
      {
        route: 'openTask',
        body: {
          task: 'report',
          phase: 'exploring',
          unit: 'USD',
          ceiling: '5000000',
          estimate: '1500000',
        },
      },
      {
        route: 'setTaskTerms',
        body: { unit: 'EUR', ceiling: '1', stopAtPercent: 150 },
      },
    ]);
    expect(await desk.run('task open buyer report --ceiling 5,00')).toMatchObject({ code: 2 });
  });

  it('have their plan shown before it is committed, and only then', async () => {
    const details = { ...task, costs: [], outcomes: [], payments: [] };
    await using desk = await startDesk({ readTask: () => details, commitPlan: () => done });
    const refused = await desk.run('task plan commit buyer report', 'n');
    expect(refused.err).toContain('“first\\u{202e} this”');
    expect(desk.server.received.map(({ route }) => route)).toEqual(['readTask']);
    await desk.run('task plan commit buyer report', 'y');
    expect(desk.server.received.at(-1)).toMatchObject({
      route: 'commitPlan',
      body: { plan: task.plan.digest },
    });
  });

  it('are listed with what they cost and what is left', async () => {
    await using desk = await startDesk({ listTasks: () => ({ tasks: [task] }) });
    const { out } = await desk.run('task list');
    expect(out.split('\n')[1]?.split(/ {2,}/)).toEqual([
      'buyer',
      'report',
      'exploring',
      '0.35 USD',
      '5.00 USD',
      '4.65 USD',
      '0.00 USD',
    ]);
  });

  it('are told in full, and closed', async () => {
    const details = {
      ...task,
      costs: [
        {
          reference: 'bill-1',
          kind: 'compute' as const,
          amount: '250000',
          basis: 'asserted' as const,
          by: 'buyer',
          atMs: 1,
        },
      ],
      outcomes: [],
      payments: [samplePayment()],
    };
    await using desk = await startDesk({ readTask: () => details, closeTask: () => done });
    const { out } = await desk.run('task show buyer report');
    expect(out).toContain('0.25 USD for compute, bill-1 (asserted by buyer)');
    expect(out).toContain('4.65 USD');
    expect((await desk.run('task close buyer report')).out).toContain('done');
  });

  it('take costs, outcomes, plans and phases', async () => {
    await using desk = await startDesk({
      recordCost: () => done,
      recordOutcome: () => done,
      setTaskPhase: () => done,
      submitPlan: () => ({ ...done, plan: task.plan.digest }),
    });
    const plan = await desk.file('plan.txt', 'one, two');
    const lines = [
      'task cost buyer report --amount 0.25 --kind subcontract --reference bill-1',
      `task outcome buyer ${PAYMENT_ID} --task report --result received --value 9 --reference r-1`,
      'task phase buyer report --to executing',
      `task plan submit buyer report --file ${plan} --estimate 2`,
    ];
    for (const line of lines) expect((await desk.run(line)).code).toBe(0);
    expect(desk.server.received.map(({ body }) => body)).toEqual([
      { reference: 'bill-1', kind: 'subcontract', amount: '250000' },
      {
        task: 'report',
        payments: [PAYMENT_ID],
        reference: 'r-1',
        result: 'received',
        value: '9000000',
      },
      { to: 'executing' },
      { text: 'one, two', estimate: '2000000' },
    ]);
  });

  it('whose payments came to nothing are found', async () => {
    const payments = [{ payment: samplePayment({ status: 'settled' }), settledAtMs: 1 }];
    await using desk = await startDesk({ listNothingBack: () => ({ payments, count: 1 }) });
    const { out } = await desk.run('task nothing-came-back --agent buyer --older-than 60');
    expect(out).toContain(PAYMENT_ID);
  });
});

describe('what did not count', () => {
  it('is listed, records and messages', async () => {
    const ignored = [{ position: '3:14', code: 'undecodable', detail: 'x' }];
    const messages = [
      { place: 'intents.inbound:0:9', atMs: 0, code: 'not_genuine', detail: 'why' },
    ];
    await using desk = await startDesk({
      listIgnored: () => ({ ignored }),
      listUnattributed: () => ({ total: 1, messages }),
    });
    expect((await desk.run('ignored')).out.split('\n')).toEqual([
      'POSITION  CODE         KEY',
      '3:14      undecodable  x',
    ]);
    expect((await desk.run('messages')).out).toContain('intents.inbound:0:9  not_genuine  why');
  });

  it('is submitted again, and what came of it is said', async () => {
    const answers = [
      { result: 'accepted' as const, code: null, paymentId: PAYMENT_ID },
      { result: 'refused' as const, code: 'frozen', paymentId: null },
      { result: 'unattributed' as const, code: 'not_genuine', paymentId: null },
    ];
    await using desk = await startDesk({
      resubmitRecord: () => ({ position: '3:15', applied: false, code: 'duplicate' }),
      resubmitMessage: () => answers.shift()!,
    });
    const record = await desk.run('ignored resubmit 3:14');
    expect(record.out).toBe('Appended at 3:15. It did not count (duplicate).');
    const said = [];
    for (let time = 0; time < 3; time += 1)
      said.push((await desk.run('messages resubmit intents.inbound:0:9')).out);
    expect(said).toEqual([
      `Accepted: ${PAYMENT_ID}. The agent is told what becomes of it.`,
      'Refused (frozen). The agent was told.',
      "Still nobody's (not_genuine).",
    ]);
    expect(desk.server.received.map(({ body }) => body)).toEqual([
      { position: '3:14' },
      ...Array.from({ length: 3 }, () => ({ place: 'intents.inbound:0:9' })),
    ]);
  });
});
