import type { Budget, BudgetScope, Limit } from '@countersign/contracts';
import { toDecimal, unreachable } from '@countersign/kernel';
import { unitsOf } from './conditions.ts';
import { type Limited, UNIT_DECIMALS, countable } from './subject.ts';

/** A limit of one payment, and the words for it. */
export interface Holding {
  readonly limit: Limit;
  readonly source: LimitSource;
}

/** Where a limit comes from: a budget, the frequency of a tier, or what a person gave a task or a session. */
export interface LimitSource {
  readonly kind: 'budget' | 'frequency' | 'task' | 'session';
  readonly name: string;
  readonly atMostText: string;
  readonly windowText: string;
  readonly alternative: string | undefined;
}

export interface CompiledBudget {
  readonly scope: BudgetScope;
  readonly only: ReadonlySet<string> | undefined;
  readonly source: LimitSource;
  /** The limit over one counter; the same object each time it is asked for. */
  readonly holdingOf: (counter: string) => Holding;
}

/** What a payment must name where a budget is counted by it. */
export const NAMED_SCOPES = ['task', 'session'] as const;
export type NamedScope = (typeof NAMED_SCOPES)[number];

/** Budgets of the policy or of a tier, so indexed that those of other agents and sellers cost nothing. */
export interface CompiledBudgets {
  readonly count: number;
  /** The first budget per task and per session, if there is one: it refuses every payment without an open one. */
  readonly perNamed: Readonly<Record<NamedScope, CompiledBudget | undefined>>;
  /** Those that hold for this payment, in order. One whose scope has no counter for the payment does not. */
  readonly holdingsOf: (subject: Limited) => Holding[];
}

export function compileBudgets(budgets: readonly Budget[], unitName: string): CompiledBudgets {
  const compiled = budgets.map((budget) => compileBudget(budget, unitName));
  const unlimited = compiled.flatMap((budget, index) => (budget.only ? [] : [index]));
  const byOnly = new Map<string, number[]>();
  compiled.forEach(({ scope, only }, index) => {
    for (const name of only ?? []) {
      const key = `${subjectKind(scope)}:${name}`;
      const found = byOnly.get(key);
      if (found) found.push(index);
      else byOnly.set(key, [index]);
    }
  });
  return {
    count: budgets.length,
    perNamed: {
      task: compiled.find(({ scope }) => scope === 'task'),
      session: compiled.find(({ scope }) => scope === 'session'),
    },
    holdingsOf: (subject) => {
      const indexes = byOnly.size === 0 ? unlimited : withOnly(unlimited, byOnly, subject);
      const holdings: Holding[] = [];
      for (const index of indexes) {
        const budget = compiled[index];
        const counter = budget && subject.counters[budget.scope];
        if (counter) holdings.push(budget.holdingOf(counter));
      }
      return holdings;
    },
  };
}

/**
 * What the operator gave the session, as a limit whatever the tier. Its name is none that a policy can give, so that no
 * budget of a policy is called the same.
 */
export function sessionHoldings(
  { facts, counters, session }: Limited,
  unitName: string,
): readonly Holding[] {
  const { sessionCeiling } = facts.established;
  const scope = counters.session;
  if (session === undefined || scope === undefined || sessionCeiling === undefined) return [];
  const most = countable(BigInt(sessionCeiling));
  const limit = {
    id: `session.ceiling@${scope}`,
    scope,
    window: { kind: 'lifetime' },
    atMost: most.toString(),
  } as const;
  const source: LimitSource = {
    kind: 'session',
    name: 'ceiling',
    atMostText: `${toDecimal(most, UNIT_DECIMALS)} ${unitName}`,
    windowText: '',
    alternative: undefined,
  };
  return [{ limit, source }];
}

/** The rolling count of a tier's payments per agent, as a limit. */
export function frequencyOf(
  tier: string,
  frequency: { readonly atMost: number; readonly seconds: number },
): (scope: string) => Holding {
  const source: LimitSource = {
    kind: 'frequency',
    name: tier,
    atMostText: '',
    windowText: `, last ${frequency.seconds} s`,
    alternative: undefined,
  };
  const window = { kind: 'rolling', seconds: frequency.seconds } as const;
  return perCounter((scope) => ({
    limit: { id: `frequency@${scope}`, scope, window, atMostCount: frequency.atMost },
    source,
  }));
}

/**
 * What a person allowed the task, as limits whatever the tier: its ceiling, and where it has outgrown its estimate. Costs
 * that are no payments are taken off, so that the store holds payments under what is left, however many come at once.
 */
export function taskHoldings({ facts, counters, task }: Limited, unitName: string): Holding[] {
  const { taskTerms } = facts.established;
  const scope = counters.task;
  if (task === undefined || scope === undefined || !taskTerms) return [];
  const reported = BigInt(taskTerms.reported);
  return (['ceiling', 'estimate'] as const).flatMap((name) => {
    const given = name === 'ceiling' ? taskTerms.ceiling : taskTerms.stopAt;
    if (given === undefined) return [];
    const left = BigInt(given) - reported;
    const atMost = countable(left > 0n ? left : 0n);
    // A budget's name has no dot, so that no policy can call one of its own the same.
    const id = `task.${name}@${scope}`;
    const source: LimitSource = {
      kind: 'task',
      name,
      atMostText: `${toDecimal(atMost, UNIT_DECIMALS)} ${unitName}`,
      windowText: reported === 0n ? '' : ', less costs reported',
      alternative: undefined,
    };
    const window = { kind: 'lifetime' } as const;
    return [{ limit: { id, scope, window, atMost: atMost.toString() }, source }];
  });
}

function compileBudget(budget: Budget, unitName: string): CompiledBudget {
  const { id, scope, window, atMost, atMostCount, only, alternative } = budget;
  const most = atMost === undefined ? undefined : countable(unitsOf(atMost));
  const source: LimitSource = {
    kind: 'budget',
    name: id,
    atMostText: most === undefined ? '' : `${toDecimal(most, UNIT_DECIMALS)} ${unitName}`,
    windowText: windowText(window),
    alternative: alternative?.toWellFormed(),
  };
  const terms = {
    window,
    ...(most !== undefined && { atMost: most.toString() }),
    ...(atMostCount !== undefined && { atMostCount }),
  };
  return {
    scope,
    only: only && new Set(only),
    source,
    holdingOf: perCounter((counter) => ({
      limit: { id: `${id}@${counter}`, scope: counter, ...terms },
      source,
    })),
  };
}

/** Counters for which a limit is kept; beyond them it is made anew. */
const KEPT_MAX = 1_000;

function perCounter(make: (counter: string) => Holding): (counter: string) => Holding {
  const kept = new Map<string, Holding>();
  return (counter) => {
    const known = kept.get(counter);
    if (known) return known;
    const made = make(counter);
    if (kept.size < KEPT_MAX) kept.set(counter, made);
    return made;
  };
}

function windowText(window: Budget['window']): string {
  switch (window.kind) {
    case 'rolling':
      return `, last ${window.seconds} s`;
    case 'calendar':
      return `, this ${window.unit} in ${window.timeZone}`;
    case 'payment':
    case 'lifetime':
      return '';
    default:
      return unreachable(window);
  }
}

/** Whose names `only` holds: those of its scope, and agents where the scope has none or is of one agent. */
function subjectKind(scope: BudgetScope): 'task' | 'session' | 'seller' | 'category' | 'agent' {
  return scope === 'tenant' || scope === 'stream' ? 'agent' : scope;
}

function withOnly(
  unlimited: readonly number[],
  byOnly: ReadonlyMap<string, readonly number[]>,
  { facts, category, task, session }: Limited,
): readonly number[] {
  const keys = [
    `agent:${facts.agent}`,
    `seller:${facts.established.seller}`,
    `category:${category}`,
  ];
  if (task !== undefined) keys.push(`task:${task}`);
  if (session !== undefined) keys.push(`session:${session}`);
  const named = keys.flatMap((key) => byOnly.get(key) ?? []);
  return named.length === 0 ? unlimited : [...unlimited, ...named].sort((a, b) => a - b);
}
