import { quoteDigest } from '@countersign/contracts';
import type { AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import { CommandError, type Open, type Session } from '../session.ts';
import { facts, instant, money, quoted, span, table, visible } from '../text.ts';
import {
  askedUntil,
  isUntold,
  requirementText,
  resourceText,
  summary,
  traceText,
} from './payment-text.ts';

type Approval = AnswerOf<'readApproval'>;

/** Facts that are shown from the quote itself, which is what the digest binds, and not as the server words them. */
const SHOWN = new Set(['amount', 'token', 'network', 'payee', 'seller', 'trust', 'for', 'agent']);

/** What waits for people, and their yes or no. */
export function addApprovalCommands(program: Command, open: Open): void {
  program
    .command('approvals')
    .description('payments that wait for people')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('listApprovals');
      session.show(answer, () => listText(session, answer.approvals));
    });
  addGrant(program, open);
  program
    .command('veto <payment>')
    .description('stop a payment')
    .option('--reason <text>', 'why, for the log')
    .action(async (id: string, options: { reason?: string }, command: Command) => {
      const session = open(command);
      const payment = await session.call('veto', { params: { id }, body: options });
      session.show(payment, () => summary(session.terminal, payment));
    });
}

function addGrant(program: Command, open: Open): void {
  program
    .command('grant <payment>')
    .description('show exactly what would be paid, and consent to it')
    .option('-y, --yes', 'do not ask')
    .action(async (id: string, options: { yes?: boolean }, command: Command) => {
      const session = open(command);
      const approval = await session.call('readApproval', { params: { id } });
      const { quote, resource, approval: question, status } = approval.payment;
      // What is granted is what the digest names. It is made here from what is shown here.
      const shown = quoteDigest(quote, resource);
      if (shown !== approval.payment.quoteDigest)
        throw new CommandError(
          'wrong_digest',
          'What the server shows is not what would be granted',
        );
      if (!session.json) session.terminal.out(questionText(session, approval));
      if (!question)
        throw new CommandError('not_waiting', `The payment is ${status} and asks nobody`);
      if (!approval.mayGrant)
        throw new CommandError(
          'not_permitted',
          'You are not among those who can grant this payment now',
        );
      if (!(await session.confirm('Grant exactly this?', options.yes))) {
        session.terminal.out('Nothing was granted.');
        return;
      }
      const body = { quoteDigest: shown, decisionId: question.decisionId };
      const payment = await session.call('grant', { params: { id }, body });
      session.show(payment, () => grantedText(payment));
    });
}

function listText(session: Session, approvals: readonly Approval[]): string {
  const nowMs = Date.now();
  return table(session.terminal, approvals, {
    none: 'Nothing waits for people.',
    columns: [
      { title: 'PAYMENT', of: (it) => it.payment.id },
      { title: 'AGENT', of: (it) => it.payment.agent },
      { title: 'AMOUNT', of: (it) => money(it.payment.quote), right: true },
      { title: 'SELLER', of: (it) => `${it.payee.seller} (${it.payee.trust})` },
      {
        title: 'LEFT',
        of: ({ payment }) => leftText(payment, nowMs),
        right: true,
      },
      {
        title: 'YOU MAY',
        of: (it) => [it.mayGrant && 'grant', it.mayVeto && 'veto'].filter(Boolean).join(', '),
      },
      { title: 'WAITS FOR', of: ({ payment }) => waitsFor(payment) },
    ],
  });
}

function leftText({ approval }: Approval['payment'], nowMs: number): string {
  if (!approval) return '';
  return isUntold(approval) ? 'not told yet' : span(approval.dueAtMs - nowMs);
}

function waitsFor({ approval }: Approval['payment']): string {
  if (!approval) return '';
  const { requirement, grantedBy } = approval;
  const text = requirementText(requirement);
  return requirement.kind === 'quorum' ? `${text}, has ${grantedBy.length}` : text;
}

/** Established facts first, the whole address, what the rules said; the agent's own words last. */
function questionText(session: Session, it: Approval): string {
  const { terminal } = session;
  const { quote, resource, approval, agent, flags } = it.payment;
  const trust = it.payee.trust === 'unknown' ? 'red' : 'bold';
  return [
    facts(terminal, [
      ['payment', it.payment.id],
      ['agent', visible(agent)],
      ['amount', terminal.paint('bold', money(quote))],
      ['token', `${visible(quote.asset)} on ${visible(quote.network)}`],
      ['payee', terminal.paint('bold', visible(quote.payTo))],
      ['seller', terminal.paint(trust, visible(`${it.payee.seller} (${it.payee.trust})`))],
      ['for', resourceText(resource)],
      ['asked', approval && askedUntil(approval)],
      [
        'granted by',
        approval && approval.grantedBy.length > 0
          ? visible(approval.grantedBy.join(', '))
          : undefined,
      ],
      ['flags', flags.length > 0 ? terminal.paint('yellow', visible(flags.join(', '))) : undefined],
      ...it.facts
        .filter(({ name }) => !SHOWN.has(name.toLowerCase()))
        .map(({ name, value }) => [name.toLowerCase(), visible(value)] as const),
    ]),
    ...(it.trace.length > 0 ? ['', traceText(terminal, it.trace)] : []),
    ...(it.quoted === undefined ? [] : ['', `The agent says, unchecked: ${quoted(it.quoted)}`]),
    '',
  ].join('\n');
}

function grantedText({ id, status, approval, clearedUntilMs }: AnswerOf<'grant'>): string {
  if (status !== 'awaiting_approval' && status !== 'cleared') return `Granted. ${id} is ${status}.`;
  const quorum = approval?.requirement.kind === 'quorum' ? approval.requirement.quorum : 0;
  if (status === 'awaiting_approval' && approval && approval.grantedBy.length < quorum)
    return `Granted, ${approval.grantedBy.length} of ${quorum}; ${id} still waits for others.`;
  // The last grant makes the payment claimable a moment after it is recorded.
  const until = clearedUntilMs === undefined ? '' : `, until ${instant(clearedUntilMs)}`;
  return `Granted. The agent can claim ${id} with its next request${until}.`;
}
