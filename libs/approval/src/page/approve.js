// @ts-check
/** The approver's page: shows exactly what is asked, and sends back the digest of what it showed. */

const CREDENTIAL = 'countersign.credential';
const REFRESH_MS = 2_000;
const SOON_MS = 15_000;
/** Facts whose characters matter one by one. */
const EXACT = new Set(['Payee', 'Token', 'From wallet', 'For']);

/** @type {<T extends HTMLElement>(selector: string, within?: ParentNode) => T} */
const find = (selector, within = document) => {
  const element = within.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`no ${selector} on the page`);
  return /** @type {any} */ (element);
};

/** @type {Map<string, HTMLElement>} */
const cards = new Map();
let skewMs = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Calls the API. A refusal becomes an error with the server's own sentence.
 * @param {string} path
 * @param {unknown} [body]
 */
async function call(path, body) {
  const credential = sessionStorage.getItem(CREDENTIAL) ?? '';
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${credential}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const served = Date.parse(response.headers.get('date') ?? '');
  if (Number.isFinite(served)) skewMs = served - Date.now();
  const answer = await response.json();
  if (response.ok) return answer;
  throw Object.assign(new Error(answer.detail ?? answer.title), { code: answer.code });
}

function show(/** @type {boolean} */ signedIn) {
  find('#enter').hidden = signedIn;
  find('#leave').hidden = !signedIn;
  find('#waiting').hidden = !signedIn;
  if (!signedIn) find('#empty').hidden = true;
}

async function refresh() {
  clearTimeout(timer);
  if (sessionStorage.getItem(CREDENTIAL) === null) {
    show(false);
    find('#state').textContent = 'Sign in to see what waits.';
    return;
  }
  try {
    const { approvals } = await call('v1/approvals');
    show(true);
    render(approvals);
    const count = approvals.length;
    find('#state').textContent =
      count === 0 ? 'Up to date.' : `${count} ${count === 1 ? 'payment waits' : 'payments wait'}.`;
  } catch (error) {
    const { code, message } = /** @type {Error & {code?: string}} */ (error);
    if (code === 'unauthenticated' || code === 'not_permitted') return refuse(message);
    find('#state').textContent =
      'No connection to Countersign; trying again. What is shown may be old.';
  }
  timer = setTimeout(refresh, REFRESH_MS);
}

function refuse(/** @type {string} */ message) {
  sessionStorage.removeItem(CREDENTIAL);
  show(false);
  const error = find('#enter-error');
  error.textContent = message;
  error.hidden = false;
  find('#state').textContent = 'Not signed in.';
}

function render(/** @type {any[]} */ approvals) {
  const ids = new Set(approvals.map((it) => it.payment.id));
  for (const [id, card] of cards)
    if (!ids.has(id)) {
      card.remove();
      cards.delete(id);
    }
  find('#empty').hidden = approvals.length > 0;
  for (const approval of approvals) {
    const known = cards.get(approval.payment.id);
    if (known) update(known, approval);
    else {
      const card = make(approval);
      cards.set(approval.payment.id, card);
      find('#waiting').append(card);
      if (location.hash === `#${approval.payment.id}`) card.scrollIntoView();
    }
  }
}

function make(/** @type {any} */ approval) {
  const template = /** @type {HTMLTemplateElement} */ (find('#card'));
  const card = /** @type {HTMLElement} */ (
    /** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild
  );
  const { payment } = approval;
  find('.title', card).textContent = `${payment.agent} wants to pay ${payment.amount}`;
  const facts = find('.facts', card);
  for (const { name, value } of approval.facts) {
    const dt = document.createElement('dt');
    dt.textContent = name;
    const dd = document.createElement('dd');
    dd.textContent = value;
    dd.classList.toggle('exact', EXACT.has(name));
    dd.classList.toggle('alarm', /^(NOT|A LOOK-ALIKE)/.test(value));
    facts.append(dt, dd);
  }
  for (const { rule, met, why } of approval.trace) {
    const li = document.createElement('li');
    li.textContent = `${met ? '✓' : '✗'} ${rule}: ${why}`;
    find('.trace', card).append(li);
  }
  if (approval.quoted !== undefined) {
    find('.words', card).hidden = false;
    find('blockquote', card).textContent = approval.quoted;
  }
  find('.grant', card).addEventListener('click', () => confirm(card, approval, 'grant'));
  find('.veto', card).addEventListener('click', () => confirm(card, approval, 'veto'));
  update(card, approval);
  return card;
}

function update(/** @type {HTMLElement} */ card, /** @type {any} */ approval) {
  const { payment, mayGrant } = approval;
  const { requirement, grantedBy, dueAtMs } = payment.approval;
  const quorum = requirement.kind === 'quorum';
  find('.kind', card).textContent = quorum
    ? `${grantedBy.length} of ${requirement.quorum} granted${grantedBy.length ? ` (${grantedBy.join(', ')})` : ''}. Expires in`
    : 'Will be paid unless vetoed, in';
  card.dataset['due'] = String(dueAtMs);
  const grant = /** @type {HTMLButtonElement} */ (find('.grant', card));
  grant.hidden = !quorum;
  grant.disabled = !mayGrant;
  grant.textContent = mayGrant ? 'Grant' : 'Granted, or not yours to grant';
  tick(card);
}

function tick(/** @type {HTMLElement} */ card) {
  const leftMs = Math.max(0, Number(card.dataset['due']) - (Date.now() + skewMs));
  const seconds = Math.ceil(leftMs / 1000);
  find('.left', card).textContent =
    seconds >= 120 ? `${Math.floor(seconds / 60)} min` : `${seconds} s`;
  card.classList.toggle('soon', leftMs < SOON_MS);
}

/**
 * A second press for a thing that cannot be undone.
 * @param {HTMLElement} card
 * @param {any} approval
 * @param {'grant' | 'veto'} verb
 */
function confirm(card, approval, verb) {
  const { payment } = approval;
  const panel = find('.confirm', card);
  find('.actions', card).hidden = true;
  panel.hidden = false;
  find('.question', card).textContent =
    verb === 'grant'
      ? `Grant ${payment.amount} to ${payment.quote.payTo}?`
      : `Stop this payment of ${payment.amount}?`;
  const yes = /** @type {HTMLButtonElement} */ (find('.yes', card));
  yes.textContent = verb === 'grant' ? 'Yes, grant' : 'Yes, veto';
  yes.className = `yes ${verb === 'grant' ? 'go' : 'halt'}`;
  yes.disabled = false;
  yes.onclick = () => act(card, approval, verb, yes);
  find('.no', card).onclick = () => close(card);
  yes.focus();
}

function close(/** @type {HTMLElement} */ card) {
  find('.confirm', card).hidden = true;
  find('.actions', card).hidden = false;
}

/**
 * @param {HTMLElement} card
 * @param {any} approval
 * @param {'grant' | 'veto'} verb
 * @param {HTMLButtonElement} button
 */
async function act(card, { payment }, verb, button) {
  button.disabled = true;
  const problem = find('.problem', card);
  problem.hidden = true;
  try {
    const { quoteDigest, approval } = payment;
    const body = verb === 'grant' ? { quoteDigest, decisionId: approval.decisionId } : {};
    await call(`v1/approvals/${payment.id}/${verb}`, body);
  } catch (error) {
    problem.textContent = /** @type {Error} */ (error).message;
    problem.hidden = false;
  }
  close(card);
  await refresh();
}

find('#enter').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (find('#credential'));
  sessionStorage.setItem(CREDENTIAL, input.value.trim());
  input.value = '';
  find('#enter-error').hidden = true;
  void refresh();
});
find('#leave').addEventListener('click', () => {
  sessionStorage.removeItem(CREDENTIAL);
  render([]);
  void refresh();
});
setInterval(() => {
  for (const card of cards.values()) tick(card);
}, 500);
void refresh();
