import { claimOf } from './claim.ts';
import type { MakeInvariant } from './invariant.ts';
import { CHAIN_ID } from '../cast.ts';
import type { Submission } from '../chain.ts';
import type { World } from '../world.ts';

interface Paid {
  readonly paymentId: string;
  readonly lane: number;
  readonly offset: number;
  readonly isAgain: boolean;
  readonly key: Extract<Submission, { kind: 'transfer' }>;
}

/**
 * On the chain: every outflow of our wallets is what the log recorded, and one purchase moves money once, unless it was
 * delivered before it was made again, or the agent asked for it `again`.
 */
export const money: MakeInvariant = (world, report) => {
  const paid = new Map<string, Paid[]>();
  return {
    onUsage(usage) {
      if (usage.submission.kind !== 'transfer') return;
      const { from, nonce } = usage.submission;
      if (world.stolenUses.has(`${from}/${nonce}`) || world.lostNonces.has(nonce)) return;
      const claim = claimOf(world.history, authorizationOf(usage.submission));
      if (typeof claim === 'string') return report(`money left a wallet: ${claim}`);
      const { paymentId, lane, intent } = claim;
      const { purchase, again } = intent.event.data;
      const of = (paid.get(purchase) ?? []).filter((it) => it.paymentId !== paymentId);
      const mine = {
        paymentId,
        lane,
        offset: intent.record.offset,
        isAgain: again,
        key: usage.submission,
      };
      for (const other of of) {
        const [first, second] = other.offset < mine.offset ? [other, mine] : [mine, other];
        if (isOnChain(world, first) && !second.isAgain && !wasOver(world, first, second))
          report(`${first.paymentId} and ${second.paymentId} both paid for one purchase`);
      }
      paid.set(purchase, [...of, mine]);
    },
  };
};

/** A reorganisation may have taken it back since. */
function isOnChain({ chain }: World, { key }: Paid): boolean {
  const now = chain.read(key, chain.at('latest', 0));
  return now.usage?.submission.kind === 'transfer';
}

/** Whether, when the second was ordered, the first was delivered; or, nobody delivering those, a settled withdrawal. */
function wasOver({ history, acts }: World, first: Paid, second: Paid): boolean {
  const wasDelivered = acts.count(`delivered/${first.paymentId}`) > 0;
  return history.ofPayment(first.paymentId).some(({ event, applied, record }) => {
    if (!applied || record.offset > second.offset) return false;
    const isWithdrawal = history
      .named(first.paymentId, 'intent.submitted')
      .some((it) => it.event.data.kind === 'withdrawal');
    return (
      (event?.name === 'delivery.reported' && wasDelivered) ||
      (isWithdrawal && event?.name === 'settlement.final')
    );
  });
}

function authorizationOf(submission: Extract<Submission, { kind: 'transfer' }>) {
  const { token, from, to, value, nonce, validAfter, validBefore } = submission;
  return {
    chainId: CHAIN_ID,
    ...{ token, from, to, nonce, validAfter, validBefore },
    value: String(value),
  };
}
