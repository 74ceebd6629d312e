import type { Authorization, Facts } from '@countersign/contracts';
import { fixedOf } from '@countersign/payment';
import type { SimChain } from '../chain.ts';
import type { World } from '../world.ts';

/** What a payment does to budgets, by log and chain alone: holds money, has spent it, or neither. */
export type Exposure =
  | { readonly kind: 'free' }
  | { readonly kind: 'open' }
  | { readonly kind: 'spent'; readonly atMs: number };

type Key = Pick<Authorization, 'token' | 'from' | 'nonce' | 'validBefore'>;

/** Whether a finalized block says that the authorization can never be paid. */
export function isDead(chain: SimChain, key: Key): boolean {
  const { at, usage } = chain.read(key, chain.at('finalized', 0));
  return usage ? usage.submission.kind === 'cancellation' : at.timeMs >= key.validBefore * 1_000;
}

/** When a finalized block says it was paid; undefined when none does. */
export function paidAtMs(chain: SimChain, key: Key): number | undefined {
  const { usage } = chain.read(key, chain.at('finalized', 0));
  return usage?.submission.kind === 'transfer' ? usage.block.timeMs : undefined;
}

/** Whether a finalized block says that nothing more can come of it. */
export function isOver(chain: SimChain, key: Key): boolean {
  return isDead(chain, key) || paidAtMs(chain, key) !== undefined;
}

/**
 * Exposure of a payment that was reserved for. It says "spent" and "free" no later than the product may, so that a sum
 * over it is at most what the product's own counters hold.
 */
export function exposureOf(
  world: World,
  facts: Pick<Facts, 'tenant' | 'agent'>,
  paymentId: string,
): Exposure {
  const { history, chain } = world;
  const payment = history.payment(facts, paymentId);
  if (!payment) return { kind: 'open' };
  const fixed = fixedOf(payment);
  if (!fixed) return payment.phase.status === 'ended' ? { kind: 'free' } : { kind: 'open' };
  const paidMs = paidAtMs(chain, fixed.authorization);
  if (paidMs !== undefined) {
    const signed = history.named(paymentId, 'signing.completed').find((it) => it.applied);
    return { kind: 'spent', atMs: Math.max(paidMs, signed?.laneMs ?? 0) };
  }
  return { kind: isDead(chain, fixed.authorization) ? 'free' : 'open' };
}
