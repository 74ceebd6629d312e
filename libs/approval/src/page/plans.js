// @ts-check
/** Plans of agents that wait for a person to commit them. */

import { call } from './api.js';
import { ask, copy, find, forget, list, name } from './card.js';
import { planFacts, planQuestion, planTitle, visibleText } from './words.js';

/** @typedef {import('./words.js').Planned} Planned */
/** @typedef {(card: HTMLElement, task: Planned) => Promise<void>} Commit */

/** By the digest of the plan: another plan for the same task is another card. @type {Map<string, {card: HTMLElement, task: Planned}>} */
const shown = new Map();

export const planCards = () => [...shown.values()].map(({ card }) => card);

/** The tasks whose plan waits, each with its plan's text. @returns {Promise<Planned[]>} */
export async function waitingPlans() {
  const { tasks } = await call('v1/tasks?phase=exploring');
  const waiting = tasks.filter((/** @type {Planned} */ it) => it.plan && !it.plan.committed);
  return Promise.all(
    waiting.map((/** @type {Planned} */ it) => shown.get(it.plan.digest)?.task ?? call(pathOf(it))),
  );
}

/** @param {Planned} task */
export const commitPlan = (task) => call(`${pathOf(task)}/plan/commit`, { plan: task.plan.digest });

/** @param {Planned} task */
const pathOf = ({ agent, task }) =>
  `v1/agents/${encodeURIComponent(agent)}/tasks/${encodeURIComponent(task)}`;

/**
 * Shows these plans and no others; what is shown already stays where it is.
 * @param {readonly Planned[]} tasks
 * @param {Commit} commit
 * @returns {Planned[]} those that are gone
 */
export function showPlans(tasks, commit) {
  // It may have been replaced between the list and its text.
  const byDigest = new Map(tasks.flatMap((it) => (it.plan ? [[it.plan.digest, it]] : [])));
  const gone = [...shown].filter(([digest]) => !byDigest.has(digest));
  for (const [digest, { card }] of gone) {
    card.remove();
    shown.delete(digest);
  }
  for (const { card } of shown.values()) forget(card);
  for (const [digest, task] of byDigest) {
    if (shown.has(digest)) continue;
    const card = make(task, commit);
    find('#plans').append(card);
    shown.set(digest, { card, task });
  }
  return gone.map(([, { task }]) => task);
}

/** @param {Planned} task @param {Commit} commit */
function make(task, commit) {
  const card = copy('#plan');
  const { digest, text } = task.plan;
  find('.title', card).textContent = planTitle(task);
  name(card, digest);
  list(card, planFacts(task));
  const isErased = text === undefined;
  find('blockquote', card).textContent = isErased ? 'The text was erased.' : visibleText(text);
  const button = find('.commit', card);
  // Nobody commits what cannot be read.
  button.hidden = isErased;
  /** @type {import('./card.js').Asking} */
  const asking = {
    question: planQuestion(task),
    yes: 'Yes, commit',
    tone: 'go',
    opener: () => button,
  };
  button.addEventListener('click', () => ask(card, asking, () => commit(card, task)));
  return card;
}
