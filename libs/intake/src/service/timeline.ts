import {
  type EventData,
  type EventName,
  type EventOf,
  type Facts,
  SessionState,
  type Timeline,
  type Verdict,
  decodeEvent,
} from '@countersign/contracts';
import { toDecimal } from '@countersign/kernel';
import {
  type LaneHost,
  type NamingRecord,
  amountText,
  openedValue,
  viewOf,
} from '@countersign/service-kit';
import type { LogRecord } from '@countersign/ports';
import type { Payment } from '@countersign/payment';

type Entry = Timeline['entries'][number];

/** Everything recorded about one payment, told in order; what was ignored is shown with its code. */
export async function timelineOf(host: LaneHost, payment: Payment): Promise<Timeline> {
  const records = await host.recordsOf(payment.id);
  const entries = records.map(entryOf);
  return { payment: viewOf(host, payment, { bearer: false }), entries };
}

function entryOf(record: NamingRecord): Entry {
  const position = `${record.lane}:${record.offset}`;
  const event = decodeEvent(record.bytes);
  const base = { position, atMs: record.stampMs, ignored: record.ignored };
  if ('undecodable' in event)
    return { ...base, event: 'undecodable', says: event.undecodable.slice(0, 300) };
  return {
    ...base,
    event: event.name,
    says: sentence(event, record),
    ...(event.name === 'decision.made' && explanationOf(event.data.decision.verdict)),
  };
}

function explanationOf({ trace, audit }: Verdict): Pick<Entry, 'trace' | 'audit'> {
  return { trace, ...(audit && { audit }) };
}

function intentText(data: EventData<'intent.submitted'>, record: LogRecord): string {
  const { agent, quote, resource, purpose, asserted } = data;
  const task = asserted.task === undefined ? '' : `, in task ${asserted.task}`;
  const within = asserted.session === undefined ? '' : `, in session ${asserted.session}`;
  const again =
    data.resubmittedBy === undefined
      ? ''
      : `, in a message that ${data.resubmittedBy} submitted once more`;
  const words = openedValue(record.openings, 'purpose', purpose);
  const why = words === undefined ? '' : `, saying ${JSON.stringify(words)}`;
  return `${agent} wants to pay ${amountText(quote)} to ${quote.payTo} for ${resource.method} ${resource.url}${task}${within}${why}${again}`;
}

function sentence(event: EventOf<EventName>, record: LogRecord): string {
  switch (event.name) {
    case 'intent.submitted':
      return intentText(event.data, record);
    case 'decision.made': {
      const { verdict, policy } = event.data.decision;
      const under = policy ? `policy version ${policy.version}` : 'no policy';
      const tier = verdict.tier === null ? '' : `, tier ${verdict.tier}`;
      const { established } = event.data.decision.facts;
      const stood = taskText(established) + sessionText(established);
      return `${verdict.outcome} (${verdict.reasons.join(', ')}) under ${under}${tier}${stood}`;
    }
    case 'approval.opened':
      return 'people were told';
    case 'approval.granted':
      return `${event.data.person} granted exactly this quote`;
    case 'approval.vetoed':
      return `${event.data.person} vetoed it`;
    case 'approval.completed':
      return 'what was asked of people is complete; the agent may claim with a fresh quote';
    case 'approval.expired':
      return `it expired: ${event.data.cause.replaceAll('_', ' ')}`;
    case 'payment.claimed':
      return `claimed with a fresh quote of ${amountText(event.data.quote)}`;
    case 'authorization.fixed': {
      const { nonce, validBefore } = event.data.authorization;
      return `the one authorization is fixed: nonce ${nonce}, valid before ${new Date(validBefore * 1000).toISOString()}`;
    }
    case 'signing.completed':
      return `signed from wallet; digest ${event.data.authorizationDigest.slice(0, 16)}…`;
    case 'signing.refused':
      return `the signer refused: ${event.data.code} (${event.data.why})`;
    case 'cancellation.signed':
      return 'its cancellation is signed';
    case 'delivery.reported':
      return `the agent reports delivery (HTTP ${event.data.status})`;
    case 'outcome.recorded': {
      const { by, basis, result, task } = event.data;
      const of = task === undefined ? '' : ` for task ${task}`;
      return `${by} ${basis === 'asserted' ? 'says' : 'establishes'} what came back${of}: ${result}`;
    }
    case 'settlement.submitted':
      return `settlement sends the ${event.data.what} to the chain`;
    case 'settlement.observed':
      return `seen on the chain (${event.data.level}) in ${event.data.transfer.transactionHash}`;
    case 'settlement.reverted':
      return 'what was seen is no longer on the chain';
    case 'settlement.final':
      return `settled for good in ${event.data.transfer.transactionHash}, block ${event.data.transfer.block.number}`;
    case 'authorization.void':
      return `never paid: unused at finalized block ${event.data.finalized.number}, after its validity`;
    case 'authorization.canceled':
      return `canceled on chain in ${event.data.transfer.transactionHash}`;
    case 'settlement.mismatched':
      return `the nonce was used by something else: ${event.data.found}`;
    case 'reservation.ended':
      return `the budget reservation is ${event.data.how}`;
    case 'alert.raised':
      return `alert: ${event.data.code.replaceAll('_', ' ')}`;
    default:
      return event.name;
  }
}

/** What was left to the session, or why there was none. */
function sessionText({ session, sessionCeiling, sessionUnit }: Facts['established']): string {
  if (session === undefined || session === 'none') return '';
  if (SessionState.safeParse(session).success) return `; the session it named was ${session}`;
  const most =
    sessionCeiling === undefined
      ? ''
      : `, ceiling ${toDecimal(BigInt(sessionCeiling), 6)} ${sessionUnit ?? ''}`;
  return `; session ${session} was open${most}`;
}

/** How the task stood when the payment was asked for, as the decision saw it. */
function taskText({ task, taskTerms }: Facts['established']): string {
  if (!taskTerms) return '';
  const { phase, ceiling, unit, reported } = taskTerms;
  const inUnit = (units: string) => `${toDecimal(BigInt(units), 6)} ${unit ?? ''}`;
  const most = ceiling === undefined ? '' : `, ceiling ${inUnit(ceiling)}`;
  const costs = reported === '0' ? '' : `, ${inUnit(reported)} of costs reported`;
  return `; task ${task} was ${phase}${most}${costs}`;
}
