// @ts-check
/** What the page says, and in which order it shows; nothing here touches the page itself. */

/** @typedef {'grant' | 'veto'} Verb */
/** @typedef {{amount: string, quote: {payTo: string}, approval?: any}} Asked */

export const STALE = 'No connection to Countersign; trying again. What is shown may be old.';

/** @param {string} text */
export const isCredential = (text) => /^[\x21-\x7e]+$/.test(text);
export const NO_CREDENTIAL =
  'This cannot be a credential: it has a space or a letter that none has. Copy it again.';

/** @param {{payments: number, plans: number}} waiting @param {boolean} isFrozen */
export function stateText({ payments, plans }, isFrozen) {
  const waiting = [
    payments > 0 && `${payments} ${payments === 1 ? 'payment waits' : 'payments wait'}`,
    plans > 0 && `${plans} ${plans === 1 ? 'plan waits' : 'plans wait'}`,
  ].filter((it) => it !== false);
  if (waiting.length > 0) return `${waiting.join(', ')}.`;
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

/** @typedef {{agent: string, task: string, unit: string | null, ceiling: string | null, estimate: string | null, plan: any}} Planned */

/** @param {Planned} task */
export const planTitle = ({ agent, task }) => `${agent} plans task ${task}`;

/**
 * What a person and the agent say that the task costs, in the order of who is to be believed.
 * @param {Planned} task
 */
export function planFacts({ unit, ceiling, estimate, plan }) {
  const inUnit = (/** @type {string | null} */ units) =>
    units === null ? 'none' : `${decimalText(units)} ${unit ?? ''}`;
  return [
    { name: 'Ceiling', value: inUnit(ceiling) },
    { name: 'Estimate', value: inUnit(estimate) },
    { name: 'The agent estimates', value: inUnit(plan.estimate) },
    { name: 'Plan', value: plan.digest },
  ];
}

/** Millionths in decimal digits. @param {string} units */
function decimalText(units) {
  const digits = units.padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${digits.slice(0, -6)}.${fraction}`;
}

/** @param {Planned} task */
export const planQuestion = ({ agent, task }) =>
  `Commit this plan? ${agent} may then pay for task ${task}.`;

/** @param {Planned} task */
export const planDone = ({ agent, task }) => `Committed the plan of ${agent} for task ${task}.`;

/** What to say of a plan that left the list by itself. @param {Planned} task */
export const planGone = ({ agent, task }) =>
  `This plan of ${agent} for task ${task} no longer waits.`;

/** Controls, and what makes a person read another text than is there; line ends and tabs show as what they are. */
const HIDDEN = /(?![\n\t])[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]/gu;

/** A text from outside, whole, with everything unseen made visible. @param {string} text */
export const visibleText = (text) =>
  text.replaceAll(HIDDEN, (it) => {
    const code = (it.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `<U+${code}>`;
  });
