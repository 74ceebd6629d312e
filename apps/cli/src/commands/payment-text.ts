import { appliesOrNot } from '@countersign/contracts';
import { toDecimal } from '@countersign/kernel';
import type { AnswerOf, PaymentView } from '@countersign/sdk';
import type { Style, Terminal } from '../terminal.ts';
import { facts, instant, money, span, visible } from '../text.ts';

type Verdict = AnswerOf<'evaluatePolicy'>;
type TraceLine = Verdict['trace'][number];
type Paint = Pick<Terminal, 'paint'>;

/** The colour of a status: green for paid, red for stopped, yellow for what still may become either. */
export function statusStyle(status: PaymentView['status']): Style {
  switch (status) {
    case 'settled':
    case 'signed':
      return 'green';
    case 'denied':
    case 'vetoed':
    case 'frozen':
    case 'refused':
    case 'mismatched':
      return 'red';
    case 'expired':
    case 'void':
    case 'canceled':
      return 'dim';
    default:
      return 'yellow';
  }
}

/** What people are asked to do, in words. */
export function requirementText(requirement: Verdict['requirement']): string {
  switch (requirement.kind) {
    case 'none':
      return 'nobody is asked';
    case 'veto_window':
      return `people may veto it for ${span(requirement.windowMs)}`;
    case 'quorum': {
      const { quorum, approvers, timeoutMs } = requirement;
      return `${quorum} of ${visible(approvers.join(', '))} within ${span(timeoutMs)}`;
    }
  }
}

/** What people are asked, and until when. A veto window opens when somebody was told; until then that is what is due. */
export function askedUntil(approval: NonNullable<PaymentView['approval']>): string {
  const { requirement, dueAtMs } = approval;
  const asked = requirementText(requirement);
  if (isUntold(approval))
    return `${asked} once they are told, which is at ${instant(dueAtMs)} at the latest`;
  return `${asked}, until ${instant(dueAtMs)}`;
}

/** Whether there is a veto window that has not opened, since nobody has been told yet. */
export function isUntold({
  requirement,
  openedAtMs,
}: NonNullable<PaymentView['approval']>): boolean {
  return requirement.kind === 'veto_window' && openedAtMs === null;
}

/** Rule by rule, whether it was met and why. */
export function traceText(terminal: Paint, trace: readonly TraceLine[]): string {
  return trace
    .map(({ rule, met, why }) => {
      const failed = appliesOrNot({ rule })
        ? terminal.paint('dim', '·')
        : terminal.paint('red', '✗');
      const mark = met ? terminal.paint('green', '✓') : failed;
      return `${mark} ${visible(rule)}: ${visible(why)}`;
    })
    .join('\n');
}

/** How the tier has the decision recorded. */
export function auditText({ depth, profile }: NonNullable<Verdict['audit']>): string {
  const rules = depth === 'decisive' ? 'only the rules that were met' : 'every rule';
  const kept = profile === undefined ? '' : `, record profile ${visible(profile)}`;
  return `Recorded: ${rules}${kept}`;
}

/** What is bought, with the digest of the body where there is one. */
export function resourceText({ method, url, bodyDigest }: PaymentView['resource']): string {
  const body = bodyDigest === undefined ? '' : `\nbody with SHA-256 ${visible(bodyDigest)}`;
  return `${method} ${visible(url)}${body}`;
}

/** One payment in full: what, to whom, for what, how it stands and why. */
export function summary(terminal: Paint, payment: PaymentView): string {
  const { quote, status, settlement, approval } = payment;
  const settled =
    settlement &&
    `${settlement.level} in block ${settlement.blockNumber}, transaction ${visible(settlement.transactionHash)}`;
  return facts(terminal, [
    ['payment', payment.id],
    ['agent', visible(payment.agent)],
    ['status', terminal.paint(statusStyle(status), status) + endText(payment)],
    ['amount', terminal.paint('bold', money(quote))],
    ['to', `${visible(quote.payTo)} on ${visible(quote.network)}`],
    ['for', resourceText(payment.resource)],
    ['submitted', instant(payment.submittedAtMs)],
    ['task', payment.task && taskText(payment.task)],
    ['session', payment.session && sessionText(payment.session)],
    ['outcome', payment.outcome && `${payment.outcome.result} (${payment.outcome.basis})`],
    ['tier', payment.tier === null ? undefined : visible(payment.tier)],
    ['flags', payment.flags.length > 0 ? visible(payment.flags.join(', ')) : undefined],
    ['reasons', payment.reasons.length > 0 ? visible(payment.reasons.join(', ')) : undefined],
    ['asked', approval && askedText(approval)],
    [
      'claim until',
      payment.clearedUntilMs === undefined ? undefined : instant(payment.clearedUntilMs),
    ],
    ['settled', settled],
    ['delivered', deliveryText(payment)],
    ['instead', payment.alternative === undefined ? undefined : visible(payment.alternative)],
  ]);
}

function deliveryText({ kind, status, delivered }: PaymentView): string | undefined {
  if (kind !== 'payment' || (status !== 'signed' && status !== 'settled')) return undefined;
  return delivered ? 'yes' : 'not reported';
}

function endText({ code, status, stop }: PaymentView): string {
  const why = code !== null && code !== status ? ` (${visible(code)})` : '';
  return stop === undefined ? why : `${why}, ${stop} too late: its authorization was fixed`;
}

function askedText(approval: NonNullable<PaymentView['approval']>): string {
  const granted =
    approval.grantedBy.length > 0 ? `; granted by ${visible(approval.grantedBy.join(', '))}` : '';
  return `${askedUntil(approval)}${granted}`;
}

function taskText({ task, phase, unit, available }: NonNullable<PaymentView['task']>): string {
  const left =
    available === null ? '' : `, ${toDecimal(BigInt(available), 6)} ${visible(unit ?? '')} left`;
  return `${visible(task)}, ${phase}${left}`;
}

function sessionText(it: NonNullable<PaymentView['session']>): string {
  const { session, state, unit, available, expiresAtMs } = it;
  const left =
    available === null ? '' : `, ${toDecimal(BigInt(available), 6)} ${visible(unit ?? '')} left`;
  return `${visible(session)}, ${state}${left}, until ${instant(expiresAtMs)}`;
}
