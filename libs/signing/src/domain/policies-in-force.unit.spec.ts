import { type EventData, PolicyDocument } from '@countersign/contracts';
import { SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { PoliciesInForce } from './policies-in-force.ts';

const WAIT_S = 60;
const NETWORK = 'eip155:84532';

function policy(atMost: string, delaySeconds: number = WAIT_S): PolicyDocument {
  return PolicyDocument.parse({
    format: 1,
    name: 'test',
    unit: { name: 'USD', assets: [`${NETWORK}/erc20:0x${'a'.repeat(40)}`] },
    authorization: { maxLifetimeSeconds: 60 },
    ...(delaySeconds > 0 && { loosening: { delaySeconds } }),
    again: false,
    prohibited: [],
    tiers: [{ name: 'all', kind: 'autonomous', when: { amount: { atMost }, trust: 'any' } }],
    budgets: [],
    flags: [],
  });
}

let policies: PoliciesInForce;
const known = new Map<string, PolicyDocument>();

/** Puts a policy in force as a record would; what it says of itself is what `claims` has. */
function activate(
  version: number,
  atMs: number,
  claims: Partial<EventData<'policy.activated'>> = {},
): unknown {
  const hash = String(version).repeat(64);
  const delayMs = (known.get(hash)?.loosening?.delaySeconds ?? 0) * 1_000;
  const data = { tenant: 'default', version, hash, by: 'ann', against: 1, delayMs };
  const whole = { ...data, loosens: [], signature: SIGNATURE, ...claims };
  policies.take({ id: `a${atMs}`, name: 'policy.activated', causationId: '', data: whole }, atMs);
  const made = policies.inForce(hash);
  return made && 'refused' in made ? made.refused : made?.hash === hash;
}

function put(version: number, document: PolicyDocument): void {
  const hash = String(version).repeat(64);
  known.set(hash, document);
  policies.put(hash, document);
}

function schedule(version: number, atMs: number): string {
  const id = `${version}@${atMs}`;
  const hash = String(version).repeat(64);
  const kind = 'policy.activated' as const;
  const change = { kind, version, hash, against: 1, delayMs: 0 };
  const data = { tenant: 'default', change, loosens: ['x'], by: 'ann', signature: SIGNATURE };
  policies.take({ id, name: 'change.scheduled', causationId: '', data }, atMs);
  return id;
}

function cancel(change: string): void {
  const data = { tenant: 'default', change, by: 'bob', signature: SIGNATURE };
  policies.take({ id: 'c', name: 'change.canceled', causationId: '', data }, 0);
}

beforeEach(() => {
  policies = new PoliciesInForce();
  known.clear();
  put(1, policy('1.00'));
  put(2, policy('5.00'));
  put(3, policy('0.50'));
  expect(activate(1, 0)).toBe(true);
});

describe('a policy that the signer is told is in force', () => {
  it('is gone by at once where its text only tightens, whatever its record says', () => {
    expect(activate(3, 1, { loosens: ['everything'] })).toBe(true);
  });

  it('is refused where its text loosens and its record says that it does not', () => {
    expect(activate(2, 1)).toMatch(/^it loosens, and was not scheduled: tier all/);
  });

  it('is gone by once it was scheduled and has waited', () => {
    const scheduled = schedule(2, 1_000);
    expect(activate(2, 1_000 + WAIT_S * 1_000, { scheduled })).toBe(true);
  });

  it('is refused a millisecond early', () => {
    const scheduled = schedule(2, 1_000);
    expect(activate(2, 999 + WAIT_S * 1_000, { scheduled })).toContain('waited 59999 of 60000 ms');
  });

  it('is refused where something else was scheduled, or it was canceled', () => {
    const scheduled = schedule(3, 0);
    expect(activate(2, 1e9, { scheduled })).toContain('was not scheduled');
    const own = schedule(2, 0);
    cancel(own);
    expect(activate(2, 1e9, { scheduled: own })).toContain('was not scheduled');
  });

  it('is compared with what the signer went by last, not with what it refused', () => {
    put(4, policy('4.00'));
    expect(activate(2, 1)).toContain('was not scheduled');
    expect(activate(4, 2)).toContain('was not scheduled');
    expect(activate(1, 3)).toBe(true);
    expect(policies.inForce('2'.repeat(64))).toBeNull();
  });

  it('waits as long as the text before says, whatever its own record says of the next wait', () => {
    put(4, policy('1.00', 0));
    expect(activate(1, 1, { delayMs: 0 })).toBe('its activation names another wait than its text');
    expect(activate(4, 2)).toContain('was not scheduled');
  });

  it('need not wait where the one before states no wait', () => {
    policies = new PoliciesInForce();
    put(1, policy('1.00', 0));
    put(2, policy('5.00'));
    expect([activate(1, 0), activate(2, 1)]).toEqual([true, true]);
  });

  it('is known as one the signer went by, also when another is in force; what it refused is not', () => {
    const isBelieved = (version: number) => policies.believed(String(version).repeat(64));
    expect(activate(2, 1)).toContain('was not scheduled');
    expect(activate(3, 2)).toBe(true);
    expect([1, 2, 3].map(isBelieved)).toEqual([policy('1.00'), undefined, policy('0.50')]);
  });

  it('is none that was never put', () => {
    expect(activate(9, 1)).toBe(false);
    expect(policies.inForce('9'.repeat(64))).toBeNull();
  });
});
