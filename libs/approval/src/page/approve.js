// @ts-check
/** The approver's page: shows exactly what is asked, and sends back the digest of what it showed. */

import { call, isSignedIn, signIn, signOut } from './api.js';
import { find, granted, isAsking, make, put, tell, tick, update } from './card.js';
import { commitPlan, planCards, showPlans, waitingPlans } from './plans.js';
import {
  NO_CREDENTIAL,
  STALE,
  arrivals,
  doneText,
  emptyText,
  failureText,
  goneText,
  isCredential,
  isRefusal,
  planDone,
  planGone,
  stateText,
  stillToGrant,
} from './words.js';

const REFRESH_MS = 2_000;
/** Without an answer for so long, what is shown may be old. */
const STALE_MS = 6_000;
const AGENTS_MS = 10_000;
const SAID_MS = 60_000;

/** @type {Map<string, {card: HTMLElement, payment: any}>} */
const shown = new Map();
/** Payments and plans that leave the list because somebody here said so. @type {Set<string>} */
const decided = new Set();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** Only the newest refresh may show what it got. */
let turn = 0;
let goodAt = Date.now();
let saidAt = 0;
let agentsAt = 0;
let isFrozen = false;
let arePaymentsOld = false;
/** As with `turn`; plans are read beside. */
let planTurn = 0;
let isReading = false;
let arePlansOld = false;

function show(/** @type {boolean} */ signedIn) {
  find('#enter').hidden = signedIn;
  find('#leave').hidden = !signedIn;
  find('#waiting').hidden = find('#plans').hidden = !signedIn;
  if (!signedIn) find('#empty').hidden = true;
}

function state(/** @type {string} */ text) {
  put(find('#state'), text);
  find('#state').classList.toggle('stale', text === STALE);
}

/** Says what happened; whoever was at the thing that is gone is led there. */
function say(/** @type {string} */ text, leads = false) {
  saidAt = Date.now();
  put(find('#said'), text);
  if (leads) find('#said').focus({ preventScroll: true });
}

/** Nobody is anywhere else on the page. */
const isFocusLost = () =>
  document.activeElement === null || document.activeElement === document.body;

async function refresh() {
  clearTimeout(timer);
  const mine = ++turn;
  if (!isSignedIn()) {
    show(false);
    state('Sign in to see what waits.');
    return;
  }
  try {
    void refreshPlans();
    const { approvals } = await call('v1/approvals');
    if (mine !== turn) return;
    goodAt = Date.now();
    arePaymentsOld = false;
    show(true);
    keepInPlace(() => render(approvals));
    state(toldNow());
    if (approvals.length === 0) void tellOfFreeze();
  } catch (error) {
    if (mine !== turn) return;
    const { code, message } = /** @type {Error & {code?: string}} */ (error);
    if (code === 'unauthenticated' || code === 'not_permitted') return refuse(message);
    show(true);
    arePaymentsOld = true;
    state(toldNow());
  }
  timer = setTimeout(refresh, REFRESH_MS);
}

/**
 * Payments do not wait for the plans to be read: they have less time.
 * @param {boolean} [isDecided] what is being read already may be of before the decision
 */
async function refreshPlans(isDecided = false) {
  if (isReading && !isDecided) return;
  isReading = true;
  const mine = ++planTurn;
  const tasks = await waitingPlans().catch(() => undefined);
  if (mine !== planTurn) return;
  isReading = false;
  arePlansOld = tasks === undefined;
  if (tasks) keepInPlace(() => renderPlans(tasks));
  state(toldNow());
}

const isLate = () => Date.now() - goodAt > STALE_MS;

function toldNow() {
  const plans = planCards().length;
  return arePaymentsOld || arePlansOld || isLate()
    ? STALE
    : stateText({ payments: shown.size, plans }, isFrozen);
}

/** An empty list can mean that nothing is let through. */
async function tellOfFreeze() {
  if (Date.now() - agentsAt < AGENTS_MS) return;
  agentsAt = Date.now();
  const { agents } = await call('v1/agents').catch(() => ({ agents: [] }));
  const empty = emptyText(agents);
  ({ isFrozen } = empty);
  put(find('#empty-title'), empty.title);
  put(find('#empty-note'), empty.note);
  if (shown.size === 0 && isSignedIn()) state(toldNow());
}

function refuse(/** @type {string} */ message) {
  signOut();
  clear();
  show(false);
  state('Not signed in.');
  complain(message);
}

/** What is wrong with the credential. */
function complain(/** @type {string} */ message) {
  const error = find('#enter-error');
  put(error, message);
  error.hidden = message === '';
  find('#credential').setAttribute('aria-invalid', String(message !== ''));
  if (message !== '') find('#credential').focus();
}

function clear() {
  for (const { card } of shown.values()) card.remove();
  shown.clear();
  showPlans([], commit);
  planTurn += 1;
  isReading = arePlansOld = false;
  granted.clear();
  decided.clear();
  agentsAt = 0;
  say('');
}

/** The card that must not move: the one that asks, the one with the focus, or the first in view. */
function looked() {
  const cards = [...[...shown.values()].map(({ card }) => card), ...planCards()];
  const used = cards.find(isAsking) ?? cards.find((card) => card.contains(document.activeElement));
  if (used || scrollY === 0) return used;
  const top = find('header').getBoundingClientRect().bottom;
  const inView = cards.filter((card) => card.getBoundingClientRect().bottom > top);
  return inView.sort((a, b) => a.offsetTop - b.offsetTop)[0];
}

function keepInPlace(/** @type {() => void} */ change) {
  const held = looked();
  const heldTop = held?.getBoundingClientRect().top ?? 0;
  change();
  if (held?.isConnected) scrollBy(0, held.getBoundingClientRect().top - heldTop);
}

function renderPlans(/** @type {import('./words.js').Planned[]} */ tasks) {
  const gone = showPlans(tasks, commit).filter(({ plan }) => !decided.delete(plan.digest));
  if (gone[0]) say(planGone(gone[0]), isFocusLost());
  find('#empty').hidden = shown.size + planCards().length > 0;
}

function render(/** @type {any[]} */ approvals) {
  const byId = new Map(approvals.map((it) => [it.payment.id, it]));
  const gone = [...shown].filter(([id]) => !byId.has(id));
  for (const [id, { card }] of gone) {
    card.remove();
    shown.delete(id);
  }
  for (const [id, { card }] of shown) update(card, byId.get(id));
  for (const { id, before } of arrivals([...byId.keys()], (it) => shown.has(it))) {
    const approval = byId.get(id);
    const card = make(approval, act);
    find('#waiting').insertBefore(card, shown.get(before ?? '')?.card ?? null);
    shown.set(id, { card, payment: approval.payment });
    if (location.hash === `#${id}`) card.scrollIntoView();
  }
  if (gone.length > 0) {
    agentsAt = 0;
    const others = gone.filter(([id]) => !decided.delete(id)).map(([, { payment }]) => payment);
    if (others.length > 0) say(goneText(others), isFocusLost());
  }
  find('#empty').hidden = shown.size + planCards().length > 0;
}

/** @type {import('./card.js').Act} */
async function act(card, { payment }, verb) {
  const { id, quoteDigest, approval } = payment;
  const body = verb === 'grant' ? { quoteDigest, decisionId: approval.decisionId } : {};
  try {
    const answer = await call(`v1/approvals/${id}/${verb}`, body);
    if (verb === 'grant') granted.add(id);
    if (verb === 'veto' || stillToGrant(answer) === 0) decided.add(id);
    say(doneText(verb, answer), card.contains(document.activeElement) || isFocusLost());
    await refresh();
  } catch (error) {
    const failure = /** @type {Error} */ (error);
    const text = failureText(failure);
    tell(card, text, isRefusal(failure));
    if (!isRefusal(failure)) return;
    decided.add(id);
    await refresh();
    if (card.isConnected) decided.delete(id);
    else say(text, isFocusLost());
  }
}

/** @type {import('./plans.js').Commit} */
async function commit(card, task) {
  const { digest } = task.plan;
  try {
    await commitPlan(task);
    decided.add(digest);
    say(planDone(task), card.contains(document.activeElement) || isFocusLost());
    await refreshPlans(true);
  } catch (error) {
    const failure = /** @type {Error} */ (error);
    const text = failureText(failure);
    tell(card, text, isRefusal(failure));
    if (!isRefusal(failure)) return;
    decided.add(digest);
    await refreshPlans(true);
    if (card.isConnected) decided.delete(digest);
    else say(text, isFocusLost());
  }
}

find('#enter').addEventListener('submit', async (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (find('#credential'));
  const credential = input.value.trim();
  if (!isCredential(credential)) return complain(NO_CREDENTIAL);
  complain('');
  input.value = '';
  signIn(credential);
  await refresh();
  if (isSignedIn()) find('#state').focus({ preventScroll: true });
});
find('#leave').addEventListener('click', () => {
  signOut();
  clear();
  void refresh();
  find('#credential').focus();
});
// A held key repeats itself: whatever it opened, it may not answer.
for (const cards of ['#waiting', '#plans'])
  find(cards).addEventListener('keydown', (event) => {
    if (event.repeat && (event.key === 'Enter' || event.key === ' ')) event.preventDefault();
  });
setInterval(() => {
  for (const { card } of shown.values()) tick(card);
  if (isSignedIn() && isLate()) state(STALE);
  if (Date.now() - saidAt > SAID_MS && document.activeElement !== find('#said')) say('');
}, 500);
void refresh();
