import {
  type PaymentView,
  type ProposeBody,
  ROUTES,
  type Route,
  type RouteName,
} from '@countersign/contracts';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What a route is asked with, nothing of it wrong. */
export interface RightRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
}

/** Names of what is there, for requests that mean something. */
export interface Place {
  /** A name that nobody has. */
  readonly fresh: string;
  readonly agent: string;
  readonly wallet: string;
  /** A wallet of the kind that `agent` has none of. */
  readonly otherWallet: string;
  /** A smart account that stands. */
  readonly account: string;
  /** A wallet that is frozen. */
  readonly frozenWallet: string;
  /** An agent that is frozen. */
  readonly frozenAgent: string;
  readonly seller: string;
  /** An executing task of `agent` with a unit. */
  readonly task: string;
  /** A task of `agent` that explores, and the digest of its plan. */
  readonly exploring: string;
  readonly plan: string;
  readonly session: string;
  /** What may be ended for good. */
  readonly doomed: Readonly<Record<'agent' | 'wallet' | 'seller' | 'task' | 'session', string>>;
  /** The id of a settled payment of `agent`. */
  readonly paid: string;
  /** A payment of `agent` that waits for people. */
  readonly waiting: Pick<PaymentView, 'id' | 'quoteDigest' | 'approval'>;
  /** What `seller` asks for, at a URL of its own. */
  readonly offer: {
    readonly quote: ProposeBody['quote'];
    readonly resource: { readonly method: 'GET'; readonly url: string };
  };
  readonly treasury: string;
  readonly policy: { readonly version: string; readonly text: string };
  /** The id of a change that waits. */
  readonly change: string;
  /** The position of a record that did not count. */
  readonly ignored: string;
  /** The place of a message. */
  readonly message: string;
  /** The digest of a loss that nobody has accepted. */
  readonly loss: string;
}

/** What {@link RightRequest} each route would be asked with, at a place. */
export function rightRequests(at: Place): Record<RouteName, RightRequest> {
  return {
    ...aboutPayments(at),
    ...aboutTasks(at),
    ...aboutPrincipals(at),
    ...aboutPolicies(at),
    ...aboutWallets(at),
    ...aboutRecords(at),
  };
}

/** The URL of a route, each parameter as one segment. */
export function urlOf(route: Route, { params = {}, query = {} }: RightRequest): string {
  const path = route.path.replaceAll(/:([a-z]+)/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
}

export const ROUTE_NAMES = Object.keys(ROUTES) as RouteName[];

const proposal = ({ offer, ...at }: Place) => ({
  quote: { ...offer.quote },
  resource: { ...offer.resource },
  ...{ task: at.task, session: at.session, category: 'embedding' },
  ...{ expectedAmount: offer.quote.amount, purpose: 'to know' },
});

const aboutPayments = (at: Place) => {
  const ofWaiting = { id: at.waiting.id };
  const { quoteDigest, approval } = at.waiting;
  return {
    proposePayment: { body: { ...proposal(at), again: false } },
    listPayments: {
      query: { agent: at.agent, status: 'settled', limit: '10', before: at.waiting.id },
    },
    readPayment: { params: { id: at.paid } },
    explainPayment: { params: { id: at.paid } },
    reportDelivery: {
      params: { id: at.paid },
      body: { status: 200, responseDigest: 'ab'.repeat(32) },
    },
    listUnattributed: {},
    resubmitMessage: { body: { place: at.message } },
    listApprovals: {},
    readApproval: { params: ofWaiting },
    grant: {
      params: ofWaiting,
      body: { quoteDigest, decisionId: approval?.decisionId ?? '' },
    },
    veto: { params: ofWaiting, body: { reason: 'too dear' } },
  };
};

const aboutTasks = (at: Place) => {
  const { agent, doomed } = at;
  const ofTask = { agent, task: at.task };
  const ofExploring = { agent, task: at.exploring };
  const terms = { unit: 'USD', ceiling: '9000000', estimate: '5000000', stopAtPercent: 150 };
  return {
    openSession: {
      params: { agent, session: at.fresh },
      body: { seconds: 3_600, unit: 'USD', ceiling: '9000000' },
    },
    closeSession: { params: { agent, session: doomed.session } },
    readSession: { params: { agent, session: at.session } },
    listSessions: { query: { agent } },
    openTask: { params: { agent }, body: { task: at.fresh, phase: 'exploring', ...terms } },
    closeTask: { params: { agent, task: doomed.task } },
    listTasks: { query: { agent, phase: 'executing' } },
    readTask: { params: ofTask },
    setTaskTerms: { params: ofTask, body: terms },
    submitPlan: { params: ofExploring, body: { text: 'two by two', estimate: '4000000' } },
    commitPlan: { params: ofExploring, body: { plan: at.plan } },
    setTaskPhase: { params: ofTask, body: { to: 'exploring' } },
    recordCost: {
      params: ofTask,
      body: { reference: at.fresh, kind: 'api', amount: '250000', note: 'a bill' },
    },
    recordOutcome: {
      params: { agent },
      body: {
        ...{ task: at.task, reference: at.fresh, result: 'partial' },
        ...{ value: '9000000', note: 'half of it' },
      },
    },
    listNothingBack: {
      query: { agent, task: at.task, olderThanSeconds: '0', limit: '10' },
    },
    readAvailable: {
      params: { agent },
      query: { task: at.task, session: at.session, seller: at.seller },
    },
  };
};

const aboutPrincipals = (at: Place) => {
  const { fresh, doomed, offer } = at;
  const ofDoomed = { agent: doomed.agent };
  const payTo = [{ network: offer.quote.network, address: offer.quote.payTo }];
  return {
    listAgents: {},
    addAgent: { body: { agent: fresh, wallet: at.wallet } },
    addAgentWallet: { params: ofDoomed, body: { wallet: at.otherWallet } },
    replaceAgentCredential: { params: ofDoomed },
    setAgentMessageKeys: {
      params: ofDoomed,
      body: { keys: { signing: 'A'.repeat(43), sealing: 'A'.repeat(43) } },
    },
    freezeAgent: { params: ofDoomed, body: { reason: 'to look' } },
    unfreezeAgent: { params: { agent: at.frozenAgent } },
    freezeAll: { body: { reason: 'to look' } },
    unfreezeAll: {},
    addPerson: { body: { person: fresh, roles: ['approver', 'auditor'] } },
    listSellers: {},
    registerSeller: {
      params: { seller: fresh },
      body: {
        ...{ domain: `${fresh}.example.com`, payTo, trust: 'known', category: 'embedding' },
        ...{ jurisdiction: 'DE', takes: 'any', routes: [] },
      },
    },
    removeSeller: { params: { seller: doomed.seller } },
    listFacilitators: {},
  };
};

const aboutPolicies = (at: Place) => ({
  listChanges: {},
  cancelChange: { params: { change: at.change } },
  listPolicies: {},
  readPolicy: { params: { version: at.policy.version } },
  putPolicy: { body: { text: at.policy.text } },
  activatePolicy: { params: { version: at.policy.version } },
  evaluatePolicy: {
    body: { ...proposal(at), agent: at.agent, version: 1, sessionTerms: { unit: 'USD' } },
  },
});

const aboutWallets = (at: Place) => ({
  requestWallet: { body: { wallet: at.fresh, kind: 'eoa-secp256k1' } },
  rotateWallet: { params: { wallet: at.account } },
  revokeWallet: { params: { wallet: at.doomed.wallet } },
  unfreezeWallet: { params: { wallet: at.frozenWallet } },
  readWallet: { params: { wallet: at.wallet } },
  withdraw: {
    params: { wallet: at.wallet },
    body: {
      ...{ network: at.offer.quote.network, asset: at.offer.quote.asset },
      ...{ amount: '30000', to: at.treasury },
    },
  },
  readRestore: {},
  acceptRestore: { body: { digest: at.loss } },
});

const aboutRecords = (at: Place) => ({
  listIgnored: {},
  resubmitRecord: { body: { position: at.ignored } },
  readHeads: {},
  readKeys: {},
  readCheckpoint: {},
  readProof: { params: { id: at.paid } },
  followEvents: { query: { after: 'start', wait: '0', limit: '10' } },
  searchEvents: {
    query: {
      ...{ payment: at.paid, agent: at.agent, event: 'decision.made', outcome: 'allow' },
      ...{ policy: '1', depth: 'full', text: 'know', from: '0', limit: '10' },
    },
  },
  readSpend: { query: { from: '2020-01-01', to: '2040-01-01', agent: at.agent } },
  runSql: { body: { query: 'SELECT 1 AS one' } },
});
