// @ts-check
/** What the page says, and in which order it shows; nothing here touches the page itself. */

/** @typedef {'grant' | 'veto'} Verb */
/** @typedef {{amount: string, quote: {payTo: string}, approval?: any}} Asked */

export const STALE = 'No connection to Countersign; trying again. What is shown may be old.';

/** @param {string} text */
export const isCredential = (text) => /^[\x21-\x7e]+$/.test(text);
export const NO_CREDENTIAL =
  'This cannot be a credential: it has a space or a letter that none has. Copy it again.';

/** @param {number} count @param {boolean} isFrozen */
export function stateText(count, isFrozen) {
  if (count > 0) return `${count} ${count === 1 ? 'payment waits' : 'payments wait'}.`;
  return isFrozen ? 'Everything is frozen.' : 'Up to date.';
}

/**
 * Whether the server said no. A time-out of the browser has a code as well, which is a number.
 * @param {{message: string, code?: unknown}} error
 */
export const isRefusal = ({ code }) => typeof code === 'string';

/**
 * A refusal is the server's own sentence; of any other error nobody knows what the server made of the request.
 * @param {{name?: string, message: string, code?: unknown}} error
 */
export function failureText(error) {
  if (isRefusal(error)) return error.message;
  const what = error.name === 'TypeError' ? 'No connection' : 'No answer';
  return `${what}; it is not known whether this arrived. The list will tell.`;
}

/** Says what the time that is left leads to. @param {any} approval */
export function dueText({ requirement, grantedBy, openedAtMs }) {
  if (requirement.kind === 'quorum') {
    const by = grantedBy.length === 0 ? '' : ` (${grantedBy.join(', ')})`;
    return `${grantedBy.length} of ${requirement.quorum} granted${by}. Expires in`;
  }
  if (openedAtMs === null)
    return 'Nobody has been told yet, so the time to veto has not begun. Expires in';
  return 'Will be paid unless vetoed, in';
}

/** @param {number} leftMs */
export function leftText(leftMs) {
  const seconds = Math.ceil(leftMs / 1000);
  return seconds >= 120 ? `${Math.floor(seconds / 60)} min` : `${seconds} s`;
}

/**
 * Why there is nothing to grant here.
 * @param {any} approval
 * @param {{hasGranted: boolean, leftMs: number}} known what the page knows besides
 */
export function noteText({ requirement }, { hasGranted, leftMs }) {
  if (hasGranted) return 'You granted';
  if (leftMs <= 0) return 'Too late to grant';
  const { approvers } = requirement;
  const last = approvers.at(-1);
  const names = approvers.length > 1 ? `${approvers.slice(0, -1).join(', ')} and ${last}` : last;
  return `Only ${names} can grant this`;
}

/** @param {Verb} verb @param {Asked} payment */
export function questionText(verb, { amount, quote }) {
  return verb === 'grant'
    ? `Grant ${amount} to ${quote.payTo}?`
    : `Stop this payment of ${amount} to ${quote.payTo}?`;
}

/** How many people are still to grant it. @param {Asked} payment */
export const stillToGrant = ({ approval }) =>
  approval?.requirement.kind === 'quorum'
    ? Math.max(0, approval.requirement.quorum - approval.grantedBy.length)
    : 0;

/**
 * What came of a decision.
 * @param {Verb} verb
 * @param {Asked} payment as the server answers
 */
export function doneText(verb, payment) {
  const whatTo = `${payment.amount} to ${payment.quote.payTo}.`;
  if (verb === 'veto') return `Vetoed ${whatTo}`;
  const more = stillToGrant(payment);
  return more > 0 ? `Granted ${whatTo} It waits for ${more} more.` : `Granted ${whatTo}`;
}

/** What to say of payments that left the list by themselves. @param {readonly Asked[]} payments */
export function goneText([one, ...more]) {
  if (!one) return '';
  if (more.length > 0) return `${more.length + 1} payments no longer wait.`;
  return `${one.amount} to ${one.quote.payTo} no longer waits.`;
}

/** What stands in place of an empty list. @param {readonly {agent: string, frozen: boolean}[]} agents */
export function emptyText(agents) {
  const frozen = agents.filter((it) => it.frozen).map(({ agent }) => agent);
  if (frozen.length > 0 && frozen.length === agents.length)
    return {
      isFrozen: true,
      title: 'Everything is frozen',
      note: 'No agent can pay, and nothing waits, until an operator lifts it.',
    };
  const note =
    frozen.length > 0
      ? `Frozen: ${frozen.join(', ')}.`
      : 'When an agent needs a person, the payment appears here by itself.';
  return { isFrozen: false, title: 'Nothing waits for you', note };
}

/**
 * Where each new one belongs; what is shown already stays where it is, under the finger that may be on its way to it.
 * @param {readonly string[]} ids in the order of the list
 * @param {(id: string) => boolean} isShown
 * @returns {{id: string, before: string | null}[]} to be placed one after another
 */
export function arrivals(ids, isShown) {
  return ids
    .map((id, at) => ({ id, before: ids[at + 1] ?? null }))
    .filter(({ id }) => !isShown(id))
    .reverse();
}
