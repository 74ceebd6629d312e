import { decodeEvent } from '@countersign/contracts';
import { FINAL_DEPTH } from '../chain.ts';
import type { MakeInvariant } from './invariant.ts';

const SKEW_MAX_MS = 30_000;

/** A time by which something was so, from a moment of the world on. */
interface Since {
  readonly fromMs: number;
  readonly value: number;
}

/**
 * Nobody fixes an authorization whose clock differs by more than 30 s from the time of the block it looked at: at no moment
 * between that block and the record did it differ by less. When exactly it looked only the process knows.
 */
export const skew: MakeInvariant = (world, report) => {
  /** By replica, how far its clock was off, and by number when a block had which time: reorganisations change it. */
  const skews = new Map<string, Since[]>();
  const blocks = new Map<number, Since[]>();
  let head = '';
  const note = <K>(all: Map<K, Since[]>, key: K, value: number) => {
    const before = all.get(key) ?? [];
    if (before.at(-1)?.value === value) return;
    all.set(key, [...before, { fromMs: world.scheduler.nowMs, value }]);
  };
  return {
    onStep() {
      for (const { name, skewMs } of world.replicas) note(skews, name, skewMs);
      const { number, hash } = world.chain.at('latest', 0);
      if (hash === head) return;
      head = hash;
      for (let at = Math.max(0, number - FINAL_DEPTH); at <= number; at += 1)
        note(blocks, at, world.chain.block(at).timeMs);
    },
    onAppend({ name }, { bytes }) {
      const event = decodeEvent(bytes);
      if ('undecodable' in event || event.name !== 'authorization.fixed') return;
      const { atBlock, paymentId } = event.data;
      const periods = skews.get(name) ?? [{ fromMs: 0, value: 0 }];
      const differences = (blocks.get(atBlock) ?? []).map(({ fromMs, value: blockMs }) =>
        leastDifference(periods, { fromMs, toMs: world.scheduler.nowMs }, blockMs),
      );
      const leastMs = Math.min(...differences);
      if (differences.length > 0 && leastMs > SKEW_MAX_MS)
        report(`${name} fixed ${paymentId} with a clock ${leastMs} ms off block ${atBlock}`);
    },
  };
};

/** The least that a clock which was off by these, one after the other, differed from a time within a while. */
function leastDifference(
  skews: readonly Since[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  timeMs: number,
): number {
  const differences = skews.flatMap(({ fromMs: sinceMs, value }, index) => {
    const first = Math.max(fromMs, sinceMs) + value;
    const last = Math.min(toMs, skews[index + 1]?.fromMs ?? Infinity) + value;
    return first > last ? [] : [Math.max(first - timeMs, timeMs - last, 0)];
  });
  return Math.min(...differences);
}
