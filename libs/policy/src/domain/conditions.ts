import type { Conditions } from '@countersign/contracts';
import { fromDecimal, invariant, toDecimal } from '@countersign/kernel';
import { listed, show } from './explain.ts';
import type { Condition, Finding, Trait, Use } from './finding.ts';
import { withinHours } from './hours.ts';
import { foldRoute, prefixSet } from './route.ts';
import { type Subject, UNIT_DECIMALS } from './subject.ts';
import { TRAITS } from './traits.ts';

/** `any` is whatever is known. */
export const TRUST_RANK = { unknown: 0, known: 1, verified: 2, any: 1 } as const;

/** Compiles each condition that is given; their order is that of the explanation. */
export function compileConditions(when: Conditions, use: Use, unitName: string): Condition[] {
  const { amount, categories, trust, trustIs, sellers, domains, routes, ...more } = when;
  const { payTo, networks, assets, jurisdictions, agents, task, priceWithinPercent, ...rest } =
    more;
  const { hours, stream, ...others } = rest;
  noneOf(others);
  return [
    amount && amountIn(amount, unitName),
    categories && categoryIn(categories, use),
    trust && trustAtLeast(trust),
    trustIs && trustExactly(trustIs),
    sellers && sellerIn(sellers, use),
    domains && (use === 'permit' ? domainPermitted(domains) : domainRestricted(domains)),
    routes && routeIn(routes, use),
    payTo && member('payee', payTo, 'payTo'),
    networks && member('network', networks, 'network'),
    assets && member('asset', assets, 'asset'),
    jurisdictions && member('jurisdiction', jurisdictions, 'jurisdiction'),
    agents && member('agent', agents, 'agent'),
    task && taskStands(task, use),
    priceWithinPercent === undefined ? undefined : priceWithin(priceWithinPercent, use),
    hours && withinHours(hours, use),
    stream === undefined ? undefined : partOfStream(stream),
  ].filter((it) => it !== undefined);
}

/** Does not compile once the schema has a condition that is not compiled here: ignoring one would widen a tier. */
function noneOf(others: Record<string, never>): void {
  void others;
}

const metIf = (holds: boolean): Finding => (holds ? 'met' : 'unmet');

/** Whether something is `text`, as words that are put together once and not for each payment. */
function isOrNot(text: string): (finding: Finding) => string {
  const [met, unmet] = [` is ${text}`, ` is not ${text}`];
  return (finding) => (finding === 'met' ? met : unmet);
}

/** `unknown` names no seller and no category: it lets nothing through, but a prohibition of it is meant. */
function nameSet(values: readonly string[], use: Use): ReadonlySet<string> {
  const names = new Set(values);
  if (use === 'permit') names.delete('unknown');
  return names;
}

/** The value has a form of its own (an address, a name, a country), so that it may be told as it is. */
function member(noun: string, values: readonly string[], trait: Trait): Condition {
  const set = new Set(values);
  const named = `the ${noun} `;
  const is = isOrNot(listed(values));
  const read = TRAITS[trait];
  return {
    test: (subject) => metIf(set.has(read(subject))),
    why: (subject, finding) => named + read(subject) + is(finding),
    reads: [trait],
  };
}

function amountIn(
  { atMost, over }: NonNullable<Conditions['amount']>,
  unitName: string,
): Condition {
  const most = atMost === undefined ? undefined : unitsOf(atMost);
  const least = over === undefined ? undefined : unitsOf(over);
  const bounds = [
    ...(least === undefined ? [] : [`over ${toDecimal(least, UNIT_DECIMALS)} ${unitName}`]),
    ...(most === undefined ? [] : [`at most ${toDecimal(most, UNIT_DECIMALS)} ${unitName}`]),
  ].join(' and ');
  const is = isOrNot(bounds);
  return {
    test: ({ units }) =>
      metIf((most === undefined || units <= most) && (least === undefined || units > least)),
    why: ({ amountText }, finding) => `the amount ${amountText}${is(finding)}`,
  };
}

/** Reads a decimal of the unit of account that has passed the schema. */
export function unitsOf(text: string): bigint {
  const units = fromDecimal(text, UNIT_DECIMALS);
  invariant(units !== undefined, `a policy holds ${text} for an amount`);
  return units;
}

function categoryIn(values: readonly string[], use: Use): Condition {
  const set = nameSet(values, use);
  const text = listed(values);
  const is = isOrNot(text);
  const asserted = ({ assertedCategory }: Subject): string =>
    assertedCategory === undefined ? '' : `, and the agent says ${assertedCategory}`;
  const why: Condition['why'] = (subject, finding) =>
    finding === 'held'
      ? `the agent says ${subject.assertedCategory}, which is not ${text}`
      : `the category ${subject.category}${asserted(subject)}${is(finding)}`;
  if (use === 'restrict')
    return {
      test: ({ category, assertedCategory }) =>
        metIf(set.has(category) || (assertedCategory !== undefined && set.has(assertedCategory))),
      why,
      reads: ['category'],
    };
  return {
    test: ({ category, assertedCategory }) => {
      if (!set.has(category)) return 'unmet';
      return assertedCategory === undefined || set.has(assertedCategory) ? 'met' : 'held';
    },
    why,
  };
}

function trustAtLeast(least: NonNullable<Conditions['trust']>): Condition {
  const rank = TRUST_RANK[least];
  const is = isOrNot(least === 'any' ? 'known or verified' : `at least ${least}`);
  return {
    test: ({ facts }) => metIf(TRUST_RANK[facts.established.trust] >= rank),
    why: ({ facts }, finding) => `trust ${facts.established.trust}${is(finding)}`,
    reads: ['trust'],
  };
}

function trustExactly(trust: NonNullable<Conditions['trustIs']>): Condition {
  const is = isOrNot(trust);
  return {
    test: ({ facts }) => metIf(facts.established.trust === trust),
    why: ({ facts }, finding) => `trust ${facts.established.trust}${is(finding)}`,
    reads: ['trust'],
  };
}

function sellerIn(values: readonly string[], use: Use): Condition {
  const set = nameSet(values, use);
  const is = isOrNot(listed(values));
  return {
    test: ({ facts }) => metIf(set.has(facts.established.seller)),
    why: ({ facts }, finding) => `the seller ${facts.established.seller}${is(finding)}`,
    reads: ['seller'],
  };
}

/** A prohibited host is prohibited on every port; a prohibited port of it, there only. */
function domainRestricted(values: readonly string[]): Condition {
  const set = new Set(values);
  const is = isOrNot(listed(values));
  return {
    test: ({ domain, host }) => metIf(set.has(domain) || set.has(host)),
    why: ({ domain }, finding) => `the domain ${show(domain)}${is(finding)}`,
    reads: ['domain'],
  };
}

/** A domain counts only together with its registered payee, and as it is registered. */
function domainPermitted(values: readonly string[]): Condition {
  const set = new Set(values);
  const text = listed(values);
  const is = isOrNot(text);
  return {
    test: ({ facts, domain, registered }) => {
      if (registered && set.has(facts.established.domain)) return 'met';
      return set.has(domain) ? 'held' : 'unmet';
    },
    why: ({ facts, registered }, finding) => {
      const domain = show(facts.established.domain);
      if (finding !== 'held') return `the domain ${domain}${is(finding)}`;
      return registered
        ? `the domain ${domain} is another spelling of ${text}`
        : `the domain ${domain} is ${text}, but its payee is not registered`;
    },
  };
}

/** A permit must cover the path both as it is spelled and as a lenient server may read it; a restriction, either. */
function routeIn(values: readonly string[], use: Use): Condition {
  const spelled = prefixSet(values);
  const folded = prefixSet(values.map(foldRoute));
  const text = values.length === 1 ? `under ${listed(values)}` : `under ${listed(values)} prefixes`;
  const is = isOrNot(text);
  const why: Condition['why'] = ({ facts, registered }, finding) => {
    const route = show(facts.established.route);
    if (finding !== 'held') return `the path ${route}${is(finding)}`;
    return registered
      ? `the path ${route} can be read both as ${text} and as not`
      : `the path ${route} is ${text}, but the payee is not registered`;
  };
  return {
    test: ({ facts: { established }, registered }) => {
      const asSpelled = spelled(established.route);
      const asRead = folded(foldRoute(established.route));
      if (!asSpelled && !asRead) return 'unmet';
      return use === 'restrict' || (asSpelled && asRead && registered) ? 'met' : 'held';
    },
    why,
    reads: use === 'restrict' ? ['route'] : undefined,
  };
}

/**
 * How a task stands is established, but whether one is named is the agent's choice. So a payment without a task meets
 * every restriction on tasks, and holds every tier that asks for one: no milder tier takes it in its place.
 */
function taskStands(
  { phase, planCommitted }: NonNullable<Conditions['task']>,
  use: Use,
): Condition {
  const phases = phase && new Set<string>(phase);
  const wanted = [
    ...(phase === undefined ? [] : [listed(phase)]),
    ...(planCommitted === undefined ? [] : [planCommitted ? 'with a plan' : 'without a plan']),
  ].join(' ');
  const is = isOrNot(wanted);
  return {
    test: ({ taskPhase, planCommitted: committed }) => {
      if (taskPhase === 'none') return use === 'restrict' ? 'met' : 'held';
      const inPhase = phases === undefined || phases.has(taskPhase);
      return metIf(inPhase && (planCommitted === undefined || planCommitted === committed));
    },
    why: ({ taskPhase, planCommitted: committed }, finding) =>
      taskPhase === 'none'
        ? `no open task is named, and this is about one that is ${wanted}`
        : `the task is ${taskPhase} with${committed ? '' : 'out'} a plan, which${is(finding)}`,
  };
}

/** The amount is the quote's, to the letter what is signed: an agent cannot say that it is another. */
function partOfStream(wanted: boolean): Condition {
  return {
    test: ({ inStream }) => metIf(inStream === wanted),
    why: ({ amountText, inStream }) =>
      `a payment of ${amountText} ${inStream ? 'is part of a stream' : 'stands alone'}`,
  };
}

function priceWithin(percent: number, use: Use): Condition {
  const within = (amount: string, expected: string): boolean =>
    BigInt(amount) * 100n <= BigInt(expected) * BigInt(100 + percent);
  return {
    test: ({ facts: { quote, established, asserted } }) => {
      const registered = established.expectedAmount;
      if (registered === undefined || !within(quote.amount, registered)) return 'unmet';
      const expected = use === 'permit' ? asserted.expectedAmount : undefined;
      return expected === undefined || within(quote.amount, expected) ? 'met' : 'held';
    },
    why: ({ facts: { quote, established, asserted } }, finding) => {
      if (established.expectedAmount === undefined) return 'no price is registered to compare with';
      const exceeds = finding === 'met' ? 'is not more than' : 'is more than';
      const [whose, expected] =
        finding === 'held'
          ? ['what the agent expects,', asserted.expectedAmount]
          : ['the registered', established.expectedAmount];
      return `the price ${quote.amount} ${exceeds} ${percent} % above ${whose} ${expected}`;
    },
  };
}
