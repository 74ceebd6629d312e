import { CostKind, OutcomeResult, TaskPhase } from '@countersign/contracts';
import { toDecimal } from '@countersign/kernel';
import type { AnswerOf } from '@countersign/sdk';
import { type Command, Option } from 'commander';
import { type Open, type Session, UsageError } from '../session.ts';
import { facts, instant, quoted, table, visible } from '../text.ts';
import { readText } from './files.ts';
import { amountOf } from './sessions.ts';

const DECIMALS = 6;
type Task = AnswerOf<'listTasks'>['tasks'][number];

interface TermOptions {
  readonly unit?: string;
  readonly ceiling?: string;
  readonly estimate?: string;
  readonly stopAtPercent?: string;
}

/** Tasks: what they may cost, how far they have come, what they cost and what came of them. */
export function addTaskCommands(program: Command, open: Open): void {
  const task = program.command('task').description('tasks of agents, and what they may cost');
  addOpening(task, open);
  addPlan(task, open);
  addReports(task, open);
  addReading(task, open);
}

function addOpening(task: Command, open: Open): void {
  withTerms(task.command('open <agent> <task>').description('open a task the agent may name'))
    .option('--explore', 'nothing is paid before a person has committed its plan')
    .action(
      async (
        agent: string,
        name: string,
        options: TermOptions & { explore?: true },
        command: Command,
      ) => {
        const session = open(command);
        const phase = options.explore ? 'exploring' : 'executing';
        const body = { task: name, phase, ...termsOf(options) } as const;
        const answer = await session.call('openTask', { params: { agent }, body });
        session.show(answer, () => `Task ${visible(name)} of ${visible(agent)} is ${phase}.`);
      },
    );
  withTerms(
    task
      .command('terms <agent> <task>')
      .description('replace what it may cost; what is left out is no longer limited'),
  ).action(async (agent: string, name: string, options: TermOptions, command: Command) => {
    const session = open(command);
    const body = termsOf(options);
    const answer = await session.call('setTaskTerms', { params: { agent, task: name }, body });
    session.show(answer, () => `Task ${visible(name)} of ${visible(agent)} has new terms.`);
  });
  task
    .command('close <agent> <task>')
    .description('close a task: nothing more is paid for it')
    .action(async (agent: string, name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('closeTask', { params: { agent, task: name } });
      session.show(answer, () => `Task ${visible(name)} of ${visible(agent)} is done.`);
    });
  task
    .command('phase <agent> <task>')
    .description('begin execution of a planned task, or send it back to exploring')
    .addOption(
      new Option('--to <phase>', 'the next phase')
        .choices(['exploring', 'executing'])
        .makeOptionMandatory(),
    )
    .action(
      async (
        agent: string,
        name: string,
        { to }: { to: 'exploring' | 'executing' },
        command: Command,
      ) => {
        const session = open(command);
        const answer = await session.call('setTaskPhase', {
          params: { agent, task: name },
          body: { to },
        });
        session.show(answer, () => `Task ${visible(name)} of ${visible(agent)} is ${to}.`);
      },
    );
}

function addPlan(task: Command, open: Open): void {
  const plan = task.command('plan').description('what an agent means to do');
  plan
    .command('submit <agent> <task>')
    .description('submit the plan in a file, as the agent')
    .requiredOption('--file <file>', 'where the plan is')
    .option('--estimate <amount>', 'what it will cost, such as 2.50')
    .action(
      async (
        agent: string,
        name: string,
        { file, estimate }: { file: string; estimate?: string },
        command: Command,
      ) => {
        const session = open(command);
        const text = await readText(file);
        const answer = await session.call('submitPlan', {
          params: { agent, task: name },
          body: { text, ...(estimate !== undefined && { estimate: amountOf(estimate) }) },
        });
        session.show(answer, () => `Plan ${answer.plan} waits for a person to commit it.`);
      },
    );
  plan
    .command('commit <agent> <task>')
    .description('commit the plan that is shown')
    .option('--yes', 'do not ask')
    .action(async (agent: string, name: string, options: { yes?: true }, command: Command) => {
      const session = open(command);
      const params = { agent, task: name };
      const { plan: shown, unit } = await session.call('readTask', { params });
      if (!shown) throw new UsageError('there is no plan to commit');
      if (!options.yes)
        session.terminal.err(
          [
            `Plan ${shown.digest}, estimated at ${amountText(shown.estimate, unit)}:`,
            quoted(shown.text ?? 'its text was erased'),
          ].join('\n'),
        );
      if (!(await session.confirm('Commit this plan?', options.yes))) return;
      const answer = await session.call('commitPlan', { params, body: { plan: shown.digest } });
      session.show(answer, () => `Task ${visible(name)} of ${visible(agent)} is planned.`);
    });
}

interface CostOptions {
  readonly amount: string;
  readonly reference: string;
  readonly kind: (typeof CostKind.options)[number];
  readonly note?: string;
}
interface OutcomeOptions {
  readonly reference: string;
  readonly result: OutcomeResult;
  readonly task?: string;
  readonly value?: string;
  readonly note?: string;
}

function addReports(task: Command, open: Open): void {
  task
    .command('cost <agent> <task>')
    .description('record a cost that is no payment; it counts against the task')
    .requiredOption('--amount <amount>', "in the task's unit, such as 2.50")
    .requiredOption('--reference <text>', 'names it; the same one again is the same cost')
    .addOption(new Option('--kind <kind>', 'what for').choices(CostKind.options).default('other'))
    .option('--note <text>', 'words for people')
    .action(
      async (
        agent: string,
        name: string,
        { amount, reference, kind, note }: CostOptions,
        command: Command,
      ) => {
        const session = open(command);
        const body = { reference, kind, amount: amountOf(amount), ...(note && { note }) };
        const answer = await session.call('recordCost', { params: { agent, task: name }, body });
        session.show(answer, () => `Cost ${visible(reference)} is recorded.`);
      },
    );
  task
    .command('outcome <agent> [payments...]')
    .description('record what came of payments, of a task, or of both')
    .requiredOption('--reference <text>', 'names it; the same one again is the same outcome')
    .addOption(
      new Option('--result <result>', 'what came back')
        .choices(OutcomeResult.options)
        .makeOptionMandatory(),
    )
    .option('--task <task>', 'the task they were for')
    .option('--value <amount>', "what it is worth, in the task's unit")
    .option('--note <text>', 'words for people')
    .action(
      async (agent: string, payments: string[], options: OutcomeOptions, command: Command) => {
        const session = open(command);
        const { value, ...report } = options;
        const worth = value === undefined ? {} : { value: amountOf(value) };
        const body = { ...report, payments, ...worth };
        const answer = await session.call('recordOutcome', { params: { agent }, body });
        session.show(answer, () => `Outcome ${visible(options.reference)} is recorded.`);
      },
    );
}

function addReading(task: Command, open: Open): void {
  task
    .command('list')
    .description('tasks, newest first')
    .option('--agent <name>', 'only of this agent')
    .addOption(new Option('--phase <phase>', 'only in this phase').choices(TaskPhase.options))
    .action(async (options: { agent?: string; phase?: TaskPhase }, command: Command) => {
      const session = open(command);
      const answer = await session.call('listTasks', { query: options });
      session.show(answer, () =>
        table(session.terminal, answer.tasks, {
          none: 'There are no such tasks.',
          columns: [
            { title: 'AGENT', of: (it) => it.agent },
            { title: 'TASK', of: (it) => it.task },
            { title: 'PHASE', of: phaseText, style: (it) => (it.stopped ? 'red' : undefined) },
            { title: 'COST', of: (it) => amountText(costOf(it), it.unit), right: true },
            { title: 'CEILING', of: (it) => amountText(it.ceiling, it.unit), right: true },
            { title: 'LEFT', of: (it) => amountText(it.available, it.unit), right: true },
            { title: 'VALUE', of: (it) => amountText(valueOf(it), it.unit), right: true },
          ],
        }),
      );
    });
  task
    .command('show <agent> <task>')
    .description('one task with its plan, costs, payments and outcomes')
    .action(async (agent: string, name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('readTask', { params: { agent, task: name } });
      session.show(answer, () => taskText(session, answer));
    });
  task
    .command('nothing-came-back')
    .description('settled payments with neither delivery nor outcome')
    .option('--agent <name>', 'only of this agent')
    .option('--older-than <seconds>', 'settled at least so long ago', '3600')
    .action(async (options: { agent?: string; olderThan: string }, command: Command) => {
      const session = open(command);
      const olderThanSeconds = wholeOf(options.olderThan);
      const { agent } = options;
      const answer = await session.call('listNothingBack', { query: { agent, olderThanSeconds } });
      session.show(answer, () =>
        table(session.terminal, answer.payments, {
          none: 'Something came back for every payment.',
          columns: [
            { title: 'SETTLED', of: (it) => instant(it.settledAtMs) },
            { title: 'PAYMENT', of: ({ payment }) => payment.id },
            { title: 'AGENT', of: ({ payment }) => payment.agent },
            { title: 'AMOUNT', of: ({ payment }) => payment.amount, right: true },
            { title: 'SAID', of: ({ payment }) => payment.outcome?.result ?? 'no word' },
            {
              title: 'FOR',
              of: ({ payment }) => `${payment.resource.method} ${payment.resource.url}`,
            },
          ],
        }),
      );
    });
}

function taskText(session: Session, it: AnswerOf<'readTask'>): string {
  const { terminal } = session;
  const { plan, unit } = it;
  const stop = `${amountText(it.stopAt, unit)} (${it.stopAtPercent ?? 0} % of the estimate)`;
  const committed = plan?.committed ? 'committed' : 'not committed';
  return [
    facts(terminal, [
      ['task', `${visible(it.task)} of ${visible(it.agent)}`],
      ['phase', phaseText(it)],
      ['ceiling', amountText(it.ceiling, unit)],
      ['stops at', it.stopAt === null ? undefined : stop],
      ['spent', amountText(it.spent, unit)],
      ['reserved', amountText(it.open, unit)],
      ['reported', `${amountText(it.reported.established, unit)} by people`],
      ['', `${amountText(it.reported.asserted, unit)} by the agent`],
      ['left', terminal.paint('bold', amountText(it.available, unit))],
      ['value', `${amountText(it.value.established, unit)} by people`],
      ['', `${amountText(it.value.asserted, unit)} by the agent`],
      ['opened', `${instant(it.openedAtMs)} by ${visible(it.openedBy)}`],
      ['plan', plan ? `${committed}, ${plan.digest}` : undefined],
      ['', plan?.text === undefined ? undefined : quoted(plan.text)],
    ]),
    ...it.costs.map(
      ({ reference, kind, amount, basis, by }) =>
        `cost     ${amountText(amount, unit)} for ${kind}, ${visible(reference)} (${basis} by ${visible(by)})`,
    ),
    ...it.payments.map(({ id, amount, status }) => `payment  ${amount}, ${status}, ${id}`),
    ...it.outcomes.map(
      ({ reference, result, basis, by }) =>
        `outcome  ${result}, ${visible(reference)} (${basis} by ${visible(by)})`,
    ),
  ].join('\n');
}

function phaseText({ phase, stopped }: Pick<Task, 'phase' | 'stopped'>): string {
  return stopped ? `${phase}, stopped` : phase;
}

function costOf({ spent, open, reported }: Task): string {
  const all = [spent, open, reported.established, reported.asserted];
  return all.reduce((sum, it) => sum + BigInt(it), 0n).toString();
}

function valueOf({ value }: Task): string {
  return (BigInt(value.established) + BigInt(value.asserted)).toString();
}

function amountText(units: string | null, unit: string | null): string {
  if (units === null) return 'none';
  return `${toDecimal(BigInt(units), DECIMALS)}${unit === null ? '' : ` ${visible(unit)}`}`;
}

function withTerms(command: Command): Command {
  return command
    .option('--unit <unit>', 'what it counts in; USD when an amount is given')
    .option('--ceiling <amount>', 'most it may cost, such as 5.00')
    .option('--estimate <amount>', 'what it is expected to cost')
    .option('--stop-at-percent <percent>', 'of the estimate; 200 when left out');
}

function termsOf({ unit, ceiling, estimate, stopAtPercent }: TermOptions) {
  const limited = [ceiling, estimate, stopAtPercent].some((it) => it !== undefined);
  if (unit === undefined && !limited) return {};
  return {
    unit: unit ?? 'USD',
    ...(ceiling !== undefined && { ceiling: amountOf(ceiling) }),
    ...(estimate !== undefined && { estimate: amountOf(estimate) }),
    ...(stopAtPercent !== undefined && { stopAtPercent: wholeOf(stopAtPercent) }),
  };
}

function wholeOf(text: string): number {
  if (/^[0-9]{1,8}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is no whole number`);
}
