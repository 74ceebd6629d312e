/** Where a generated case takes its choices from. */
export interface Dice {
  /** An integer from 0 to `sides` − 1. */
  roll(sides: number): number;
}

/** Choices from a seed (mulberry32), for running many cases; the seed repeats them. */
export function seededDice(seed: number): Dice {
  let state = seed >>> 0;
  return {
    roll(sides) {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
    },
  };
}

/** Choices from a list, then zeros: a property test shrinks the list, and with it the case. */
export function listedDice(choices: readonly number[]): Dice {
  let next = 0;
  return { roll: (sides) => (choices[next++] ?? 0) % sides };
}

export function pick<T>(dice: Dice, values: readonly T[]): T {
  return values[dice.roll(values.length)] as T;
}

/** Some of the values, at least one, in their order. */
export function some<T>(dice: Dice, values: readonly T[]): T[] {
  const chosen = values.filter(() => dice.roll(3) === 1);
  return chosen.length > 0 ? chosen : [pick(dice, values)];
}

export function chance(dice: Dice, oneIn: number): boolean {
  return dice.roll(oneIn) === 1 % oneIn;
}

/** The value, or nothing: as a member to spread. */
export function maybe<T extends object>(dice: Dice, oneIn: number, make: () => T): T | object {
  return chance(dice, oneIn) ? make() : {};
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
