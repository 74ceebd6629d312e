import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CheckedProof,
  NotAProof,
  bundleText,
  checkProof,
  readBundle,
} from '@countersign/audit';
import { type PaymentView, type ProofBundle, decodeEvent } from '@countersign/contracts';
import { parsePolicyText } from '@countersign/policy/text';
import { type TrustedKeys, isByHolder, isGenuine, openCheckpoint } from '@countersign/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { autonomous, collaborative, supervised } from './policies.ts';
import { World } from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-proofs-'));
let world: World;
let trusted: TrustedKeys;
let granted: ProofBundle;
let paid: ProofBundle;

beforeAll(async () => {
  world = await World.create(':memory:', { eventsIn: folder });
  const { body } = await world.call<{
    keys: { service: string; keyId: string; publicKey: string }[];
  }>('owner', 'GET', '/v1/log/keys');
  trusted = new Map(body.keys.map(({ keyId, ...key }) => [keyId, key]));
  await world.usePolicy(autonomous({ atMost: '50.00' }));
  paid = await proofOf(await pay('paid'));
  await world.usePolicy(collaborative());
  granted = await proofOf(await payWithGrants());
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function pay(name: string): Promise<PaymentView> {
  const { body } = await world.propose({ url: `https://api.example.com/v1/${name}` });
  await world.present(body);
  await world.pass(5_000);
  return world.read(body.id);
}

async function payWithGrants(): Promise<PaymentView> {
  const url = 'https://api.example.com/v1/granted';
  const { body } = await world.propose({ url });
  for (const person of ['ada', 'bo']) {
    const { quoteDigest, approval } = await world.read(body.id);
    await world.call(person, 'POST', `/v1/approvals/${body.id}/grant`, {
      body: { quoteDigest, decisionId: approval?.decisionId },
    });
  }
  await world.settle();
  const claimed = await world.propose({ url });
  expect(claimed.body.status).toBe('signed');
  await world.present(claimed.body);
  await world.pass(5_000);
  return world.read(body.id);
}

async function proofOf({ id }: PaymentView): Promise<ProofBundle> {
  const answer = await world.call<ProofBundle>('owner', 'GET', `/v1/audit/payments/${id}/proof`);
  expect(answer.status).toBe(200);
  return answer.body;
}

function check(bundle: ProofBundle, keys: TrustedKeys = trusted): CheckedProof {
  const [recorder] = [...keys.values()].filter(({ service }) => service === 'recorder');
  return checkProof(readBundle(bundleText(bundle)), {
    openCheckpoint: (note) => openCheckpoint(note, recorder?.publicKey ?? ''),
    isGenuine: (event, stampMs) => isGenuine(keys, event, stampMs),
    isByHolder,
    parsePolicy: (text) => parsePolicyText(text).document,
  });
}

/** Claims that do not hold. */
const broken = (bundle: ProofBundle, keys?: TrustedKeys) =>
  check(bundle, keys)
    .findings.filter(({ holds }) => !holds)
    .map(({ claim, says }) => `${claim}: ${says}`);
const nameOf = ({ bytes }: ProofBundle['records'][number]) => {
  const event = decodeEvent(Buffer.from(bytes));
  return 'undecodable' in event ? '' : event.name;
};
const without = (bundle: ProofBundle, name: string) => ({
  ...bundle,
  records: bundle.records.filter((record) => nameOf(record) !== name),
});

describe('a proof', () => {
  it('of a payment shows why it was allowed, and what became of it', () => {
    const { findings, story, presented } = check(paid);
    expect(findings.filter(({ holds }) => !holds)).toEqual([]);
    expect(findings.map(({ says }) => says)).toEqual([
      expect.stringMatching(/^log .+, \d+ records, root [0-9a-f]{64}$/),
      `${paid.records.length} records`,
      expect.stringMatching(/^\d+ signed, \d+ of kinds that are not$/),
      expect.stringMatching(
        /^round 0: allow, tier everyday, by policy version 1 \([0-9a-f]{12}\)$/,
      ),
      'nobody had to be asked',
      expect.stringContaining('atomic units of 0x036cbd53842c5426634e7929541ec2318f3dcf7e'),
      expect.stringMatching(/^paid in 0x[0-9a-f]{64}, block \d+/),
    ]);
    expect(story.map(({ event }) => event.name)).toContain('intent.submitted');
    expect(presented).toHaveLength(1);
  });

  it('of one that people granted names them', () => {
    expect(broken(granted)).toEqual([]);
    const { findings } = check(granted);
    expect(findings.map(({ says }) => says)).toContain('granted by ada and bo');
  });

  it('of one that was denied, or vetoed, holds as well', async () => {
    const quote = { amount: '900000000000' };
    const denied = await proofOf(
      (await world.propose({ url: 'https://api.example.com/v1/much', quote })).body,
    );
    expect(broken(denied)).toEqual([]);
    expect(check(denied).findings.map(({ says }) => says)).toContain('nothing was signed');
    await world.usePolicy(supervised());
    const { body } = await world.propose({ url: 'https://api.example.com/v1/vetoed' });
    await world.call('bo', 'POST', `/v1/approvals/${body.id}/veto`, { body: {} });
    expect((await world.read(body.id)).status).toBe('vetoed');
    expect(broken(await proofOf(await world.read(body.id)))).toEqual([]);
  });

  it('of one that is still to be presented keeps the wallet’s signature back', async () => {
    await world.usePolicy(autonomous());
    const { body } = await world.propose({ url: 'https://api.example.com/v1/open' });
    const { records } = await proofOf(body);
    expect(JSON.stringify(records)).not.toContain(body.signature);
    expect(records.map(nameOf)).not.toContain('signing.completed');
  });

  it('is made of a tree of many blocks', async () => {
    for (let number = 0; number < 120; number += 1)
      await world.propose({
        url: `https://api.example.com/v1/many-${number}`,
        quote: { amount: '900000000000' },
      });
    const proof = await proofOf(await pay('last'));
    expect(proof.records.at(-1)?.leaf).toBeGreaterThan(512);
    expect(broken(proof)).toEqual([]);
    const { body } = await world.call<{ checkpoint: string }>('ada', 'GET', '/v1/log/checkpoint');
    expect(body.checkpoint).toMatch(/^countersign\.dev\/log\//);
  });
});

describe('a proof that was tampered with', () => {
  it.each([
    ['intent.submitted', 'nothing says what was asked for'],
    ['decision.made', 'the decision it names is not there'],
    ['policy.put', 'the text of policy version 2 is not there'],
    ['policy.activated', 'policy version 2 had not been activated'],
    ['person.added', 'fewer people granted it than policy asks'],
    ['approval.granted', 'fewer people granted it than policy asks'],
    ['authorization.fixed', 'it was paid and never authorized'],
  ])('by leaving out %s fails', (name, says) => {
    expect(broken(without(granted, name)).join('\n')).toContain(says);
  });

  it('at any place in its text fails', () => {
    const text = bundleText(granted);
    const step = 397;
    let looked = 0;
    for (let at = 0; at < text.length; at += step) {
      const other = text[at] === '1' ? '2' : '1';
      const altered = `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
      looked += 1;
      try {
        expect(
          broken(readBundle(altered)),
          `at ${at}: ${text.slice(at - 20, at + 20)}`,
        ).not.toEqual([]);
      } catch (error) {
        if (!(error instanceof NotAProof)) throw error;
      }
    }
    expect(looked).toBeGreaterThan(40);
  });

  it('by adding what is another payment’s fails', () => {
    const [stranger] = paid.records.filter((record) => nameOf(record) === 'decision.made');
    const records = [...granted.records, ...(stranger ? [stranger] : [])].sort(
      (a, b) => a.leaf - b.leaf,
    );
    expect(broken({ ...granted, records }).join('\n')).toContain('is not of this payment');
  });

  it('by another log, whose keys are not ours, fails', () => {
    const keys = new Map(
      [...trusted].map(([id, key]) => [id, { ...key, publicKey: 'A'.repeat(43) }]),
    );
    const claims = broken(granted, keys).map((it) => it.split(':')[0]);
    expect(claims).toEqual([
      'the recorder signed the checkpoint',
      'the log held every record under it',
      'each was written by the service that may',
    ]);
  });

  it.each([
    ['no JSON', (text: string) => text.slice(1)],
    ['spaces', (text: string) => text.replace(',', ', ')],
    [
      'another order',
      (text: string) =>
        `{"format":"countersign/proof/1",${text.slice(1).replace('"format":"countersign/proof/1",', '')}`,
    ],
    ['more than it may hold', (text: string) => text.replace('{', '{"aside":1,')],
  ])('into %s is refused whole', (_, alter) => {
    expect(() => readBundle(alter(bundleText(paid)))).toThrow(NotAProof);
  });
});

it('nobody gets a proof of what there is not', async () => {
  const unknown = `pay_0_${'0'.repeat(32)}`;
  const { status, body } = await world.call('owner', 'GET', `/v1/audit/payments/${unknown}/proof`);
  expect([status, (body as { code?: string }).code]).toEqual([404, 'payment_unknown']);
});
