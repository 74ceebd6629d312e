import { type Facts, type PaymentView, SessionState, findAsset } from '@countersign/contracts';
import { toDecimal } from '@countersign/kernel';

/** One fact as a person reads it. */
export interface ShownFact {
  readonly name: string;
  readonly value: string;
}

/**
 * What a person must see before deciding, established facts first and addresses in full: a shortened address is how
 * look-alikes are paid.
 */
export function shownFacts(view: PaymentView, facts: Facts): readonly ShownFact[] {
  const { established: it, quote, resource } = facts;
  const asset = findAsset(quote.network, quote.asset);
  const expected =
    it.expectedAmount === undefined || !asset
      ? 'none registered'
      : `${toDecimal(BigInt(it.expectedAmount), asset.decimals)} ${asset.symbol}`;
  return [
    { name: 'Amount', value: view.amount },
    { name: 'Payee', value: quote.payTo },
    {
      name: 'Seller',
      value: it.seller === 'unknown' ? 'unknown: nobody registered it' : it.seller,
    },
    { name: 'Payee is', value: PAYEE[it.payee] },
    { name: 'Trust', value: it.trust },
    { name: 'Category', value: it.category },
    { name: 'Jurisdiction', value: it.jurisdiction },
    { name: 'For', value: `${resource.method} ${resource.url}` },
    { name: 'Expected price', value: expected },
    { name: 'Agent', value: facts.agent },
    { name: 'Task', value: taskText(it) },
    ...(it.session === undefined ? [] : [{ name: 'Session', value: sessionText(it) }]),
    { name: 'From wallet', value: it.wallet ? `${it.wallet.id} (${it.wallet.address})` : 'none' },
    { name: 'Network', value: quote.network },
    { name: 'Token', value: asset ? `${asset.symbol} (${quote.asset})` : quote.asset },
  ];
}

const PAYEE: Record<Facts['established']['payee'], string> = {
  registered: 'the address this seller registered',
  mismatch: 'NOT the address this seller registered',
  lookalike: 'A LOOK-ALIKE of a registered address',
  unknown: 'not registered',
};

/** The open session, or what is wrong with the one that was named, and what its payments may come to. */
function sessionText({ session = 'none', ...it }: Facts['established']): string {
  if (SessionState.safeParse(session).success) return `${session}: nothing is paid in it`;
  if (it.sessionCeiling === undefined) return session;
  return `${session}; at most ${toDecimal(BigInt(it.sessionCeiling), 6)} ${it.sessionUnit ?? ''}`;
}

/** How the task stood when the payment was asked for, and what it may cost. */
function taskText({ task, taskTerms }: Facts['established']): string {
  if (!taskTerms) return task;
  const { phase, planCommitted, unit = '', ceiling, reported } = taskTerms;
  const inUnit = (units: string) => `${toDecimal(BigInt(units), 6)} ${unit}`;
  return [
    `${task}, ${phase} ${planCommitted ? 'with' : 'without'} a committed plan`,
    ...(ceiling === undefined ? [] : [`at most ${inUnit(ceiling)}`]),
    ...(reported === '0' ? [] : [`${inUnit(reported)} of other costs`]),
  ].join('; ');
}
