import { describe, expect, it } from 'vitest';
import { SharedLook } from './shared-look.ts';

/** A look that is over when the test says so. */
function looking() {
  const looks: PromiseWithResolvers<void>[] = [];
  const look = new SharedLook(() => {
    const one = Promise.withResolvers<void>();
    looks.push(one);
    return one.promise;
  });
  return { look, looks };
}

describe('a shared look', () => {
  it('is one for all who asked after it began, and for each of them the next one', async () => {
    const { look, looks } = looking();
    const first = look.taken();
    const others = [look.taken(), look.taken()];
    looks[0]?.resolve();
    await first;
    await Promise.resolve();
    expect(looks).toHaveLength(2);
    looks[1]?.resolve();
    await Promise.all(others);
    expect(looks).toHaveLength(2);
  });

  it('fails for those whose look it was', async () => {
    const { look, looks } = looking();
    const [first, second] = [look.taken(), look.taken()];
    looks[0]?.reject(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await Promise.resolve();
    looks[1]?.resolve();
    await expect(second).resolves.toBeUndefined();
  });

  it('keeps nobody waiting because another asks again and again', async () => {
    let count = 0;
    const look = new SharedLook(async () => {
      count += 1;
      await Promise.resolve();
    });
    let isOver = false;
    const greedy = (async () => {
      while (!isOver && count < 1_000) await look.taken();
    })();
    await Promise.resolve();
    await look.taken();
    isOver = true;
    await greedy;
    expect(count).toBeLessThan(10);
  });
});
