import type { Budget, BudgetScope, Limit } from '@countersign/contracts';
import { toDecimal, unreachable } from '@countersign/kernel';
import { unitsOf } from './conditions.ts';
import { type Subject, UNIT_DECIMALS, countable } from './subject.ts';

/** A limit of one payment, and the words for it. */
export interface Holding {
  readonly limit: Limit;
  readonly source: LimitSource;
}

/** Where a limit comes from: a budget, the frequency of a tier, or the task's own terms. */
export interface LimitSource {
  readonly kind: 'budget' | 'frequency' | 'task';
  readonly name: string;
  readonly atMostText: string;
  readonly windowText: string;
  readonly alternative: string | undefined;
}

export interface CompiledBudget {
  readonly scope: BudgetScope;
  readonly only: ReadonlySet<string> | undefined;
  readonly source: LimitSource;
  readonly terms: Omit<Limit, 'id' | 'scope'>;
}

/** Budgets of the policy or of a tier, so indexed that those of other agents and sellers cost nothing. */
export interface CompiledBudgets {
  readonly count: number;
  /** The first budget per task, if there is one: it refuses every payment without an open task. */
  readonly perTask: CompiledBudget | undefined;
  /** Those that hold for this payment, in order. A budget per task has no counter where no task is established. */
  readonly holdingsOf: (subject: Subject) => Holding[];
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
    perTask: compiled.find(({ scope }) => scope === 'task'),
    holdingsOf: (subject) => {
      const indexes = byOnly.size === 0 ? unlimited : withOnly(unlimited, byOnly, subject);
      const holdings: Holding[] = [];
      for (const index of indexes) {
        const budget = compiled[index];
        if (budget && (budget.scope !== 'task' || subject.task !== undefined))
          holdings.push(holdingOf(budget, subject.counters[budget.scope]));
      }
      return holdings;
    },
  };
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
  return (scope) => ({
    limit: { id: `frequency@${scope}`, scope, window, atMostCount: frequency.atMost },
    source,
  });
}

/**
 * What a person allowed the task, as limits whatever the tier: its ceiling, and where it has outgrown its estimate. Costs
 * that are no payments are taken off, so that the store holds payments under what is left, however many come at once.
 */
export function taskHoldings({ facts, counters, task }: Subject, unitName: string): Holding[] {
  const { taskTerms } = facts.established;
  if (task === undefined || !taskTerms) return [];
  const reported = BigInt(taskTerms.reported);
  return (['ceiling', 'estimate'] as const).flatMap((name) => {
    const given = name === 'ceiling' ? taskTerms.ceiling : taskTerms.stopAt;
    if (given === undefined) return [];
    const left = BigInt(given) - reported;
    const atMost = countable(left > 0n ? left : 0n);
    // A budget's name has no dot, so that no policy can call one of its own the same.
    const id = `task.${name}@${counters.task}`;
    const source: LimitSource = {
      kind: 'task',
      name,
      atMostText: `${toDecimal(atMost, UNIT_DECIMALS)} ${unitName}`,
      windowText: reported === 0n ? '' : ', less costs reported',
      alternative: undefined,
    };
    const window = { kind: 'lifetime' } as const;
    return [{ limit: { id, scope: counters.task, window, atMost: atMost.toString() }, source }];
  });
}

function compileBudget(budget: Budget, unitName: string): CompiledBudget {
  const { id, scope, window, atMost, atMostCount, only, alternative } = budget;
  const most = atMost === undefined ? undefined : countable(unitsOf(atMost));
  return {
    scope,
    only: only && new Set(only),
    source: {
      kind: 'budget',
      name: id,
      atMostText: most === undefined ? '' : `${toDecimal(most, UNIT_DECIMALS)} ${unitName}`,
      windowText: windowText(window),
      alternative: alternative?.toWellFormed(),
    },
    terms: {
      window,
      ...(most !== undefined && { atMost: most.toString() }),
      ...(atMostCount !== undefined && { atMostCount }),
    },
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

function holdingOf({ source, terms }: CompiledBudget, scope: string): Holding {
  return { limit: { id: `${source.name}@${scope}`, scope, ...terms }, source };
}

/** Whose names `only` holds: tasks and sellers for their scopes, otherwise agents. */
function subjectKind(scope: BudgetScope): 'task' | 'seller' | 'agent' {
  return scope === 'tenant' ? 'agent' : scope;
}

function withOnly(
  unlimited: readonly number[],
  byOnly: ReadonlyMap<string, readonly number[]>,
  { facts, task }: Subject,
): readonly number[] {
  const keys = [`agent:${facts.agent}`, `seller:${facts.established.seller}`];
  if (task !== undefined) keys.push(`task:${task}`);
  const named = keys.flatMap((key) => byOnly.get(key) ?? []);
  return named.length === 0 ? unlimited : [...unlimited, ...named].sort((a, b) => a - b);
}
