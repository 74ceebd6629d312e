import { PaymentStatus } from '@countersign/contracts';
import type { AnswerOf } from '@countersign/sdk';
import { type Command, Option } from 'commander';
import { type Open, type Session, UsageError } from '../session.ts';
import { instant, money, span, table, visible } from '../text.ts';
import { unknownAgentNote } from './known-agent.ts';
import { auditText, statusStyle, summary, traceText } from './payment-text.ts';

interface ListOptions {
  readonly agent?: string;
  readonly status?: PaymentStatus;
  readonly limit: number;
}

/** Payments as a list, and the story of one. */
export function addPaymentCommands(program: Command, open: Open): void {
  program
    .command('payments')
    .description('payments, newest first')
    .option('--agent <name>', 'only of this agent')
    .addOption(
      new Option('--status <status>', 'only in this status').choices(PaymentStatus.options),
    )
    .addOption(new Option('--limit <count>', 'at most so many').default(50).argParser(limitOf))
    .action(async ({ agent, status, limit }: ListOptions, command: Command) => {
      const session = open(command);
      const answer = await session.call('listPayments', { query: { agent, status, limit } });
      const note = answer.payments.length > 0 ? '' : await unknownAgentNote(session, agent);
      session.show(
        answer,
        () =>
          table(session.terminal, answer.payments, {
            none: 'There are no such payments.',
            columns: [
              { title: 'SUBMITTED', of: (it) => instant(it.submittedAtMs) },
              { title: 'PAYMENT', of: (it) => it.id },
              { title: 'AGENT', of: (it) => it.agent },
              { title: 'AMOUNT', of: (it) => money(it.quote), right: true },
              { title: 'STATUS', of: (it) => it.status, style: (it) => statusStyle(it.status) },
              { title: 'WHY', of: (it) => it.code ?? it.reasons.join(', ') },
              { title: 'FOR', of: (it) => `${it.resource.method} ${it.resource.url}` },
            ],
          }) + note,
      );
    });
  program
    .command('explain <payment>')
    .description('everything that was recorded about a payment, and why')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('explainPayment', { params: { id } });
      session.show(answer, () => story(session, answer));
    });
}

/** The records in their order, each with its distance from the first. */
function story(session: Session, { payment, entries }: AnswerOf<'explainPayment'>): string {
  const { terminal } = session;
  const startMs = entries[0]?.atMs ?? payment.submittedAtMs;
  const lines = entries.flatMap((entry) => {
    const time = `${new Date(entry.atMs).toISOString().slice(11, 23)}`;
    const after = entry.atMs === startMs ? '' : `, ${afterText(entry.atMs - startMs)} later`;
    const ignored =
      entry.ignored === null
        ? ''
        : ` ${terminal.paint('yellow', `did not count (${visible(entry.ignored)})`)}`;
    const place = terminal.paint('dim', `record ${visible(entry.position)}${after}`);
    return [
      '',
      `${time}  ${terminal.paint('bold', visible(entry.event))}${ignored}  ${place}`,
      indented(visible(entry.says)),
      ...(entry.trace && entry.trace.length > 0
        ? [indented(traceText(terminal, entry.trace))]
        : []),
      ...(entry.audit ? [indented(terminal.paint('dim', auditText(entry.audit)))] : []),
    ];
  });
  return [
    summary(terminal, payment),
    '',
    terminal.paint('dim', `What was recorded, from ${instant(startMs)} on:`),
    ...lines,
  ].join('\n');
}

function afterText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(3)} s` : span(ms);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, ' '.repeat(14));
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (/^[0-9]{1,3}$/.test(text) && limit >= 1 && limit <= 200) return limit;
  throw new UsageError(`"${text}" is no limit from 1 to 200`);
}
