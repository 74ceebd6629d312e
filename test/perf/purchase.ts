import type { Facts } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { type CompiledPolicy, planDecision } from '@countersign/policy';
import type { Budgets } from '@countersign/ports';
import { WALLET, quoteOf } from '@countersign/testkit';

export const OWNER = { tenant: 'default', agent: 'research-1' };

/** Of one purchase as others of its kind are. */
export function factsOf(atMs: number): Facts {
  return {
    ...{ atMs, ...OWNER, kind: 'payment', quote: quoteOf(), again: false, asserted: {} },
    resource: { method: 'GET', url: 'https://api.example.com/v1/embed' },
    established: {
      ...{ seller: 'embeddings', payee: 'registered', domain: 'api.example.com' },
      ...{ route: '/v1/embed', category: 'embedding', trust: 'known', jurisdiction: 'DE' },
      ...{ task: 'none', frozen: false, wallet: { id: 'w1', address: WALLET } },
    },
  };
}

/** The plan and the reservation of a purchase that the policy lets pass. */
export async function reserved(
  budgets: Budgets,
  policy: CompiledPolicy,
  facts: Facts,
  about: { readonly paymentId: string; readonly epoch: number },
) {
  const plan = planDecision(policy, facts);
  if (plan.kind !== 'candidates') throw new Error(plan.verdict.reasons.join());
  const { amount, scopes, always, tiers } = plan;
  const result = await budgets.reserve({
    ...{ tenant: facts.tenant, ...about, attempt: { round: 0, through: 0 } },
    ...{ amount, scopes, always, tiers, inputs: canonicalText(facts) },
  });
  if (result.kind !== 'answered') throw new Error(result.kind);
  return { plan, answer: result.answer };
}
