import { fromDecimal, toDecimal } from '@countersign/kernel';
import type { AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import { type Open, UsageError } from '../session.ts';
import { facts, instant, table, visible } from '../text.ts';

const DECIMALS = 6;
type SessionView = AnswerOf<'readSession'>;

interface OpenOptions {
  readonly seconds: string;
  readonly ceiling?: string;
  readonly unit?: string;
}

/** Sessions: a time and an amount within which an agent may pay. */
export function addSessionCommands(program: Command, open: Open): void {
  const commands = program
    .command('session')
    .description('sessions of agents: a time and an amount to pay within');
  commands
    .command('open <agent> <session>')
    .description('open a session the agent may name; a name is used once')
    .requiredOption('--seconds <seconds>', 'how long it is open')
    .option('--ceiling <amount>', 'most its payments may come to, such as 5.00')
    .option('--unit <unit>', 'what the ceiling is in; USD when left out')
    .action(async (agent: string, name: string, options: OpenOptions, command: Command) => {
      const desk = open(command);
      const params = { agent, session: name };
      const answer = await desk.call('openSession', { params, body: termsOf(options) });
      const until = instant(answer.expiresAtMs);
      desk.show(
        answer,
        () => `Session ${visible(name)} of ${visible(agent)} is open until ${until}.`,
      );
    });
  commands
    .command('close <agent> <session>')
    .description('close a session before its time')
    .action(async (agent: string, name: string, _options: unknown, command: Command) => {
      const desk = open(command);
      const answer = await desk.call('closeSession', { params: { agent, session: name } });
      desk.show(answer, () => `Session ${visible(name)} of ${visible(agent)} is closed.`);
    });
  commands
    .command('show <agent> <session>')
    .description('one session, open or over, and what it has left')
    .action(async (agent: string, name: string, _options: unknown, command: Command) => {
      const desk = open(command);
      const answer = await desk.call('readSession', { params: { agent, session: name } });
      desk.show(answer, () => facts(desk.terminal, rowsOf(answer)));
    });
  commands
    .command('list')
    .description('open sessions, newest first')
    .option('--agent <name>', 'only of this agent')
    .action(async (options: { agent?: string }, command: Command) => {
      const desk = open(command);
      const answer = await desk.call('listSessions', { query: options });
      desk.show(answer, () =>
        table(desk.terminal, answer.sessions, {
          none: 'There are no open sessions.',
          columns: [
            { title: 'AGENT', of: (it) => it.agent },
            { title: 'SESSION', of: (it) => it.session },
            { title: 'UNTIL', of: (it) => instant(it.expiresAtMs) },
            { title: 'CEILING', of: (it) => amountText(it.ceiling, it), right: true },
            { title: 'LEFT', of: (it) => amountText(it.available, it), right: true },
          ],
        }),
      );
    });
}

function rowsOf(it: SessionView): [string, string | undefined][] {
  return [
    ['session', `${visible(it.session)} of ${visible(it.agent)}`],
    ['state', it.closedBy === null ? it.state : `${it.state} by ${visible(it.closedBy)}`],
    ['until', instant(it.expiresAtMs)],
    ['ceiling', amountText(it.ceiling, it)],
    ['spent', amountText(it.spent, it)],
    ['reserved', amountText(it.open, it)],
    ['left', amountText(it.available, it)],
    ['opened', `${instant(it.openedAtMs)} by ${visible(it.openedBy)}`],
  ];
}

function amountText(units: string | null, { unit }: Pick<SessionView, 'unit'>): string {
  if (units === null) return 'no limit';
  return `${toDecimal(BigInt(units), DECIMALS)}${unit === null ? '' : ` ${visible(unit)}`}`;
}

function termsOf({ seconds, ceiling, unit }: OpenOptions) {
  if (!/^[1-9][0-9]{0,7}$/.test(seconds))
    throw new UsageError(`"${seconds}" is no number of seconds`);
  const limited = ceiling !== undefined || unit !== undefined;
  return {
    seconds: Number(seconds),
    ...(ceiling !== undefined && { ceiling: amountOf(ceiling) }),
    ...(limited && { unit: unit ?? 'USD' }),
  };
}

/** In 10^-6 of a unit of account. */
export function amountOf(text: string): string {
  const units = fromDecimal(text, DECIMALS);
  if (units === undefined) throw new UsageError(`"${text}" is no amount such as 2.50`);
  return units.toString();
}
