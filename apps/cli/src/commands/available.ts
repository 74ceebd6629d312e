import { toDecimal } from '@countersign/kernel';
import type { AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import type { Open } from '../session.ts';
import { table, visible } from '../text.ts';

const DECIMALS = 6;
type Answer = AnswerOf<'readAvailable'>;
type Left = Answer['limits'][number] & { readonly tier: string };

/** What an agent can still spend, limit by limit. */
export function addAvailableCommand(agent: Command, open: Open): void {
  agent
    .command('available <agent>')
    .description('what an agent can still spend now')
    .option('--task <name>', 'for a task')
    .option('--session <name>', 'in a session')
    .option('--seller <name>', 'at a registered seller')
    .action(
      async (
        name: string,
        query: { task?: string; session?: string; seller?: string },
        command: Command,
      ) => {
        const desk = open(command);
        const answer = await desk.call('readAvailable', { params: { agent: name }, query });
        desk.show(answer, () =>
          [
            ...(answer.stopped === null
              ? []
              : [desk.terminal.paint('red', `Nothing is paid now: ${visible(answer.stopped)}.`)]),
            table(desk.terminal, rowsOf(answer), {
              none: 'No limit holds for it.',
              columns: [
                { title: 'LIMIT', of: (it) => it.limit },
                { title: 'OF', of: (it) => it.scope },
                { title: 'WINDOW', of: windowText },
                { title: 'TIER', of: (it) => it.tier },
                { title: 'AMOUNT', of: (it) => amountText(it, answer.unit), right: true },
                { title: 'PAYMENTS', of: (it) => String(it.count ?? ''), right: true },
              ],
            }),
          ].join('\n'),
        );
      },
    );
}

function rowsOf({ limits, tiers }: Answer): Left[] {
  return [
    ...limits.map((it) => ({ ...it, tier: 'any' })),
    ...tiers.flatMap(({ tier, limits: ofTier }) => ofTier.map((it) => ({ ...it, tier }))),
  ];
}

function amountText({ amount }: Left, unit: string | null): string {
  return amount === undefined ? '' : `${toDecimal(BigInt(amount), DECIMALS)} ${unit ?? ''}`;
}

function windowText({ window }: Left): string {
  switch (window.kind) {
    case 'rolling':
      return `last ${window.seconds} s`;
    case 'calendar':
      return `this ${window.unit} in ${window.timeZone}`;
    case 'payment':
      return 'each payment';
    case 'lifetime':
      return 'ever';
  }
}
