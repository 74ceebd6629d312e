import type { BudgetScope, Facts, TaskPhase } from '@countersign/contracts';
import { COUNTABLE_MAX, UINT256_MAX, decimalOf } from '@countersign/kernel';
import { sessionOver } from './session-check.ts';
import { type CountedFacts, type CounterNames, categoryOf, countersOf } from '@countersign/payment';

/** Decimal places of every unit of account. */
export const UNIT_DECIMALS = 6;

const COUNTRY = /^[A-Z]{2}$/;

/** What the limits of a payment are found by. */
export interface Limited {
  readonly facts: CountedFacts & {
    readonly established: Pick<
      Facts['established'],
      'taskTerms' | 'sessionCeiling' | 'sessionUnit'
    >;
  };
  readonly category: string;
  /** An open task, or undefined where none was named or nobody opened it. */
  readonly task: string | undefined;
  /** An open session, or undefined where none was named, nobody opened it, or its time is over. */
  readonly session: string | undefined;
  /** Counter of each budget scope; undefined or empty for one the payment does not count in. */
  readonly counters: Readonly<Record<BudgetScope, string | undefined>>;
}

/** One payment as conditions and budgets read it: the facts, each brought to the one form it is compared in. */
export interface Subject extends Limited {
  readonly facts: Facts;
  readonly counters: CounterNames;
  /** In 10^-6 of the unit of account, rounded up. */
  readonly units: bigint;
  /** The same in decimal digits. */
  readonly unitsText: string;
  /** Such as `0.02 USD`. */
  readonly amountText: string;
  readonly asset: string;
  /** Whether the payee is one that the seller registered; without that, a domain counts for nothing. */
  readonly registered: boolean;
  /** The agent's own category, where it differs from the established one. */
  readonly assertedCategory: string | undefined;
  readonly jurisdiction: string;
  /** Host and port, in the one spelling under which a prohibition must find it. */
  readonly domain: string;
  /** The same without its port: a prohibited host is prohibited on every port. */
  readonly host: string;
  /** Phase of its task; a task opened without terms is being executed. */
  readonly taskPhase: TaskPhase | 'none';
  readonly planCommitted: boolean;
  /** Whether the payment is small enough to be part of a stream. */
  readonly inStream: boolean;
}

/** By which limits a payment is found, whatever else is known of it. */
export function limitedOf(facts: Facts): Limited & { readonly counters: CounterNames } {
  const category = categoryOf(facts);
  return {
    facts,
    category,
    task: openTask(facts),
    session: openSession(facts),
    counters: countersOf(facts, category),
  };
}

/** Reads facts once, before any rule. Values without their proper form count as unknown: in doubt the answer is no. */
export function subjectOf(
  facts: Facts,
  { units, asset }: { readonly units: bigint; readonly asset: string },
  unitName: string,
): Subject {
  const { established } = facts;
  const { seller, payee } = established;
  const { category, task, session, counters } = limitedOf(facts);
  const domain = foldDomain(established.domain);
  const unitsText = units.toString();
  const asserted = facts.asserted.category;
  return {
    facts,
    units,
    unitsText,
    amountText: `${decimalOf(unitsText, UNIT_DECIMALS)} ${unitName}`,
    asset,
    registered: payee === 'registered' && seller !== 'unknown',
    category,
    assertedCategory: asserted === category ? undefined : asserted,
    jurisdiction: COUNTRY.test(established.jurisdiction) ? established.jurisdiction : 'unknown',
    domain,
    host: domain.includes(':') ? domain.replace(/:[0-9]*$/, '') : domain,
    task,
    taskPhase: task === undefined ? 'none' : (established.taskTerms?.phase ?? 'executing'),
    planCommitted: task !== undefined && established.taskTerms?.planCommitted === true,
    session,
    inStream: established.inStream === true,
    counters,
  };
}

/** Amount units as a record can carry them. */
export function recordable(units: bigint): bigint {
  return units > UINT256_MAX ? UINT256_MAX : units;
}

/** Reads a limit of the unit. The stores count in doubles, so that none may exceed what a double holds exactly. */
export function countable(units: bigint): bigint {
  return units > COUNTABLE_MAX ? COUNTABLE_MAX : units;
}

export function openTask({ established: { task } }: CountedFacts): string | undefined {
  return task === 'none' || task === 'unknown' ? undefined : task;
}

export function openSession({ established: { session } }: CountedFacts): string | undefined {
  return session === undefined || session === 'none' || sessionOver(session) ? undefined : session;
}

/** `bad.example.` names the same host as `bad.example`. */
function foldDomain(domain: string): string {
  const lower = domain.toLowerCase();
  return lower.includes('.:') || lower.endsWith('.') ? lower.replace(/\.+(?=:|$)/, '') : lower;
}
