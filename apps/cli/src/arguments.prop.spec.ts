import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from './cli.ts';
import { type Desk, startDesk } from './testing/desk.ts';

/** Names of commands and options, without those that write files or call elsewhere. */
const WORDS = [
  ...['payment', 'payments', 'explain', 'agent', 'person', 'task', 'wallet', 'seller', 'policy'],
  ...[
    'ignored',
    'messages',
    'resubmit',
    'heads',
    'freeze',
    'unfreeze',
    'approvals',
    'grant',
    'veto',
  ],
  ...['add', 'list', 'show', 'put', 'activate', 'keys', 'create', 'register', 'search', 'spend'],
  ...['--json', '--roles', '--wallet', '--reason', '--none', '--limit', '--help', '--yes', '--'],
];

let desk: Desk;
beforeEach(async () => {
  desk = await startDesk({});
});
afterEach(() => desk[Symbol.asyncDispose]());

describe('a command line', () => {
  it('ends with 0, 1 or 2 and a sentence, whatever it is', async () => {
    const word = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...WORDS) },
      fc.string({ maxLength: 30 }),
      fc.constantFrom('', '-', '\u0000', '\u202e', '../x', '$(x)', '-1', '1e9', 'default:0:1'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 7 }), async (args) => {
        const said: string[] = [];
        const say = (text: string) => void said.push(text);
        const code = await run(args, {
          config: { url: desk.server.url, credentialFile: '/nowhere/credential', plain: true },
          terminal: { out: say, err: say, paint: (_, text) => text },
        });
        expect([0, 1, 2]).toContain(code);
        expect(said.join('\n')).not.toMatch(/^\s+at .+:\d+:\d+/m);
        expect(said.join('')).not.toBe('');
      }),
      { numRuns: 300 },
    );
  });
});
