import type { World } from '../world.ts';

const LOOK_MS = 1_500;

/** What happens to the replicas and to what they depend on, apart from single calls. */
export function misfortuneAtWork(world: World): void {
  const { scheduler, weather } = world;
  const dice = world.dice.fork('misfortune');
  const next = () => {
    if (!weather.isCalm) strike(world, dice);
    for (const replica of world.replicas)
      if (!replica.process.party.isAlive) world.restart(replica);
    scheduler.after(dice.between(LOOK_MS / 2, LOOK_MS * 2), 'the sky is watched', next);
  };
  scheduler.after(LOOK_MS, 'the sky is watched', next);
}

/** Once in some runs: operators put an older copy of the log back, minutes after it was made. */
export function restoreAtWork(world: World): void {
  const { scheduler, weather } = world;
  const dice = world.losses;
  if (!dice) return;
  const isOver = () => weather.isCalm;
  scheduler.after(dice.between(2, 30) * 1_000, 'a copy of the log is made', () => {
    if (isOver()) return;
    const copy = world.copyLog();
    scheduler.after(dice.between(2, 30) * 1_000, 'the copy is put back', () => {
      if (isOver()) return;
      weather.count('log restored');
      world.restoreLog(copy);
      weather.count(world.lostNonces.size > 0 ? 'signatures lost' : 'nothing signed was lost');
    });
  });
}

function strike(world: World, dice: World['dice']): void {
  const { scheduler, weather } = world;
  const replica = dice.pick(world.replicas);
  const { party } = replica.process;
  if (weather.strikes('crash')) party.isAlive = false;
  if (weather.strikes('pause')) {
    const forMs = dice.pick([300, 2_000, 12_000, 45_000, 120_000]) + dice.between(0, 500);
    party.pausedUntilMs = scheduler.nowMs + forMs;
    if (dice.chance(0.3)) party.suspendedMs += forMs;
  }
  if (weather.strikes('cutOff'))
    party.cutOffUntilMs = scheduler.nowMs + dice.pick([1_000, 8_000, 40_000]);
  if (weather.strikes('skew'))
    replica.skewMs = dice.pick([0, 0, 200, -200, 1_500, -1_500, 8_000, -8_000, 45_000, -45_000]);
  if (world.often.skews) replica.skewMs = dice.pick([0, 45_000, -45_000]);
  if (weather.strikes('logClock')) world.setLogClock(dice.between(-1_500, 1_500));
  if (weather.strikes('budgetsLost')) world.budgets.lose();
  if (weather.strikes('notifierOut')) world.notifierIsOut = !world.notifierIsOut;
  if (weather.strikes('facilitatorsOut'))
    world.facilitatorsOutUntilMs = scheduler.nowMs + dice.pick([10_000, 60_000, 180_000]);
  if (weather.strikes('eventStoreOut')) world.eventStoreIsOut = !world.eventStoreIsOut;
  if (weather.strikes('eventStoreEmptied')) world.emptyEventStore();
}

/** Faults are over: clocks are set, what stood still goes on, what had ended is started. */
export function calmDown(world: World): void {
  world.weather.isCalm = true;
  world.notifierIsOut = false;
  world.eventStoreIsOut = false;
  world.facilitatorsOutUntilMs = 0;
  world.budgets.calmDown();
  world.setLogClock(0);
  for (const replica of world.replicas) {
    replica.skewMs = 0;
    const { party } = replica.process;
    [party.pausedUntilMs, party.cutOffUntilMs] = [0, 0];
    if (!party.isAlive) world.restart(replica);
  }
}
