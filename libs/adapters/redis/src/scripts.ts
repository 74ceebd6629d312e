import { readFileSync } from 'node:fs';

const textOf = (name: string) =>
  readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
const joined = (...names: string[]) => names.map(textOf).join('\n');

/** Every operation as one script over the keys of one tenant: it happens whole, or not at all. */
export const SCRIPTS = {
  reserve: joined('fence', 'counter', 'readings', 'payment', 'reserve'),
  end: joined('fence', 'counter', 'readings', 'payment', 'end'),
  read: joined('fence', 'counter', 'readings', 'read'),
  open: joined('fence', 'open'),
  enter: joined('enter'),
  adopt: joined('adopt'),
} as const;

export type ScriptName = keyof typeof SCRIPTS;
