import { agentOf } from '@countersign/payment';
import { type Owner, TASKS } from '../cast.ts';
import { request } from '../client.ts';
import type { Dice } from '../dice.ts';
import type { World } from '../world.ts';

const MANNERS = { open: 5, close: 2, terms: 2, commit: 3, phase: 1, cost: 1, outcome: 1 };

/** An operator opens and closes tasks, changes what they may cost, commits plans and books costs. */
export async function changeTask(
  world: World,
  dice: Dice,
  { tenant, agent }: Owner,
): Promise<void> {
  const task = dice.pick(TASKS);
  const by = { tenant, person: 'owner' };
  const voucher = { tenant, by: 'owner', basis: 'established' } as const;
  const manner = dice.weighted(MANNERS);
  world.weather.count(`task: ${manner}`);
  const note = (name: string) => world.acts.note(`${name}/${tenant}`);
  switch (manner) {
    case 'close':
      return ask(world, (it) => it.tasks.close(by, agent, task));
    case 'terms':
      note('task.terms_set');
      return ask(world, (it) => it.tasks.setTerms(by, agent, task, termsFrom(dice)));
    case 'commit':
      note('task.plan_committed');
      return ask(world, ({ tasks, host }) => {
        const books = agentOf(host.laneFor(tenant, agent), tenant, agent).taskBooks;
        const digest = books.get(task)?.proposed?.digest ?? '0'.repeat(64);
        return tasks.commitPlan(by, agent, task, digest);
      });
    case 'phase':
      note('task.phase_set');
      return ask(world, (it) =>
        it.tasks.setPhase(by, agent, task, dice.pick(['exploring', 'executing'] as const)),
      );
    case 'cost':
      note('task.cost_recorded');
      return ask(world, (it) => it.tasks.recordCost(voucher, agent, task, costFrom(dice)));
    case 'outcome':
      note('outcome.recorded');
      return ask(world, (it) =>
        it.tasks.recordOutcome(voucher, agent, { ...outcomeFrom(dice), task, payments: [] }),
      );
    case 'open': {
      note('task.opened');
      const phase = dice.pick(['exploring', 'executing', 'executing'] as const);
      return ask(world, (it) => it.tasks.open(by, agent, { task, phase, ...termsFrom(dice) }));
    }
  }
}

/** What an agent says of its task: a plan, what it cost besides payments, and what came of a payment. */
export async function tellOfTask(
  world: World,
  dice: Dice,
  owner: Owner,
  paymentId: string | undefined,
): Promise<void> {
  const task = dice.pick(TASKS);
  const { tenant, agent } = owner;
  const voucher = { tenant, by: agent, basis: 'asserted' } as const;
  const manner = dice.pick(['plan', 'cost', 'outcome'] as const);
  world.weather.count(`${agent} tells: ${manner}`);
  if (manner === 'plan') {
    const plan = { text: 'first this, then that', estimate: String(dice.between(1, 30) * 100_000) };
    return ask(world, (it) => it.tasks.submitPlan(owner, task, plan));
  }
  if (manner === 'cost')
    return ask(world, (it) => it.tasks.recordCost(voucher, agent, task, costFrom(dice)));
  const payments = paymentId === undefined ? [] : [paymentId];
  return ask(world, (it) =>
    it.tasks.recordOutcome(voucher, agent, { ...outcomeFrom(dice), payments }),
  );
}

type Process = Parameters<Parameters<typeof request>[2]>[0];

async function ask(world: World, call: (process: Process) => Promise<unknown>): Promise<void> {
  await request(world, 'about a task', call);
}

/** Ceilings low enough to be reached in a run. */
function termsFrom(dice: Dice) {
  if (dice.chance(0.2)) return {};
  return {
    unit: 'USD',
    ceiling: String(dice.between(2, 60) * 100_000),
    ...(dice.chance(0.4) && { estimate: String(dice.between(1, 20) * 100_000) }),
    ...(dice.chance(0.3) && { stopAtPercent: dice.pick([100, 150, 300]) }),
  };
}

function costFrom(dice: Dice) {
  const amount = String(dice.between(0, 8) * 50_000);
  return { reference: `bill-${dice.between(1, 12)}`, kind: 'compute' as const, amount };
}

function outcomeFrom(dice: Dice) {
  const result = dice.pick(['received', 'received', 'partial', 'nothing'] as const);
  return { reference: `outcome-${dice.between(1, 30)}`, result };
}
