import { Dice } from './dice.ts';

/** Seeds 1 to 8 are a group, 9 to 16 the next. */
const GROUP = 8;

/**
 * Whose turn it is with something that only some runs have: every number from 0 to 7 comes once in a group of seeds. In
 * which order is drawn anew for each group, so that what is rare meets in ever other combinations; but that a run of all
 * seeds of a group has everything is no luck.
 */
export function turnOf(seed: number, what: string): number {
  const shift = new Dice(`group/${groupOf(seed)}/${what}`).between(0, GROUP - 1);
  return (seed + shift) % GROUP;
}

/** Whether all seeds of a group are among these. */
export function holdGroup(seeds: Iterable<number>): boolean {
  const groups = new Map<number, number>();
  for (const seed of new Set(seeds)) {
    const group = groupOf(seed);
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  return [...groups.values()].includes(GROUP);
}

function groupOf(seed: number): number {
  return Math.floor((seed - 1) / GROUP);
}
