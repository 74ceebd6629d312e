import {
  type Available,
  Facts,
  Limit,
  PolicyDocument,
  Reading,
  type ReservationAnswer,
  Verdict,
  pickTier,
} from '@countersign/contracts';
import { decimalOf, fromDecimal } from '@countersign/kernel';
import {
  type Candidates,
  type Plan,
  RULES_VERSION,
  compilePolicy,
  concludeDecision,
  planDecision,
  replayDecision,
  tellAvailable,
  withPolicyFacts,
} from '@countersign/policy';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

/** A payment as a table tells it; what it leaves out is as in {@link PAYMENT}. Amounts are decimals of USDC. */
const PaymentRow = z.strictObject({
  kind: z.enum(['payment', 'withdrawal']).optional(),
  agent: z.string().optional(),
  amount: z.string().optional(),
  scheme: z.string().optional(),
  network: z.string().optional(),
  asset: z.string().optional(),
  payTo: z.string().optional(),
  again: z.boolean().optional(),
  seller: z.string().optional(),
  payee: z.string().optional(),
  domain: z.string().optional(),
  path: z.string().optional(),
  category: z.string().optional(),
  trust: z.string().optional(),
  jurisdiction: z.string().optional(),
  /** The registered price. */
  expected: z.string().optional(),
  task: z.string().optional(),
  /** Decimals of `unit`. */
  taskTerms: z
    .strictObject({
      phase: z.string().default('executing'),
      planCommitted: z.boolean().default(false),
      unit: z.string().default('USD'),
      ceiling: z.string().optional(),
      stopAt: z.string().optional(),
      reported: z.string().default('0'),
    })
    .optional(),
  session: z.string().optional(),
  sessionCeiling: z.string().optional(),
  sessionUnit: z.string().optional(),
  /** When the quote was recorded. */
  at: z.iso.datetime().optional(),
  frozen: z.boolean().optional(),
  wallet: z.string().optional(),
  agentSays: z
    .strictObject({ category: z.string(), price: z.string(), task: z.string() })
    .partial()
    .optional(),
});
type PaymentRow = z.infer<typeof PaymentRow>;

const PAYMENT = {
  kind: 'payment',
  agent: 'research-1',
  amount: '0.02',
  scheme: 'exact',
  network: 'eip155:84532',
  asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  payTo: '0x5555555555555555555555555555555555555555',
  again: false,
  seller: 'embeddings',
  payee: 'registered',
  domain: 'api.example.com',
  path: '/v1/embeddings',
  category: 'data',
  trust: 'known',
  jurisdiction: 'DE',
  expected: 'none',
  task: 'none',
  session: 'none',
  at: '2023-11-14T22:13:20Z',
  frozen: false,
  wallet: 'main',
} satisfies PaymentRow;

/** What a counter holds before the payment; a counter not named holds nothing. */
const CounterRow = z.strictObject({
  spent: z.string().default('0'),
  reserved: z.string().default('0'),
  payments: z.int().default(0),
  open: z.int().default(0),
});

const Table = z.strictObject({
  title: z.string(),
  policy: PolicyDocument,
  payment: PaymentRow.default({}),
  cases: z
    .array(
      z.strictObject({
        says: z.string(),
        policy: z.literal('none').optional(),
        payment: PaymentRow.default({}),
        /** By budget id, or `frequency of <tier>`. */
        counters: z.record(z.string(), CounterRow).default({}),
        expect: z.strictObject({
          outcome: z.enum(['allow', 'review', 'deny']),
          tier: z.string().nullable(),
          reasons: z.array(z.string()),
          prohibited: z.boolean().default(false),
          flags: z.array(z.string()).default([]),
          alternative: z.string().optional(),
          requirement: z.unknown().optional(),
          lifetimeSeconds: z.int().optional(),
          /** By the name of the counter. */
          available: z
            .union([
              z.literal('none'),
              z.record(
                z.string(),
                z.strictObject({ amount: z.string(), payments: z.int() }).partial(),
              ),
            ])
            .optional(),
        }),
      }),
    )
    .min(1),
});
type CounterRow = z.infer<typeof CounterRow>;

/** Something that is no amount comes out as what the schema of the facts rejects. */
const atomic = (decimal = '') => fromDecimal(decimal, 6)?.toString() ?? `no amount: ${decimal}`;

function termsOf({ ceiling, stopAt, reported, ...terms }: NonNullable<PaymentRow['taskTerms']>) {
  return {
    ...terms,
    ...(ceiling !== undefined && { ceiling: atomic(ceiling) }),
    ...(stopAt !== undefined && { stopAt: atomic(stopAt) }),
    reported: atomic(reported),
  };
}

function factsOf(changes: PaymentRow): Facts {
  const row = { ...PAYMENT, ...changes };
  const { category, price, task } = changes.agentSays ?? {};
  return Facts.parse({
    atMs: Date.parse(row.at ?? PAYMENT.at),
    tenant: 'default',
    agent: row.agent,
    kind: row.kind,
    quote: {
      scheme: row.scheme,
      network: row.network,
      asset: row.asset,
      amount: atomic(row.amount),
      payTo: row.payTo,
      maxTimeoutSeconds: 60,
    },
    resource: { method: 'GET', url: `https://${row.domain}${row.path}` },
    again: row.again,
    established: {
      seller: row.seller,
      payee: row.payee,
      domain: row.domain,
      route: row.path,
      category: row.category,
      trust: row.trust,
      jurisdiction: row.jurisdiction,
      ...(row.expected !== 'none' && { expectedAmount: atomic(row.expected) }),
      task: row.task,
      ...(row.taskTerms && { taskTerms: termsOf(row.taskTerms) }),
      session: row.session,
      ...(row.sessionCeiling !== undefined && { sessionCeiling: atomic(row.sessionCeiling) }),
      ...(row.sessionUnit !== undefined && { sessionUnit: row.sessionUnit }),
      frozen: row.frozen,
      wallet:
        row.wallet === 'none'
          ? null
          : { id: row.wallet, address: '0x2222222222222222222222222222222222222222' },
    },
    asserted: {
      ...(category !== undefined && { category }),
      ...(price !== undefined && { expectedAmount: atomic(price) }),
      ...(task !== undefined && { task }),
    },
  });
}

/** The name a table gives to the counter of a limit. */
function counterName({ id, scope }: Limit): string {
  return id.startsWith('frequency@') ? `frequency of ${scope.split('/')[1]}` : id.split('@', 1)[0]!;
}

function limitsOf(plan: Plan): readonly Limit[] {
  if (plan.kind === 'denied') return plan.limits ?? [];
  return [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
}

function readingsOf(limits: readonly Limit[], counters: Record<string, CounterRow>): Reading[] {
  const unread = Object.keys(counters).filter(
    (name) => !limits.some((limit) => counterName(limit) === name),
  );
  expect(unread, 'counters that no limit reads').toEqual([]);
  return limits.map((limit) => {
    const held = counters[counterName(Limit.parse(limit))] ?? CounterRow.parse({});
    return Reading.parse({
      limitId: limit.id,
      scope: limit.scope,
      committed: atomic(held.spent),
      open: atomic(held.reserved),
      committedCount: held.payments,
      openCount: held.open,
    });
  });
}

function answerOf(plan: Candidates, readings: Reading[]): ReservationAnswer {
  const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
  return { epoch: 1, sequence: 1, atMs: 1, tier: pickTier(plan, byId, plan.amount), readings };
}

/** What is told as left, by the names a table gives to counters. */
function availableOf({ available }: Verdict, limits: readonly Limit[]) {
  const nameOf = ({ limit: name, scope }: Available) => {
    const ids = [name, `task.${name}`, `session.${name}`, 'frequency'].map(
      (it) => `${it}@${scope}`,
    );
    const told = limits.find(({ id }) => ids.includes(id));
    return told ? counterName(told) : `${name}, which was not read`;
  };
  const left = available?.map((it) => [
    nameOf(it),
    {
      ...(it.amount !== undefined && { amount: decimalOf(it.amount, 6) }),
      ...(it.count !== undefined && { payments: it.count }),
    },
  ]);
  return left ? Object.fromEntries(left) : 'none';
}

const folder = new URL('decisions/', import.meta.url);
const tables = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => Table.parse(parse(readFileSync(new URL(name, folder), 'utf8'))));

describe.each(tables)('$title', ({ policy: document, payment, cases }) => {
  it.each(cases)('$says', (row) => {
    const policy = row.policy === 'none' ? null : document;
    const identity = policy && { version: 1, hash: '0'.repeat(64) };
    const compiled = policy && identity && compilePolicy(policy, identity);
    const facts = withPolicyFacts(factsOf({ ...payment, ...row.payment }), document);
    const plan = planDecision(compiled, facts);
    const limits = limitsOf(plan);
    const readings = readingsOf(limits, row.counters);
    const answer = plan.kind === 'candidates' ? answerOf(plan, readings) : null;
    const told = plan.kind === 'denied' ? tellAvailable(plan, readings) : undefined;
    const verdict = Verdict.parse(concludeDecision(compiled, facts, told ?? plan, answer));
    const { outcome, tier, reasons, prohibited, flags, alternative } = verdict;
    const { requirement, lifetimeSeconds, available, ...expected } = row.expect;
    expect({ outcome, tier, reasons, prohibited, flags, alternative }).toEqual({
      alternative: undefined,
      ...expected,
    });
    if (requirement !== undefined) expect(verdict.requirement).toEqual(requirement);
    if (lifetimeSeconds !== undefined) expect(verdict.maxLifetimeMs).toBe(lifetimeSeconds * 1000);
    if (available !== undefined) expect(availableOf(verdict, limits)).toEqual(available);
    const read = told && { readings };
    const recorded = { policy: identity, facts, answer, ...read, verdict, rules: RULES_VERSION };
    expect(replayDecision(policy, recorded).agrees).toBe(true);
  });
});
