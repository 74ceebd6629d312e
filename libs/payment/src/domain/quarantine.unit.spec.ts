import { Fault } from '@countersign/kernel';
import { LaneBench, OWNER, SIGNATURE } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { agentOf } from './lane.ts';
import { type AgentTables, tablesInMemory } from './tables.ts';

const OTHER = { tenant: 'default', agent: 'research-2' };
const BUG = new TypeError('half of it');
let bench: LaneBench;
/** Thrown by the next payment of the agent that is kept, when much of its record is done. */
let thrown: Error | undefined;

/** Tables of an agent whose payments the fold cannot keep when it is told so. */
function tablesOf(_: string, agent: string): AgentTables {
  const tables = tablesInMemory();
  const { payments } = tables;
  const set: typeof payments.set = (id, payment) => {
    if (thrown && agent === OWNER.agent) throw thrown;
    payments.set(id, payment);
  };
  return {
    ...tables,
    payments: { get: (id) => payments.get(id), set, values: () => payments.values() },
  };
}

beforeEach(() => {
  thrown = undefined;
  bench = new LaneBench(tablesOf);
  const order = { ...OTHER, wallet: 'w1', credentialDigest: 'e'.repeat(64), by: 'owner' };
  bench.change('agent.added', { ...order, signature: SIGNATURE });
  bench.mark(0);
});

const isQuarantined = ({ tenant, agent }: typeof OWNER) =>
  agentOf(bench.lane, tenant, agent).quarantined;

describe('a record on which the fold throws', () => {
  it('is ignored, and quarantines its agent', () => {
    thrown = BUG;
    const { judged } = bench.submit(1_000);
    expect(judged).toEqual({
      applied: false,
      code: 'internal',
      setAside: [{ ...OWNER, error: BUG }],
    });
    expect(isQuarantined(OWNER)).toBe(true);
  });

  it('leaves the lane where every other record leaves it', () => {
    const { next } = bench.lane;
    thrown = BUG;
    bench.submit(1_000);
    expect([bench.lane.next, bench.lane.atMs]).toEqual([next + 1, 1_000]);
  });

  it('stops every later record of its agent, an authorization above all', () => {
    const { payment } = bench.submit(1_000);
    if (!payment) throw new Error('no payment');
    bench.decide(payment, 1_000);
    thrown = BUG;
    bench.submit(2_000, { url: 'https://api.example.com/v1/other' });
    thrown = undefined;
    const before = agentOf(bench.lane, OWNER.tenant, OWNER.agent).payments.get(payment.id);
    expect(bench.fix(payment, 3_000)).toMatchObject({ code: 'agent_quarantined' });
    expect(bench.submit(4_000).judged).toMatchObject({ code: 'agent_quarantined' });
    const frozen = { ...OWNER, by: 'owner' };
    expect(bench.record('agent.frozen', frozen, 5_000)).toMatchObject({
      code: 'agent_quarantined',
    });
    expect(agentOf(bench.lane, OWNER.tenant, OWNER.agent).payments.get(payment.id)).toBe(before);
  });

  it('stops nobody else', () => {
    thrown = BUG;
    bench.submit(1_000);
    const frozen = { ...OTHER, by: 'owner' };
    expect(bench.record('agent.frozen', frozen, 2_000).applied).toBe(true);
    expect(isQuarantined(OTHER)).toBe(false);
  });
});

describe('a mark on which the fold throws for one agent', () => {
  it('applies, quarantines that agent, and reaches all others', () => {
    bench.submit(1_000);
    bench.putPolicy('two');
    thrown = BUG;
    expect(bench.mark(2_000)).toMatchObject({
      applied: true,
      setAside: [{ ...OWNER, error: BUG }],
    });
    expect(bench.lane.through).toBe(bench.control.offset);
    expect([isQuarantined(OWNER), isQuarantined(OTHER)]).toEqual([true, false]);
  });

  it('passes over who is quarantined already', () => {
    bench.submit(1_000);
    thrown = BUG;
    bench.putPolicy('two');
    bench.mark(2_000);
    bench.putPolicy('three');
    expect(bench.mark(3_000)).toEqual({ applied: true, touched: [] });
  });
});

describe('a fault of what the fold reads from', () => {
  const fault = new Fault('state_unavailable', 'the disk is full', { retryable: false });

  it.each([
    ['a record', () => bench.submit(2_000, { url: 'https://api.example.com/v1/other' })],
    ['a mark', () => bench.mark(2_000)],
  ])('stops the fold of %s, as other processes can go on with the agent', (_, fold) => {
    bench.submit(1_000);
    bench.putPolicy('two');
    thrown = fault;
    expect(fold).toThrow(fault);
    expect(isQuarantined(OWNER)).toBe(false);
  });
});
