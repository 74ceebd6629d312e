import type { Decision, EventData, Facts, ReservationAnswer } from '@countersign/contracts';
import { tenantOf } from '@countersign/payment';
import { compilePolicy, concludeDecision, planDecision } from '@countersign/policy';
import type { World } from '../world.ts';
import type { MakeInvariant } from './invariant.ts';

/** What only people may do, with the act behind each record. */
const PEOPLE_ONLY = {
  'person.added': true,
  'agent.added': true,
  'agent.credential_replaced': true,
  'agent.message_keys_set': true,
  'wallet.requested': true,
  'wallet.rotation_ordered': true,
  'wallet.revoke_ordered': true,
  'agent.wallet_added': true,
  'seller.registered': true,
  'seller.removed': true,
  'policy.put': true,
  'policy.activated': true,
  'tenant.unfrozen': true,
  'agent.unfrozen': true,
  'wallet.unfrozen': true,
  'restore.accepted': true,
  'change.scheduled': true,
  'session.opened': true,
  'task.opened': true,
  'task.terms_set': true,
  'task.plan_committed': true,
  'task.phase_set': true,
  'task.cost_recorded': true,
  'outcome.recorded': true,
} as const;

/**
 * Invariant 10: whatever widens stands in the log because a person did it; facts called established are those of the
 * registry; and what an agent asserts makes no decision milder.
 */
export const agency: MakeInvariant = (world, report) => {
  const records = new Map<string, Set<string>>();
  return {
    onRecord({ event, applied, genuine, record }) {
      if (!event || !applied) return;
      const isAsserted = 'basis' in event.data && event.data.basis === 'asserted';
      if (event.name in PEOPLE_ONLY && !isAsserted && 'tenant' in event.data) {
        const act = `${event.name}/${event.data.tenant}`;
        const ids = records.get(act) ?? new Set();
        if (ids.has(event.id))
          report(`${event.name} at ${record.lane}:${record.offset} counts a second time`);
        records.set(act, ids.add(event.id));
        if (ids.size > world.acts.count(act))
          report(`${event.name} at ${record.lane}:${record.offset} counts, and nobody did it`);
      }
      if (
        event.name === 'delivery.reported' &&
        world.acts.count(`delivered/${event.data.paymentId}`) === 0
      )
        report(`the delivery of ${event.data.paymentId} was reported, and not by its agent`);
      if (event.name === 'decision.made' && genuine) {
        const wrong = wrongFacts(world, event.data) ?? widened(world, event.data);
        if (wrong !== undefined) report(`${event.data.paymentId}: ${wrong}`);
      }
    },
  };
};

/** Looks the seller up again, in the plainest way. */
function wrongFacts(
  world: World,
  { decision, through }: EventData<'decision.made'>,
): string | undefined {
  const { facts } = decision;
  const view = world.history.views[through];
  if (!view || facts.kind !== 'payment') return undefined;
  const { host, pathname } = new URL(facts.resource.url);
  const seller = [...tenantOf(view, facts.tenant).sellers.values()].find(
    ({ domain, payTo }) =>
      domain === host &&
      payTo.some((it) => it.network === facts.quote.network && it.address === facts.quote.payTo),
  );
  const route = seller?.routes
    .filter(({ path }) => pathname === path || pathname.startsWith(`${path}/`))
    .reduce((longest, it) => (it.path.length > longest.path.length ? it : longest), {
      path: '',
    } as (typeof seller.routes)[number]);
  const known = [
    ['seller', seller?.seller ?? 'unknown'],
    ['trust', seller?.trust ?? 'unknown'],
    ['category', route?.category ?? seller?.category ?? 'unknown'],
    ['jurisdiction', seller?.jurisdiction ?? 'unknown'],
  ] as const;
  const wrong = known.find(([name, value]) => facts.established[name] !== value);
  return wrong && `its ${wrong[0]} was taken to be ${facts.established[wrong[0]]}, not ${wrong[1]}`;
}

const RANK = { allow: 0, review: 1, deny: 2 } as const;

/** With all counters empty, the decision must be no milder than one on the same facts without what was asserted. */
function widened(world: World, { decision }: { decision: Decision }): string | undefined {
  const { facts, policy } = decision;
  const { category, expectedAmount, ...named } = facts.asserted;
  if (!policy || (category === undefined && expectedAmount === undefined)) return undefined;
  const document = world.history.document(facts.tenant, policy.hash);
  if (!document) return undefined;
  const compiled = compilePolicy(document, policy);
  const outcomeOf = (given: Facts) => {
    const plan = planDecision(compiled, given);
    const answer = plan.kind === 'candidates' ? emptyAnswer(plan) : null;
    return concludeDecision(compiled, given, plan, answer).outcome;
  };
  const said = outcomeOf(facts);
  const silent = outcomeOf({ ...facts, asserted: named });
  return RANK[said] < RANK[silent]
    ? `what its agent asserts turned ${silent} into ${said}`
    : undefined;
}

function emptyAnswer(plan: Extract<ReturnType<typeof planDecision>, { kind: 'candidates' }>) {
  const limits = [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
  const zero = { committed: '0', open: '0', committedCount: 0, openCount: 0 };
  const readings = limits.map(({ id, scope }) => ({ limitId: id, scope, ...zero }));
  const tier = plan.tiers[0]?.name ?? null;
  return { epoch: 0, sequence: 0, atMs: 0, tier, readings } satisfies ReservationAnswer;
}
