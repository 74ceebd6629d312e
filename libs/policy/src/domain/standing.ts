import { type Facts, assetId, findAsset } from '@countersign/contracts';
import { COUNTABLE_MAX, rescaleUp, toDecimal } from '@countersign/kernel';
import type { CompiledPolicy } from './compile.ts';
import { show } from './explain.ts';
import type { DecisionReason } from './reasons.ts';
import { UNIT_DECIMALS } from './subject.ts';

/** What holds whatever the rules say: the first check that fails denies, and the rules are not asked. */
export type Standing =
  | {
      readonly kind: 'passed';
      readonly units: bigint;
      /** CAIP-19 id. */
      readonly asset: string;
      readonly why: string;
    }
  | Failed;

export interface Failed {
  readonly kind: 'failed';
  readonly reason: DecisionReason;
  readonly why: string;
  /** Zero as long as it is not known in which asset the amount is. */
  readonly units: bigint;
}

const failed = (reason: DecisionReason, why: string, units = 0n): Failed => ({
  kind: 'failed',
  reason,
  why,
  units,
});

/** The checks of a payment, in the order of their precedence. */
export function checkPayment(policy: CompiledPolicy, facts: Facts): Standing {
  const { quote, established, again } = facts;
  if (quote.scheme !== 'exact') return otherScheme(quote.scheme);
  const asset = policy.assets.get(quote.network)?.get(quote.asset);
  if (!asset)
    return failed(
      'asset_not_declared',
      `the policy declares no asset ${quote.asset} on ${quote.network} that we know`,
    );
  const units = rescaleUp(BigInt(quote.amount), asset.decimals, UNIT_DECIMALS);
  if (units === 0n) return failed('amount_zero', 'the amount is zero');
  if (units > COUNTABLE_MAX)
    return failed('amount_not_countable', `${units} is more than ${COUNTABLE_MAX}`, units);
  if (!established.wallet) return withoutWallet(facts, units);
  if (established.payee === 'mismatch')
    return failed(
      'payee_mismatch',
      `${quote.payTo} is no payee registered for ${show(established.domain)}`,
      units,
    );
  if (established.payee === 'lookalike')
    return failed(
      'payee_lookalike',
      `${quote.payTo} begins and ends like a registered payee, and is another`,
      units,
    );
  if (again && !policy.again)
    return failed(
      'again_not_allowed',
      'the same purchase is unresolved, and the policy does not allow it again',
      units,
    );
  const task = checkTask(policy, established);
  if (task) return failed(...task, units);
  const why = `${asset.countsText}; the payee ${quote.payTo} is ${established.payee}`;
  return { kind: 'passed', units, asset: asset.id, why };
}

/**
 * What stops a task whatever the policy says. The limits that payments count against are held by the budget store; here
 * stands what needs no counter.
 */
export function checkTask(
  policy: Pick<CompiledPolicy, 'unitName'>,
  { taskTerms }: Pick<Facts['established'], 'taskTerms'>,
): readonly [DecisionReason, string] | undefined {
  if (!taskTerms) return undefined;
  const { phase, unit, ceiling, stopAt, reported } = taskTerms;
  if (phase === 'exploring') return ['task_exploring', 'its plan is not committed'];
  if (phase === 'done') return ['task_done', 'the task is done'];
  const limits = [ceiling, stopAt].filter((it) => it !== undefined).map(BigInt);
  if (limits.length === 0) return undefined;
  if (unit !== policy.unitName)
    return [
      'task_unit_differs',
      `the task counts in ${unit ?? 'no unit'}, the policy in ${policy.unitName}`,
    ];
  if (limits.every((limit) => BigInt(reported) < limit)) return undefined;
  const costs = toDecimal(BigInt(reported), UNIT_DECIMALS);
  return ['task_stopped', `the costs reported for it come to ${costs} ${unit}`];
}

/**
 * The checks of a withdrawal: to the treasury and nowhere else. Budgets, tiers and prohibitions are about what agents
 * buy; what follows is asked nevertheless, because without it there is nothing that could be signed.
 */
export function checkWithdrawal(policy: CompiledPolicy, facts: Facts): Standing {
  const { quote, established } = facts;
  const treasury = policy.treasury.get(quote.network);
  if (treasury === undefined)
    return failed('not_the_treasury', `the policy names no treasury on ${quote.network}`);
  if (quote.payTo !== treasury)
    return failed('not_the_treasury', `${quote.payTo} is not the treasury ${treasury}`);
  if (quote.scheme !== 'exact') return otherScheme(quote.scheme);
  const id = assetId(quote.network, quote.asset);
  const asset = findAsset(quote.network, quote.asset);
  if (!asset) return failed('asset_not_declared', `${id} is no asset we know`);
  const units = rescaleUp(BigInt(quote.amount), asset.decimals, UNIT_DECIMALS);
  if (units === 0n) return failed('amount_zero', 'the amount is zero');
  if (!established.wallet) return withoutWallet(facts, units);
  return {
    kind: 'passed',
    units,
    asset: id,
    why: `${quote.payTo} is the treasury on ${quote.network}`,
  };
}

function withoutWallet({ agent, quote, established }: Facts, units: bigint): Failed {
  const { unpayable } = established;
  if (unpayable === undefined) return failed('no_wallet', `${agent} has no wallet`, units);
  const why = {
    wallet_kind_not_taken: `${agent} has no wallet of a kind that ${show(established.seller)} takes`,
    wallet_not_deployed: `the account of ${agent} does not stand on ${quote.network} for all we know`,
    wallet_revoked: `the wallet of ${agent} is revoked`,
    wallet_rotating: `the account of ${agent} is being given to a new key`,
  }[unpayable];
  return failed(unpayable, why, units);
}

function otherScheme(scheme: string): Failed {
  return failed('scheme_not_supported', `the scheme ${show(scheme)} is not exact`);
}
