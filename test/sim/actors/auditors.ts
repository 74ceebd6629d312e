import { request } from '../client.ts';
import type { World } from '../world.ts';

/** Auditors ask for what has just happened: whatever a replica had folded when it was asked must be in the event store. */
export function auditorsAtWork(world: World): void {
  const dice = world.dice.fork('auditors');
  const next = () => {
    if (world.weather.isCalm) return;
    void ask(world);
    world.scheduler.after(dice.between(2_000, 30_000), 'an auditor begins', next);
  };
  world.scheduler.after(5_000, 'auditors begin', next);
}

async function ask(world: World): Promise<void> {
  const answer = await request(world, 'an auditor asks', async ({ name, host, archive }) => {
    const folded = host.lanes.map(({ lane, next }) => [String(lane), next] as const);
    const { ends } = (await archive.upToDate()).archived;
    const missing = folded.filter(([lane, next]) => (ends.get(lane) ?? 0) < next);
    return missing.map(([lane, next]) => `${name} had folded ${lane} up to ${next}`);
  });
  world.weather.count(`audits: ${answer.kind}`);
  if (answer.kind !== 'answer') return;
  for (const account of answer.value)
    world.checker.fail('archive', `${account}, and an auditor did not find it`);
}
