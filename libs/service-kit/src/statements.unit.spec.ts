import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto';
import {
  type EventData,
  decodeEvent,
  encodeEvent,
  joinStatements,
  statementText,
} from '@countersign/contracts';
import type { StatementKey } from '@countersign/ports';
import { OWNER } from '@countersign/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { commit, commitmentOf, encodeOpenings, openedValue, openingsOf } from './commitments.ts';
import {
  type TrustedKeys,
  isGenuine,
  isGenuineElsewhere,
  isKnownGenuine,
  ownEvent,
  signStatement,
} from './statements.ts';

function newKey(keyId: string, inProcess = false): StatementKey {
  const pair: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ed25519');
  return {
    capabilities: { inProcess },
    keyId,
    publicKey: pair.publicKey.export({ format: 'jwk' }).x ?? '',
    sign: (text) =>
      Promise.resolve(sign(null, Buffer.from(text), pair.privateKey).toString('base64url')),
  };
}
const approval = newKey('approval-1');
const signer = newKey('signer-1');
const policy = newKey('policy-1');
const trusted: TrustedKeys = new Map([
  ['approval-1', { service: 'approval', publicKey: approval.publicKey }],
  ['signer-1', { service: 'signer', publicKey: signer.publicKey }],
]);

type Granted = EventData<'approval.granted'>;
const CAUSE = 'cause/1';
const STAMP_MS = 1_790_000_000_000;
const STATEMENT = {
  ...OWNER,
  paymentId: `pay_0_${'1'.repeat(32)}`,
  person: 'ada',
  quoteDigest: 'a'.repeat(64),
  decisionId: 'b'.repeat(64),
};
const signedBy = (key: StatementKey) => signStatement(key, 'approval.granted', STATEMENT, CAUSE);

/** Whether a reader of the log believes a grant with this data and cause. */
function believed(data: Granted, how: { cause?: string; keys?: TrustedKeys } = {}): boolean {
  const event = decodeEvent(encodeEvent('approval.granted', data, how.cause ?? CAUSE).bytes);
  if ('undecodable' in event) throw new Error(event.undecodable);
  return isGenuine(how.keys ?? trusted, event, STAMP_MS);
}

describe('a signed statement', () => {
  let data: Granted;
  beforeAll(async () => {
    data = await signedBy(approval);
  });

  it('is genuine by its own service’s key', () => {
    expect(believed(data)).toBe(true);
  });

  it('is not genuine by another service’s key', async () => {
    expect(believed(await signedBy(signer))).toBe(false);
  });

  it('is not genuine by a key nobody trusts', async () => {
    expect(believed(await signedBy(newKey('approval-2')))).toBe(false);
    expect(believed(data, { keys: new Map() })).toBe(false);
  });

  it('is not genuine by another key under a trusted name', async () => {
    expect(believed(await signedBy(newKey('approval-1')))).toBe(false);
  });

  it('is not genuine once any of its data was changed', () => {
    const changes: Partial<Granted>[] = [
      { tenant: 'other' },
      { agent: 'other' },
      { paymentId: `pay_0_${'2'.repeat(32)}` },
      { person: 'bo' },
      { quoteDigest: 'c'.repeat(64) },
      { decisionId: 'c'.repeat(64) },
    ];
    for (const change of changes) expect(believed({ ...data, ...change })).toBe(false);
  });

  it('is not genuine under another cause', () => {
    expect(believed(data, { cause: 'cause/2' })).toBe(false);
  });

  it('is not genuine under another name of the same service', async () => {
    const opened = { ...OWNER, paymentId: STATEMENT.paymentId, round: 0 };
    const signed = await signStatement(approval, 'approval.opened', opened, CAUSE);
    const event = { id: '', causationId: CAUSE, data: signed };
    expect(isGenuine(trusted, { ...event, name: 'approval.opened' }, STAMP_MS)).toBe(true);
    const renamed = { ...event, name: 'approval.granted' as const, data: signed as never };
    expect(isGenuine(trusted, renamed, STAMP_MS)).toBe(false);
  });

  it('is no record with the same signature in other digits', () => {
    const { keyId, value } = data.signature;
    const last = String.fromCharCode(value.charCodeAt(85) + 1);
    const respelled = value.slice(0, 85) + last;
    expect(Buffer.from(respelled, 'base64url')).toEqual(Buffer.from(value, 'base64url'));
    expect(() => believed({ ...data, signature: { keyId, value: respelled } })).toThrow(/ed25519/);
  });

  it('is not genuine with a signature cut short', () => {
    const { keyId, value } = data.signature;
    const event = { id: '', name: 'approval.granted' as const, causationId: CAUSE };
    const cut = { ...data, signature: { keyId, value: value.slice(0, -4) } };
    expect(isGenuine(trusted, { ...event, data: cut }, STAMP_MS)).toBe(false);
  });
});

describe('a key with an end', () => {
  it('is believed in records that the log stamped before it, and in no others', async () => {
    const data = await signedBy(approval);
    const event = decodeEvent(encodeEvent('approval.granted', data, CAUSE).bytes);
    if ('undecodable' in event) throw new Error(event.undecodable);
    const { publicKey } = approval;
    const ended = new Map([['approval-1', { service: 'approval', publicKey, untilMs: STAMP_MS }]]);
    for (const [stampMs, isBelieved] of [
      [STAMP_MS - 1, true],
      [STAMP_MS, false],
      [STAMP_MS + 1, false],
    ] as const) {
      expect(isGenuine(ended, event, stampMs)).toBe(isBelieved);
      expect(await isGenuineElsewhere(ended, event, stampMs)).toBe(isBelieved);
    }
  });

  it('leaves it to the stamp whether what this process signed with it counts', async () => {
    const own = newKey('approval-1', true);
    const key = { service: 'approval', publicKey: own.publicKey };
    const ours = ownEvent('approval.granted', await signedBy(own), CAUSE);
    expect(isKnownGenuine(new Map([['approval-1', key]]), ours)).toBe(true);
    const untilMs = STAMP_MS;
    expect(isKnownGenuine(new Map([['approval-1', { ...key, untilMs }]]), ours)).toBe(false);
  });
});

describe('a statement that a key of this process signed', () => {
  const own = newKey('approval-1', true);
  const keys: TrustedKeys = new Map([
    ['approval-1', { service: 'approval', publicKey: own.publicKey }],
  ]);

  it('is genuine each time it is read', async () => {
    const data = await signedBy(own);
    expect([believed(data, { keys }), believed(data, { keys })]).toEqual([true, true]);
  });

  it('is not genuine once it was changed, under another cause, or where the key is not trusted', async () => {
    const data = await signedBy(own);
    expect(believed({ ...data, person: 'bo' }, { keys })).toBe(false);
    expect(believed(data, { keys, cause: 'cause/2' })).toBe(false);
    expect(believed(data)).toBe(false);
    expect(believed(data, { keys })).toBe(true);
  });

  it('need not be verified where that key is trusted for its service', async () => {
    const ours = ownEvent('approval.granted', await signedBy(own), CAUSE);
    expect(isKnownGenuine(keys, ours)).toBe(true);
    for (const service of ['signer', 'nobody'])
      expect(
        isKnownGenuine(new Map([['approval-1', { service, publicKey: own.publicKey }]]), ours),
      ).toBe(false);
    const another = new Map([['approval-1', { service: 'approval', publicKey: signer.publicKey }]]);
    expect([isKnownGenuine(another, ours), isKnownGenuine(new Map(), ours)]).toEqual([
      false,
      false,
    ]);
  });

  it('is verified where the key is elsewhere, or where data or cause are not those that were signed', async () => {
    const foreign = { ...newKey('approval-1'), publicKey: own.publicKey };
    const theirs = ownEvent('approval.granted', await signedBy(foreign), CAUSE);
    expect(isKnownGenuine(keys, theirs)).toBe(false);
    expect(believed(await signedBy(foreign), { keys })).toBe(false);
    const data = await signedBy(own);
    const others = [
      ownEvent('approval.granted', { ...data }, CAUSE),
      ownEvent('approval.granted', { ...data, person: 'bo' }, CAUSE),
      ownEvent('approval.granted', data, 'cause/2'),
    ];
    expect(others.map((it) => isKnownGenuine(keys, it))).toEqual([false, false, false]);
  });

  it('is appended in the very bytes that were signed', async () => {
    const data = await signedBy(own);
    const plain = encodeEvent('approval.granted', { ...data }, CAUSE);
    expect(ownEvent('approval.granted', data, CAUSE)).toEqual({
      ...plain,
      signedBy: own.publicKey,
    });
    expect(() => Object.assign(data, { person: 'bo' })).toThrow(TypeError);
  });

  it('is never signed with what does not fit', async () => {
    const malformed = { ...STATEMENT, quoteDigest: 'short' };
    await expect(signStatement(own, 'approval.granted', malformed, CAUSE)).rejects.toThrow(
      'quoteDigest',
    );
  });
});

describe('a record of a kind nobody signs', () => {
  it('is believed to be its writer’s', () => {
    const data = { ...OWNER, task: 'index', by: 'owner' };
    const event = { id: '', name: 'task.closed' as const, causationId: CAUSE, data };
    expect(isGenuine(trusted, event, STAMP_MS)).toBe(true);
  });
});

describe('a commitment', () => {
  const { commitment, opening } = commit('buy embeddings');
  const opened = (openings: Parameters<typeof encodeOpenings>[0]) =>
    openedValue(encodeOpenings(openings), 'purpose', commitment);

  it('is opened by what was committed to', () => {
    expect(opened({ purpose: opening })).toBe('buy embeddings');
    expect(commitmentOf(opening)).toEqual(commitment);
  });

  it('is not opened by another salt or value', () => {
    expect(opened({ purpose: { ...opening, salt: '0'.repeat(32) } })).toBeUndefined();
    expect(opened({ purpose: { ...opening, value: 'buy shoes' } })).toBeUndefined();
  });

  it('is not opened once its opening was erased', () => {
    expect(openedValue(undefined, 'purpose', commitment)).toBeUndefined();
    expect(opened({})).toBeUndefined();
  });

  it('is not opened where the record holds none, or by the opening of another field', () => {
    expect(openedValue(encodeOpenings({ purpose: opening }), 'purpose', undefined)).toBeUndefined();
    expect(opened({ reason: opening })).toBeUndefined();
  });

  it.each([
    'x',
    'null',
    '[]',
    '{"purpose":null}',
    '{"purpose":{"value":1,"salt":"a"}}',
    String.raw`{"purpose":{"value":"\ud800","salt":"a"}}`,
    String.raw`{"\ud800":{"value":"x","salt":"a"}}`,
  ])('is not opened by what is no opening: %s', (text) => {
    const stored = new TextEncoder().encode(text);
    expect(openedValue(stored, 'purpose', commitment)).toBeUndefined();
    expect(openingsOf(stored, { purpose: commitment })).toEqual([]);
  });

  it('does not tell equal values', () => {
    expect(commit('buy embeddings').commitment).not.toEqual(commitment);
  });
});

describe('statements that are asked for at once', () => {
  const signed = () => {
    const grants = Array.from({ length: 40 }, (_, at) => ({
      ...STATEMENT,
      person: `person-${at}`,
    }));
    return Promise.all(grants.map((it) => signStatement(approval, 'approval.granted', it, CAUSE)));
  };

  it('share signatures, and each is genuine by itself', async () => {
    const grants = await signed();
    expect(new Set(grants.map((data) => data.signature.value)).size).toBe(3);
    expect(grants.every((data) => believed(data))).toBe(true);
    expect(grants.map((data) => data.person)).toEqual(grants.map((_, at) => `person-${at}`));
  });

  it('are genuine read on another thread, all at once', async () => {
    const events = (await signed()).map((data) => ({
      id: '',
      name: 'approval.granted' as const,
      causationId: CAUSE,
      data,
    }));
    const found = await Promise.all(
      events.map((event) => isGenuineElsewhere(trusted, event, STAMP_MS)),
    );
    expect(found.every((genuine) => genuine === true)).toBe(true);
  });

  it('are not genuine once changed, along another path, or without their path', async () => {
    const [one, other] = await signed();
    if (!one || !other) throw new Error('two grants were signed');
    expect(believed(one)).toBe(true);
    expect(believed({ ...one, person: 'bo' })).toBe(false);
    expect(believed({ ...one, signature: other.signature })).toBe(false);
    const { keyId, value } = one.signature;
    expect(believed({ ...one, signature: { keyId, value } })).toBe(false);
    const forged = await Promise.all(
      ['ada', 'bo'].map((person) =>
        signStatement(newKey('approval-1'), 'approval.granted', { ...STATEMENT, person }, CAUSE),
      ),
    );
    expect(forged.map((data) => believed(data))).toEqual([false, false]);
  });

  it('are signed alone where their id has to be the same when they are repeated', async () => {
    const order = { tenant: OWNER.tenant, agent: OWNER.agent, by: 'ada' };
    const signed = await Promise.all(
      ['one', 'two', 'three'].map((cause) => signStatement(policy, 'agent.unfrozen', order, cause)),
    );
    expect(signed.map(({ signature }) => signature.path)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const [data] = signed;
    if (!data) throw new Error('an order was signed');
    const event = { id: '', name: 'agent.unfrozen' as const, causationId: 'one' };
    const keys = new Map([['policy-1', { service: 'policy', publicKey: policy.publicKey }]]);
    expect(isGenuine(keys, { ...event, data }, STAMP_MS)).toBe(true);
    // The same order, truly signed with another: it would be a second one by its id.
    const joined = joinStatements([statementText(event.name, 'one', data), 'another']);
    const value = await policy.sign(joined.text);
    const signature = { keyId: 'policy-1', value, path: [...(joined.paths[0] ?? [])] };
    expect(isGenuine(keys, { ...event, data: { ...data, signature } }, STAMP_MS)).toBe(false);
  });

  it('fail each, when the key does', async () => {
    const failing = { ...approval, sign: () => Promise.reject(new Error('sealed')) };
    const grants = [1, 2].map(() =>
      signStatement(failing, 'approval.granted', STATEMENT, CAUSE).catch(String),
    );
    expect(await Promise.all(grants)).toEqual(['Error: sealed', 'Error: sealed']);
  });
});
