import type { SignedTransfer } from '@countersign/ports';
import type { World } from '../world.ts';

const BLOCK_MS = 2_000;

/**
 * Whoever holds a signed authorization (seller, facilitator, thief) brings it to the chain: at once, in the last moment,
 * twice, after it is worthless, or never.
 */
export function present(world: World, transfer: SignedTransfer): void {
  const { dice, scheduler, chain } = world;
  const untilEndMs = transfer.validBefore * 1_000 - scheduler.nowMs;
  const submit = (delayMs: number) =>
    scheduler.after(delayMs, 'an authorization is presented', () => {
      if (!world.facilitatorsFail()) chain.submit({ kind: 'transfer', ...transfer });
    });
  const manner = dice.weighted({ prompt: 6, last: 2, twice: 1, dead: 1, never: 2 });
  world.weather.count(`presented: ${manner}`);
  if (manner === 'prompt' || manner === 'twice') submit(dice.between(0, 3_000));
  if (manner === 'twice') submit(dice.between(0, 30_000));
  if (manner === 'last') submit(untilEndMs - dice.between(0, 3 * BLOCK_MS));
  if (manner === 'dead') submit(untilEndMs + dice.between(0, 60_000));
}

/** Blocks come one after another, and sometimes other ones take their place. */
export function chainAtWork(world: World): void {
  const dice = world.dice.fork('chain traffic');
  const { scheduler, chain, weather } = world;
  const next = () => {
    chain.mine(scheduler.nowMs);
    if (weather.strikes('reorg')) chain.reorganise(dice.between(1, 7), scheduler.nowMs);
    scheduler.after(BLOCK_MS + dice.between(-200, 200), 'a block', next);
  };
  scheduler.after(BLOCK_MS, 'a block', next);
}
