import { sha256Hex } from '@countersign/kernel';

/** Every choice of a run, from its seed: sfc32, seeded by a digest so that neighbouring seeds have nothing in common. */
export class Dice {
  readonly #seed: string;
  readonly #state: Uint32Array;

  constructor(seed: string) {
    this.#seed = seed;
    const digest = sha256Hex(seed);
    this.#state = Uint32Array.from([0, 1, 2, 3], (word) =>
      Number.parseInt(digest.slice(word * 8, word * 8 + 8), 16),
    );
  }

  /** Independent dice for one part of the world, so that its choices do not shift everybody else's. */
  fork(name: string): Dice {
    return new Dice(`${this.#seed}/${name}`);
  }

  /** A number in [0, 1). */
  next(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, count = 0] = state;
    const sum = a + b + count;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    state[3] = count + 1;
    return (sum >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** An integer from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<T>(list: readonly T[]): T {
    const item = list[Math.floor(this.next() * list.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** One of `options` by weight. */
  weighted<T extends string>(options: Readonly<Record<T, number>>): T {
    const entries = Object.entries(options) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [option, weight] of entries) {
      left -= weight;
      if (left < 0) return option;
    }
    throw new RangeError('no option has a weight');
  }
}
