import type { Command } from 'commander';
import type { Open } from '../session.ts';
import { table, visible } from '../text.ts';

/** The log itself. */
export function addLogCommands(program: Command, open: Open): void {
  program
    .command('heads')
    .description(
      'length and running hash of every lane; two copies of a log that agree here agree in all',
    )
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('readHeads');
      session.show(answer, () =>
        [
          `log ${visible(answer.logId)}`,
          '',
          table(session.terminal, answer.lanes, {
            none: 'There are no lanes.',
            columns: [
              { title: 'LANE', of: (it) => it.lane },
              { title: 'LENGTH', of: (it) => String(it.length), right: true },
              { title: 'HEAD', of: (it) => it.head },
            ],
          }),
        ].join('\n'),
      );
    });
}
