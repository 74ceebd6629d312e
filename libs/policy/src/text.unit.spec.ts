import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePolicyText } from './text.ts';

const warned: string[] = [];
const note = ({ message }: Error) => void warned.push(message);
beforeEach(() => process.on('warning', note));
afterEach(() => process.off('warning', note));

describe('the text of a policy', () => {
  it.each(['%never heard of\n---\n{}', '!never-heard-of {}'])(
    'writes nothing beside the log, whatever its author wrote: %j',
    async (text) => {
      expect(() => parsePolicyText(text)).toThrow('name');
      await turn();
      expect(warned).toEqual([]);
    },
  );
});
