import type { ProposeBody } from '@countersign/contracts';
import { type Payment, fixedOf } from '@countersign/payment';
import { NETWORK, type Owner, SELLERS, SESSIONS, STRANGER, TASKS, USDC } from '../cast.ts';
import { type Answer, request } from '../client.ts';
import type { Dice } from '../dice.ts';
import type { World } from '../world.ts';
import { present } from './facilitator.ts';
import { tellOfTask } from './tasks.ts';

/** Atomic units; where tiers begin and end, and beyond. */
const PRICES = [
  40_000, 60_000, 90_000, 100_000, 200_000, 450_000, 900_000, 2_500_000, 6_000_000, 21_000_000,
];
const ATTEMPTS_MAX = 14;

/** An agent, buying one thing after another, some at the same time, and never sure of anything. */
export function agentAtWork(world: World, { tenant, agent }: Owner): void {
  const owner = { tenant, agent };
  const dice = world.dice.fork(`agent ${owner.tenant}/${owner.agent}`);
  const next = () => {
    if (world.weather.isCalm) return;
    void purchase(world, owner, dice);
    const restMs = dice.between(50, world.often.failures ? 120_000 : 5_000);
    world.scheduler.after(restMs, `${owner.agent} wants something`, next);
  };
  world.scheduler.after(dice.between(0, 2_000), `${owner.agent} begins`, next);
}

interface Wish {
  readonly body: ProposeBody;
  readonly key: string | undefined;
  readonly waitMs: number;
}

async function purchase(world: World, owner: Owner, dice: Dice): Promise<void> {
  const wish = drawWish(world, dice);
  const telling = dice.chance(0.25);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const changed = attempt > 0 && dice.chance(0.06) ? withOtherPrice(wish, dice) : wish;
    const answers = [propose(world, owner, changed)];
    if (dice.chance(0.15)) answers.push(propose(world, owner, changed));
    const [answer] = await Promise.all(answers);
    if (telling && attempt === 0 && answer) {
      const paymentId = answer.kind === 'answer' ? answer.value.id : undefined;
      await tellOfTask(world, dice, owner, paymentId);
    }
    if (!answer || (await isOver(world, owner, answer, dice))) return;
    if (dice.chance(0.04)) return;
    const waitMs = dice.chance(0.15) ? untilEndMs(world, answer) : dice.between(20, 7_000);
    await world.scheduler.sleep(waitMs + dice.between(-3_000, 3_000), `${owner.agent} tries again`);
  }
}

/** An agent that comes back when its authorization is as good as over: what it then gets is renewed, or nothing. */
function untilEndMs(world: World, answer: Answer<Payment>): number {
  const fixed = answer.kind === 'answer' ? fixedOf(answer.value) : null;
  return fixed ? fixed.authorization.validBefore * 1_000 - world.scheduler.nowMs : 0;
}

function propose(
  world: World,
  owner: Owner,
  { body, key, waitMs }: Wish,
): Promise<Answer<Payment>> {
  return request(world, `${owner.agent} proposes`, async ({ intake }) => {
    const { payment } = await intake.propose(owner, body, { idempotencyKey: key, waitMs });
    return payment;
  });
}

async function isOver(
  world: World,
  owner: Owner,
  answer: Answer<Payment>,
  dice: Dice,
): Promise<boolean> {
  if (answer.kind === 'unknown') return false;
  if (answer.kind === 'refused')
    return !['payment_unresolved', 'too_many_open_payments', 'stale_ordinal'].includes(answer.code);
  const payment = answer.value;
  const { phase, id } = payment;
  if (phase.status === 'ended' && phase.how !== 'settled') return true;
  const signature = 'signature' in phase ? phase.signature : null;
  const fixed = fixedOf(payment);
  if (signature === null || !fixed) return false;
  world.checker.onBearer(id, fixed.authorization, signature);
  if (fixed.renewals > 0) world.weather.count('agents: renewal');
  present(world, { ...fixed.authorization, value: BigInt(fixed.authorization.value), signature });
  if (!dice.chance(0.65)) return dice.chance(0.5);
  world.acts.note(`delivered/${id}`);
  await world.scheduler.sleep(dice.between(0, 3_000), 'the seller delivers');
  await request(world, `${owner.agent} reports delivery`, ({ intake }) =>
    intake.reportDelivery(owner, id, { status: 200 }),
  );
  return true;
}

function drawWish({ often }: World, dice: Dice): Wish {
  const seller = dice.pick(SELLERS.slice(0, dice.chance(0.06) ? 4 : 3));
  const path = dice.pick(['/v1/a', '/v1/b', '/v1/bulk/c', '/free']);
  const body: ProposeBody = {
    quote: {
      scheme: dice.chance(0.01) ? 'upto' : 'exact',
      network: NETWORK,
      asset: USDC,
      amount: String(dice.pick(PRICES.slice(0, dice.pick([4, 7, 7, 10])))),
      payTo: dice.chance(0.05) ? STRANGER : seller.payTo,
      maxTimeoutSeconds: dice.pick([12, 60, 300]),
    },
    resource: { method: 'GET', url: `https://${seller.domain}${path}` },
    ...(dice.chance(often.tasks ? 0.95 : 0.35) && { task: dice.pick(TASKS) }),
    ...(dice.chance(often.sessions ? 0.9 : 0.2) && { session: dice.pick(SESSIONS) }),
    ...(dice.chance(0.1) && { category: dice.pick(['data', 'gambling']) }),
    ...(dice.chance(0.1) && { expectedAmount: '80000' }),
    ...(dice.chance(0.1) && { purpose: 'because I was told to' }),
    ...(dice.chance(0.08) && { again: true }),
  };
  const key = dice.chance(0.5) ? `key-${dice.between(1, 1_000_000)}` : undefined;
  return { body, key, waitMs: dice.pick([0, 0, 4_000]) };
}

function withOtherPrice(wish: Wish, dice: Dice): Wish {
  const quote = { ...wish.body.quote, amount: String(dice.pick(PRICES)) };
  return { ...wish, body: { ...wish.body, quote } };
}
