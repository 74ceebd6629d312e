// @ts-check
/** One payment on the page, and the question before what cannot be undone. */

import { nowMs } from './api.js';
import { dueText, leftText, noteText, questionText } from './words.js';

/** @typedef {import('./words.js').Verb} Verb */
/** @typedef {(card: HTMLElement, approval: any, verb: Verb) => Promise<void>} Act */
/** @typedef {{question: string, yes: string, tone: 'go' | 'halt', opener: () => HTMLElement}} Asking */

const SOON_MS = 15_000;
/** For how long at least it stands there that nobody knows what came of a decision. */
const UNKNOWN_MS = 4_000;
/** Facts whose characters matter one by one. */
const EXACT = new Set(['Payee', 'Token', 'From wallet', 'For', 'Plan']);

/** Payments that were granted in this tab. @type {Set<string>} */
export const granted = new Set();

/** @type {<T extends HTMLElement>(selector: string, within?: ParentNode) => T} */
export const find = (selector, within = document) => {
  const element = within.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`no ${selector} on the page`);
  return /** @type {any} */ (element);
};

/**
 * Writes only what differs: whoever listens to the page hears every write.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {any} approval
 * @param {Act} act
 */
export function make(approval, act) {
  const card = copy('#card');
  const { payment } = approval;
  find('.title', card).textContent = `${payment.agent} wants to pay ${payment.amount}`;
  name(card, payment.id);
  list(card, approval.facts);
  for (const { rule, met, why } of approval.trace) {
    const li = document.createElement('li');
    li.textContent = `${met ? '✓' : '✗'} ${rule}: ${why}`;
    find('.trace', card).append(li);
  }
  if (approval.quoted !== undefined) {
    find('.words', card).hidden = false;
    find('blockquote', card).textContent = approval.quoted;
  }
  for (const verb of /** @type {const} */ (['grant', 'veto'])) {
    const button = find(`.${verb}`, card);
    /** @type {Asking} */
    const asking = {
      question: questionText(verb, payment),
      yes: verb === 'grant' ? 'Yes, grant' : 'Yes, veto',
      tone: verb === 'grant' ? 'go' : 'halt',
      opener: () => (button.hidden ? find('.veto', card) : button),
    };
    button.addEventListener('click', () => ask(card, asking, () => act(card, approval, verb)));
  }
  update(card, approval);
  return card;
}

/** A card as its template has it; Escape takes back what it asks. @param {string} template */
export function copy(template) {
  const { content } = /** @type {HTMLTemplateElement} */ (find(template));
  const card = /** @type {HTMLElement} */ (
    /** @type {DocumentFragment} */ (content.cloneNode(true)).firstElementChild
  );
  card.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && isAsking(card)) find('.no', card).click();
  });
  return card;
}

/** @param {HTMLElement} card @param {readonly {name: string, value: string}[]} facts */
export function list(card, facts) {
  for (const { name, value } of facts) {
    const dt = document.createElement('dt');
    dt.textContent = name;
    const dd = document.createElement('dd');
    dd.textContent = value;
    dd.classList.toggle('exact', EXACT.has(name));
    dd.classList.toggle('alarm', /^(NOT|A LOOK-ALIKE)/.test(value));
    find('.facts', card).append(dt, dd);
  }
}

/** Ties buttons to what they are about, for those who hear the page. */
export function name(/** @type {HTMLElement} */ card, /** @type {string} */ id) {
  find('.title', card).id = `title-${id}`;
  find('.question', card).id = `question-${id}`;
  find('.confirm', card).setAttribute('aria-labelledby', `question-${id}`);
  for (const button of card.querySelectorAll('.actions button, .confirm button'))
    button.setAttribute('aria-describedby', `title-${id}`);
}

function leftMsOf(/** @type {HTMLElement} */ card) {
  return Math.max(0, Number(card.dataset['due']) - nowMs());
}

export function update(/** @type {HTMLElement} */ card, /** @type {any} */ approval) {
  const { payment, mayGrant } = approval;
  const isQuorum = payment.approval.requirement.kind === 'quorum';
  card.dataset['due'] = String(payment.approval.dueAtMs);
  put(find('.kind', card), dueText(payment.approval));
  find('.grant', card).hidden = !isQuorum || !mayGrant;
  const note = find('.note', card);
  note.hidden = !isQuorum || mayGrant;
  if (!note.hidden) {
    const known = { hasGranted: granted.has(payment.id), leftMs: leftMsOf(card) };
    put(note, noteText(payment.approval, known));
  }
  forget(card);
  tick(card);
}

/** What came of a decision is known once the list was read again. */
export function forget(/** @type {HTMLElement} */ card) {
  const { unknownAt } = card.dataset;
  if (unknownAt !== undefined && Date.now() - Number(unknownAt) > UNKNOWN_MS) tell(card, '');
}

export function tick(/** @type {HTMLElement} */ card) {
  const leftMs = leftMsOf(card);
  put(find('.left', card), leftText(leftMs));
  card.classList.toggle('soon', leftMs < SOON_MS);
}

/**
 * What went wrong with a decision; nothing where the text is empty.
 * @param {HTMLElement} card
 * @param {string} text
 * @param {boolean} [isKnown] false where the list has yet to tell what came of it
 */
export function tell(card, text, isKnown = true) {
  const problem = find('.problem', card);
  put(problem, text);
  problem.hidden = text === '';
  if (isKnown) delete card.dataset['unknownAt'];
  else card.dataset['unknownAt'] = String(Date.now());
}

export const isAsking = (/** @type {HTMLElement} */ card) => !find('.confirm', card).hidden;

/**
 * A second press for a thing that cannot be undone. The question has the focus, never the answer: a key that is still
 * held would give it.
 * @param {HTMLElement} card
 * @param {Asking} asking
 * @param {() => Promise<void>} decide
 */
export function ask(card, asking, decide) {
  const question = find('.question', card);
  const yes = /** @type {HTMLButtonElement} */ (find('.yes', card));
  const no = /** @type {HTMLButtonElement} */ (find('.no', card));
  find('.actions', card).hidden = true;
  find('.confirm', card).hidden = false;
  question.textContent = asking.question;
  yes.textContent = asking.yes;
  yes.className = `yes ${asking.tone}`;
  yes.disabled = no.disabled = false;
  const close = () => {
    const hasFocus = card.contains(document.activeElement);
    find('.confirm', card).hidden = true;
    find('.actions', card).hidden = false;
    if (hasFocus) asking.opener().focus({ preventScroll: true });
  };
  no.onclick = close;
  yes.onclick = async () => {
    question.focus({ preventScroll: true });
    yes.disabled = no.disabled = true;
    yes.textContent = 'Sending…';
    tell(card, '');
    await decide();
    close();
  };
  question.focus();
}
