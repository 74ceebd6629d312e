import { join } from 'node:path';
import { sha256Hex } from '@countersign/kernel';
import { Refusal } from '@countersign/sdk/testing/contract-server';
import { describe, expect, it } from 'vitest';
import { run } from './cli.ts';
import { startDesk } from './testing/desk.ts';
import { PAYMENT_ID, sampleApproval, samplePayment, sampleTimeline } from './testing/samples.ts';

const done = { position: 'control:7' };

describe('a mistake', () => {
  it.each(['127.0.0.1:4020', 'localhost:4020', ''])(
    'in the address "%s" names the option and the value',
    async (url) => {
      await using desk = await startDesk({});
      const err: string[] = [];
      const say = (text: string) => void err.push(text);
      const credentialFile = join(desk.folder, 'credential');
      const code = await run(['heads'], {
        config: { url, credentialFile, plain: true },
        terminal: { out: say, err: say, paint: (_, text) => text },
      });
      expect({ code, err }).toEqual({
        code: 2,
        err: [
          `error: "${url}" is no http(s) address; give --url or COUNTERSIGN_URL one such as http://127.0.0.1:4020`,
        ],
      });
    },
  );

  it('in the credential names its file', async () => {
    await using desk = await startDesk({
      readHeads: () => {
        throw new Refusal('unauthenticated', { detail: 'nobody has this credential' });
      },
    });
    const empty = await desk.file('empty', '\n');
    const words = await desk.file('words', 'two words');
    for (const [file, why] of [
      [empty, `the credential file ${empty} is empty`],
      [words, `${words} holds no credential: a credential is one word`],
      [join(desk.folder, 'credential'), `credential is that in ${desk.folder}/credential`],
    ] as const) {
      const { err } = await desk.run(`heads --credential-file ${file}`);
      expect(err).toContain(why);
    }
  });

  it('is told field by field, once, and where the field has lines, in lines', async () => {
    await using desk = await startDesk({});
    const policy = await desk.file('broken.yaml', 'format: 1\nname: [\n');
    const scenario = await desk.file('scenario.yaml', 'format: 1\n');
    const { err, code } = await desk.run(`policy report ${policy} --scenario ${scenario}`);
    expect(code).toBe(1);
    expect(err).not.toContain('\\u{a}');
    expect(err.split('\n').slice(0, 3)).toEqual([
      'error: This is wrong: (policy_invalid)',
      expect.stringMatching(/^ {2}\(text\): .* at line 3, column 1:$/),
      '',
    ]);
  });

  it('of asking for what is there already is told', async () => {
    const known = { version: 1, hash: sha256Hex('policy'), by: 'ada', active: true };
    await using desk = await startDesk({
      listPolicies: () => ({ policies: [known] }),
      putPolicy: () => ({ ...known, version: 2, active: false, ...done, warnings: [] }),
      activatePolicy: () => {
        throw new Refusal('duplicate');
      },
    });
    const file = await desk.file('policy.yaml', 'format: 1\n');
    expect((await desk.run(`policy put ${file}`)).out).toContain('the very text of version 1,');
    expect((await desk.run('policy activate 1')).err).toBe(
      'error: Policy version 1 is in force already. (duplicate)',
    );
    expect((await desk.run('policy activate 2')).err).not.toContain('in force already');
  });
});

describe('what is shown of a payment', () => {
  const { approval } = samplePayment();
  if (!approval) throw new Error('nobody is asked');
  const requirement = {
    kind: 'veto_window' as const,
    ...{ windowMs: 90_000, notifyWithinMs: 60_000, clearanceMs: 60_000 },
  };

  it('does not speak of a veto until some time before people have been told', async () => {
    const untold = { ...approval, requirement, grantedBy: [], openedAtMs: null };
    const waiting = sampleApproval({ payment: samplePayment({ approval: untold }) });
    await using desk = await startDesk({
      listApprovals: () => ({ approvals: [waiting] }),
      readApproval: () => waiting,
    });
    expect((await desk.run('approvals')).out).toContain('not told yet');
    expect((await desk.run(`grant ${PAYMENT_ID}`)).out).toContain(
      'people may veto it for 1 min 30 s once they are told, which is at 2026-11-20 15:03:05 UTC at the latest',
    );
  });

  it('has no mark of failure where a prohibition or flag does not apply', async () => {
    const trace = [
      { rule: 'prohibition:sanctions', met: false, why: 'DE is not KP' },
      { rule: 'prohibitions', met: false, why: '7 more' },
      { rule: 'flag:large', met: false, why: '1.00 is not over 50.00' },
      { rule: 'tier:small', met: false, why: '2.00 is over 1.00' },
    ];
    const { entries, ...rest } = sampleTimeline();
    const told = { ...rest, entries: entries.map((it) => ({ ...it, trace })) };
    await using desk = await startDesk({ explainPayment: () => told });
    const { out } = await desk.run(`explain ${PAYMENT_ID}`);
    for (const line of [
      '· prohibition:sanctions',
      '· prohibitions',
      '· flag:large',
      '✗ tier:small',
    ])
      expect(out).toContain(line);
  });

  it('has no worst day in the report of tiers in which nothing goes through unless people grant it', async () => {
    await using desk = await startDesk({});
    const template = await desk.run('policy template research-agent');
    const policy = await desk.file('policy.yaml', template.out);
    const scenario = await desk.file(
      'scenario.yaml',
      "format: 1\nstart: 2027-01-04T08:00:00Z\npayments: [{ amount: '0.02', category: data }]\n",
    );
    const { out } = await desk.run(`policy report ${policy} --scenario ${scenario}`);
    expect(out).toMatch(/collaborative .* min +- /);
    expect(out).toMatch(/autonomous .* min +0\.02 USD /);
    const { out: help } = await desk.run('policy report --help');
    expect(help).toMatch(/WORST DAY is .* window;\nDAY BOUND, /);
  });
});
