import type { Change, EventData } from '@countersign/contracts';
import { LaneBench, OWNER, SELLER, SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { CHANGES_MAX } from './changes.ts';
import { tenantAlertsOwed } from './standing-stops.ts';
import { type PendingChange, tenantOf } from './tenant.ts';

const DAY_MS = 86_400_000;
const { tenant } = OWNER;
const said = { tenant, by: 'owner', signature: SIGNATURE };
const hashOf = (version: number) => version.toString(16).padStart(64, '0');

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
  activate(put(), 0, { loosens: [], against: 1, delayMs: DAY_MS });
});

const view = () => tenantOf(bench.control, tenant);
const pending = (): readonly PendingChange[] => [...view().changes.values()];
function put(by = 'owner'): number {
  const version = view().policies.size + 1;
  bench.change('policy.put', { ...said, by, version, hash: hashOf(version), text: '' });
  return version;
}
function activate(version: number, atMs: number, more: Partial<EventData<'policy.activated'>>) {
  return bench.change(
    'policy.activated',
    { ...said, version, hash: hashOf(version), ...more },
    atMs,
  );
}
const policyChange = (version: number, delayMs = DAY_MS): Change => ({
  ...{ kind: 'policy.activated', version, hash: hashOf(version), against: 2, delayMs },
});
const schedule = (change: Change, atMs = 1_000, loosens = ['it is looser']) =>
  bench.change('change.scheduled', { ...said, change, loosens }, atMs);
const register = (change: object, atMs: number, scheduled?: string) =>
  bench.change(
    'seller.registered',
    { ...said, seller: { ...SELLER, ...change }, ...(scheduled !== undefined && { scheduled }) },
    atMs,
  );
const sellerChange = (change: object): Change => ({
  kind: 'seller.registered',
  seller: { ...SELLER, ...change },
});

describe('a policy that loosens', () => {
  it('comes into force when its wait is over by the log, and not before', () => {
    const version = put();
    const change = { against: 2, loosens: ['x'], delayMs: DAY_MS };
    expect(activate(version, 1_000, change)).toBe(false);
    expect(activate(version, 9 * DAY_MS, change)).toBe(false);
    expect(schedule(policyChange(version), 9 * DAY_MS)).toBe(true);
    const [{ id: scheduled, dueAtMs } = { id: '', dueAtMs: 0 }] = pending();
    expect(dueAtMs).toBe(10 * DAY_MS);
    expect(activate(version, 10 * DAY_MS - 1, { ...change, scheduled })).toBe(false);
    expect(activate(version, 10 * DAY_MS, { ...change, scheduled })).toBe(true);
    expect(view().active?.version).toBe(version);
    expect(pending()).toEqual([]);
  });

  it('does not wait where it only tightens, and is overtaken by what does', () => {
    const [looser, tighter] = [put(), put()];
    schedule(policyChange(looser));
    const scheduled = pending()[0]?.id ?? '';
    expect(activate(tighter, 1_001, { against: 2, loosens: [], delayMs: DAY_MS })).toBe(true);
    expect(pending()).toEqual([]);
    const change = { against: 2, loosens: ['x'], delayMs: DAY_MS, scheduled };
    expect(activate(looser, 2 * DAY_MS, change)).toBe(false);
    expect(view().active?.version).toBe(tighter);
  });

  it('is exactly the one that was scheduled, and by whom', () => {
    const version = put();
    schedule(policyChange(version));
    const scheduled = pending()[0]?.id ?? '';
    const due = 1_000 + DAY_MS;
    const change = { against: 2, loosens: ['x'], delayMs: DAY_MS, scheduled };
    expect(activate(version, due, { ...change, delayMs: 0 })).toBe(false);
    expect(activate(put(), due, change)).toBe(false);
    expect(activate(version, due, { ...change, by: 'mallory' })).toBe(false);
    expect(activate(version, due, { ...change, scheduled: 'f'.repeat(64) })).toBe(false);
    expect(activate(version, due, change)).toBe(true);
  });

  it('waits where its record says nothing but that less is waited for', () => {
    const same = put();
    const claims = { against: 2, loosens: [] };
    expect(activate(same, 1_000, { ...claims, delayMs: 0 })).toBe(false);
    expect(activate(same, 1_000, { ...claims, delayMs: DAY_MS - 1 })).toBe(false);
    expect(activate(same, 1_000, claims)).toBe(false);
    expect(register({}, 1_001)).toBe(false);
    expect(view().delayMs).toBe(DAY_MS);
    expect(activate(same, 1_002, { ...claims, delayMs: DAY_MS + 1 })).toBe(true);
  });

  it('may end the waiting by its own wait only', () => {
    const version = put();
    schedule(policyChange(version, 0));
    const scheduled = pending()[0]?.id ?? '';
    activate(version, 2 * DAY_MS, { against: 2, loosens: ['x'], delayMs: 0, scheduled });
    expect(view().delayMs).toBe(0);
    expect(register({}, 2 * DAY_MS)).toBe(true);
    expect(schedule(sellerChange({ trust: 'verified' }), 2 * DAY_MS)).toBe(false);
  });
});

describe('side doors', () => {
  it.each<[string, object, boolean]>([
    ['trust raised', { trust: 'verified' }, false],
    ['another payee', { payTo: [{ network: 'eip155:1', address: `0x${'9'.repeat(40)}` }] }, false],
    ['another domain', { domain: 'other.example' }, false],
    ['another category', { category: 'other' }, false],
    ['another jurisdiction', { jurisdiction: 'FR' }, false],
    ['other prices', { routes: [{ path: '/', expectedAmount: '9' }] }, false],
    ['a payer refused', { takes: 'eoa' }, true],
    ['the same record', {}, true],
  ])('of a seller: %s', (_, change, isAtOnce) => {
    schedule(sellerChange({}));
    register({}, 2 * DAY_MS, pending()[0]?.id);
    expect(view().sellers.size).toBe(1);
    expect(register(change, 3 * DAY_MS)).toBe(isAtOnce);
  });

  it('of a seller: trust lowered takes effect at once, and undoes what waits for it', () => {
    const verified = { trust: 'verified' };
    schedule(sellerChange(verified));
    register(verified, 2 * DAY_MS, pending()[0]?.id);
    const twice = { ...verified, takes: 'any', category: 'other' };
    schedule(sellerChange(twice), 3 * DAY_MS);
    const waiting = pending()[0]?.id;
    expect(register({}, 3 * DAY_MS + 1)).toBe(true);
    expect(register(twice, 9 * DAY_MS, waiting)).toBe(false);
    expect(view().sellers.get(SELLER.seller)?.trust).toBe('known');
  });

  it('of people and agents all wait; what stops does not', () => {
    const digest = 'e'.repeat(64);
    const person = { person: 'eve', roles: ['approver' as const], credentialDigest: digest };
    const agent = { agent: 'batch-1', wallet: 'w1', credentialDigest: 'f'.repeat(64) };
    expect(bench.change('person.added', { ...said, ...person }, 2_000)).toBe(false);
    expect(bench.change('agent.added', { ...said, ...agent }, 2_000)).toBe(false);
    expect(bench.control.credentials.has(digest)).toBe(false);
    schedule({ kind: 'person.added', ...person }, 2_000);
    const scheduled = pending()[0]?.id ?? '';
    const due = 2_000 + DAY_MS;
    expect(bench.change('person.added', { ...said, ...person, scheduled }, due - 1)).toBe(false);
    expect(bench.change('person.added', { ...said, ...person, scheduled }, due)).toBe(true);
    expect(bench.control.credentials.has(digest)).toBe(true);
    expect(bench.change('tenant.frozen', said, due)).toBe(true);
    expect(bench.change('tenant.unfrozen', said, due)).toBe(true);
  });
});

describe('what waits', () => {
  it('is told to people until they were told, and is canceled by one of them', () => {
    schedule(policyChange(put()), 1_000, ['budget day is gone']);
    const [alert] = tenantAlertsOwed(bench.control);
    expect(alert).toMatchObject({ code: 'change_scheduled' });
    expect(alert?.about).toContain('by owner: budget day is gone');
    const change = pending()[0]?.id ?? '';
    expect(bench.change('change.canceled', { ...said, by: 'ada', change })).toBe(true);
    expect(bench.change('change.canceled', { ...said, by: 'ada', change })).toBe(false);
    expect(pending()).toEqual([]);
    expect(tenantAlertsOwed(bench.control)).toEqual([]);
  });

  it('could be made now, waits once, and is not without end', () => {
    expect(schedule(policyChange(77))).toBe(false);
    expect(
      schedule({ kind: 'agent.added', agent: 'a', wallet: 'w9', credentialDigest: hashOf(1) }),
    ).toBe(false);
    expect(schedule(sellerChange({}))).toBe(true);
    expect(schedule(sellerChange({}))).toBe(false);
    for (let index = 1; index < CHANGES_MAX; index += 1)
      expect(schedule(sellerChange({ seller: `s-${index}` }))).toBe(true);
    expect(schedule(sellerChange({ seller: 'one-more' }))).toBe(false);
  });
});
