import type { AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import type { Open } from '../session.ts';
import { instant, table, visible } from '../text.ts';

type Scheduled = AnswerOf<'listChanges'>['changes'][number];

/** Changes that loosen and wait. */
export function addChangeCommands(program: Command, open: Open): void {
  const change = program
    .command('change')
    .description('changes that loosen and wait for their time');
  change
    .command('list')
    .description('who will loosen what, and when')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('listChanges');
      session.show(answer, () =>
        table(session.terminal, answer.changes, {
          none: 'No change is waiting.',
          columns: [
            { title: 'IN FORCE', of: (it) => instant(it.dueAtMs) },
            { title: 'BY', of: (it) => it.by },
            { title: 'CHANGE', of: (it) => it.about },
            { title: 'ID', of: (it) => it.id },
            { title: 'LOOSENS', of: (it) => it.loosens.join('; ') },
          ],
        }),
      );
    });
  change
    .command('cancel <id>')
    .description('cancel a change that waits; it never comes into force')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('cancelChange', { params: { change: id } });
      session.show(answer, () => `Change ${visible(id)} is canceled.`);
    });
}

/** What to say in place of `done` where an order has to wait. */
export function unlessWaiting(scheduled: Scheduled | undefined, done: string): string {
  if (!scheduled) return done;
  return [
    `Not yet: ${visible(scheduled.about)} comes into force at ${instant(scheduled.dueAtMs)}, because it loosens:`,
    ...scheduled.loosens.map((it) => `  ${visible(it)}`),
    `Cancel it with: countersign change cancel ${scheduled.id}`,
  ].join('\n');
}
