import type { Command } from 'commander';
import type { Open } from '../session.ts';
import { table, visible } from '../text.ts';

/** What did not count: records of the log, and messages of agents; each can be submitted once more. */
export function addResubmissionCommands(program: Command, open: Open): void {
  const ignored = program
    .command('ignored')
    .description('records of the log that did not count, with their codes')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('listIgnored');
      session.show(answer, () =>
        table(session.terminal, answer.ignored, {
          none: 'Every record counted.',
          columns: [
            { title: 'POSITION', of: (it) => it.position },
            { title: 'CODE', of: (it) => it.code },
            { title: 'KEY', of: (it) => it.detail },
          ],
        }),
      );
    });
  ignored
    .command('resubmit <position>')
    .description('append the very bytes of one once more, in the lane that is its own')
    .action(async (position: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('resubmitRecord', { body: { position } });
      const ended = answer.applied
        ? 'It counted.'
        : `It did not count (${visible(answer.code ?? '')}).`;
      session.show(answer, () => `Appended at ${visible(answer.position)}. ${ended}`);
    });
  const messages = program
    .command('messages')
    .description('messages that no agent can be held to have sent')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('listUnattributed');
      session.show(answer, () =>
        table(session.terminal, answer.messages, {
          none: 'There are no such messages.',
          columns: [
            { title: 'CAME', of: (it) => new Date(it.atMs).toISOString() },
            { title: 'PLACE', of: (it) => it.place },
            { title: 'CODE', of: (it) => it.code },
            { title: 'WHY', of: (it) => it.detail },
          ],
        }),
      );
    });
  messages
    .command('resubmit <place>')
    .description('handle one once more, however old it is, when its agent or key is known now')
    .action(async (place: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('resubmitMessage', { body: { place } });
      session.show(answer, () => outcomeText(answer));
    });
}

function outcomeText(answer: {
  readonly result: 'accepted' | 'refused' | 'unattributed';
  readonly code: string | null;
  readonly paymentId: string | null;
}): string {
  switch (answer.result) {
    case 'accepted':
      return `Accepted: ${visible(answer.paymentId ?? '')}. The agent is told what becomes of it.`;
    case 'refused':
      return `Refused (${visible(answer.code ?? '')}). The agent was told.`;
    case 'unattributed':
      return `Still nobody's (${visible(answer.code ?? '')}).`;
  }
}
