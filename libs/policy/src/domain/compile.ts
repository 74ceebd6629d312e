import {
  type Audit,
  type Conditions,
  type PolicyDocument,
  type Requirement,
  type Tier,
  findAsset,
} from '@countersign/contracts';
import { unreachable } from '@countersign/kernel';
import { type CompiledBudgets, type Holding, compileBudgets, frequencyOf } from './budgets.ts';
import { compileConditions } from './conditions.ts';
import type { CompiledRule } from './finding.ts';
import type { DecisionReason } from './reasons.ts';
import { type RuleIndex, indexAll, indexAny } from './rule-index.ts';
import { type Telling, tellRules } from './rules-told.ts';

/** Fewer rules of a kind than this are all checked, so that each is explained by its own values. */
const INDEX_FROM = 17;

/** A policy in the form in which it decides. Made once by {@link compilePolicy}; its rules are not for others to read. */
export interface CompiledPolicy {
  readonly version: number;
  readonly hash: string;
  readonly unitName: string;
  /** The declared assets that we know, by network and address. */
  readonly assets: ReadonlyMap<string, ReadonlyMap<string, DeclaredAsset>>;
  readonly treasury: ReadonlyMap<string, string>;
  readonly maxLifetimeMs: number;
  readonly again: boolean;
  readonly alternative: string | undefined;
  /** One is enough to forbid a payment, and of one any condition. */
  readonly prohibitions: Telling;
  readonly tiers: RuleSet<CompiledTier>;
  /** All conditions of one must hold. */
  readonly flags: Telling;
  readonly budgets: CompiledBudgets;
}

export interface DeclaredAsset {
  /** CAIP-19 id. */
  readonly id: string;
  /** In what it counts, as the trace tells it. */
  readonly countsText: string;
  readonly decimals: number;
}

/** Rules of one kind in document order, with the index that finds those a payment may meet. */
export interface RuleSet<Rule> {
  readonly rules: readonly Rule[];
  readonly find: RuleIndex;
}

export interface CompiledTier extends CompiledRule {
  readonly requirement: Requirement;
  readonly reason: DecisionReason;
  readonly frequency: ((scope: string) => Holding) | undefined;
  readonly budgets: CompiledBudgets;
  readonly audit: Audit | undefined;
}

/**
 * Compiles a policy once into closures over sets, with an index per kind of rule, so that a decision costs the same
 * whatever the number of rules and recipients.
 *
 * @param document as its schema returned it; it must not be changed afterwards.
 * @param identity version and hash of the text it was read from; they take no part in decisions.
 * @param indexFrom for specs: how many rules of a kind it takes to index them.
 */
export function compilePolicy(
  document: PolicyDocument,
  identity: { readonly version: number; readonly hash: string },
  indexFrom: number = INDEX_FROM,
): CompiledPolicy {
  const { unit, prohibited, tiers, flags } = document;
  return {
    version: identity.version,
    hash: identity.hash,
    unitName: unit.name,
    assets: knownAssets(unit),
    treasury: new Map(Object.entries(document.treasury ?? {})),
    maxLifetimeMs: document.authorization.maxLifetimeSeconds * 1000,
    again: document.again,
    alternative: document.alternative?.toWellFormed(),
    prohibitions: tellRules({
      rules: prohibited.map((it) => compileRule('prohibition', it, unit.name)),
      find: indexAny(prohibited.map(whenOf), indexFrom),
      kind: 'prohibitions',
      enough: 'any',
    }),
    tiers: {
      rules: tiers.map((it) => compileTier(it, unit)),
      find: indexAll(tiers.map(whenOf), indexFrom),
    },
    flags: tellRules({
      rules: flags.map((it) => compileRule('flag', it, unit.name)),
      find: indexAll(flags.map(whenOf), indexFrom),
      kind: 'flags',
      enough: 'all',
    }),
    budgets: compileBudgets(document.budgets, unit.name),
  };
}

const whenOf = ({ when }: { readonly when: Conditions }): Conditions => when;

function compileRule(
  kind: 'prohibition' | 'tier' | 'flag',
  rule: {
    readonly id: string;
    readonly when: Conditions;
    readonly alternative?: string | undefined;
  },
  unitName: string,
): CompiledRule {
  return {
    name: rule.id,
    rule: `${kind}:${rule.id}`,
    conditions: compileConditions(rule.when, kind === 'tier' ? 'permit' : 'restrict', unitName),
    // A lone surrogate would leave the verdict without canonical form.
    alternative: rule.alternative?.toWellFormed(),
  };
}

function compileTier(tier: Tier, unit: PolicyDocument['unit']): CompiledTier {
  return {
    ...compileRule('tier', { ...tier, id: tier.name }, unit.name),
    ...frozen(requirementOf(tier)),
    frequency: tier.frequency && frequencyOf(tier.name, tier.frequency),
    budgets: compileBudgets(tier.budgets ?? [], unit.name),
    audit: tier.audit,
  };
}

/** Every verdict of the tier hands out this one object. */
function frozen<T extends Pick<CompiledTier, 'requirement'>>(it: T): T {
  if (it.requirement.kind === 'quorum') Object.freeze(it.requirement.approvers);
  Object.freeze(it.requirement);
  return it;
}

/** What a tier asks of people, and how the verdict says so. */
export function requirementOf(tier: Tier): Pick<CompiledTier, 'requirement' | 'reason'> {
  switch (tier.kind) {
    case 'autonomous':
      return { requirement: { kind: 'none' }, reason: 'within_policy' };
    case 'supervised':
      return {
        requirement: {
          kind: 'veto_window',
          windowMs: tier.vetoWindowSeconds * 1000,
          notifyWithinMs: tier.notifyWithinSeconds * 1000,
          clearanceMs: tier.clearanceSeconds * 1000,
        },
        reason: 'veto_window_required',
      };
    case 'collaborative':
      return {
        requirement: {
          kind: 'quorum',
          quorum: tier.quorum,
          approvers: [...new Set(tier.approvers)],
          timeoutMs: tier.timeoutSeconds * 1000,
          clearanceMs: tier.clearanceSeconds * 1000,
        },
        reason: 'quorum_required',
      };
    default:
      return unreachable(tier);
  }
}

function knownAssets(unit: PolicyDocument['unit']): CompiledPolicy['assets'] {
  const known = new Map<string, Map<string, DeclaredAsset>>();
  for (const id of unit.assets) {
    const [network = '', address = ''] = id.split('/erc20:');
    const asset = findAsset(network, address);
    if (!asset) continue;
    const ofNetwork = known.get(network) ?? new Map<string, DeclaredAsset>();
    const { decimals, symbol } = asset;
    const countsText = `${symbol} counts in ${unit.name}`;
    known.set(network, ofNetwork.set(address, { id, countsText, decimals }));
  }
  return known;
}
