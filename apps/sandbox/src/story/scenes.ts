import { AwaitingApproval, PaymentDenied } from '@countersign/sdk';
import type { PaymentView } from '@countersign/contracts';
import { eventually, outcomeOf, paymentWhen, transfers } from './evidence.ts';
import type { Narration } from './narration.ts';
import { payToOf } from './sellers.ts';
import type { ApproverName, World } from './world.ts';

type Scene = (world: World, say: Narration) => Promise<void>;

/** A $0.02 embedding nobody needs to hear of. */
const autonomous: Scene = async (world, say) => {
  const ended = await outcomeOf(
    world.fetchAs('research-1')(`${world.sellers.embeddings.url}/embed`),
  );
  const paid = await transfers(world, world.wallets['research-1'], payToOf('embeddings'));
  const { payment } = ended;
  say.line(
    ended.kind === 'answered' && paid.length === 1 && payment?.tier === 'everyday',
    `autonomous: an embedding for ${payment?.amount}: paid, ${paid.length} transfer on chain`,
    `tier ${payment?.tier}: known seller, registered payee, within its price and 1.00; no person needed`,
  );
};

const supervisedPasses: Scene = async (world, say) => {
  const url = `${world.sellers.datasets.url}/dataset/1`;
  const first = await outcomeOf(world.fetchAs('research-1')(url));
  const asked = first.kind === 'stopped' && first.error instanceof AwaitingApproval;
  const ended = await outcomeOf(world.fetchAs('research-1', { waitSeconds: 15 })(url));
  const paid = await transfers(world, world.wallets['research-1'], payToOf('datasets'));
  const told = world.receiver.messagesAbout(ended.payment?.id ?? '').length;
  say.line(
    asked && ended.kind === 'answered' && paid.length === 1 && told >= 1,
    `supervised: a dataset for ${ended.payment?.amount}: people were told, 3 s passed, paid once`,
    `the window opened when the notification was accepted; the retry brought a fresh quote of the same terms`,
  );
};

const supervisedVetoed: Scene = async (world, say) => {
  const url = `${world.sellers.datasets.url}/dataset/2`;
  const before = await transfers(world, world.wallets['research-1'], payToOf('datasets'));
  const asked = await outcomeOf(world.fetchAs('research-1')(url));
  const id = idOf(asked.payment);
  await world.approvers.ada.call('veto', {
    params: { id },
    body: { reason: 'we own this dataset' },
  });
  const after = await transfers(world, world.wallets['research-1'], payToOf('datasets'));
  const payment = await world.owner.readPayment(id);
  say.line(
    payment.status === 'vetoed' &&
      payment.authorization === undefined &&
      before.length === after.length,
    `supervised: another dataset: ada vetoed it within the window, and no authorization exists`,
    `a veto before the authorization wins; nothing that could be paid was ever signed`,
  );
};

const granted: Scene = async (world, say) => {
  const url = `${world.sellers.talent.url}/hire/1`;
  const asked = await outcomeOf(
    world.fetchAs('research-1', { purpose: 'Review of chapter 3' })(url),
  );
  const id = idOf(asked.payment);
  await grant(world, 'ada', id);
  const half = await world.owner.readPayment(id);
  await grant(world, 'bo', id);
  const ended = await outcomeOf(world.fetchAs('research-1', { waitSeconds: 5 })(url));
  const paid = await transfers(world, world.wallets['research-1'], payToOf('talent'));
  say.line(
    half.status === 'awaiting_approval' && ended.kind === 'answered' && paid.length === 1,
    `collaborative: hiring an agent for ${ended.payment?.amount}: ada and bo of three granted it, paid once`,
    `one grant was not enough; each was over the digest of exactly this quote, and the signer checked both`,
  );
};

const unanswered: Scene = async (world, say) => {
  const asked = await outcomeOf(world.fetchAs('research-1')(`${world.sellers.talent.url}/hire/2`));
  const payment = await paymentWhen(world, idOf(asked.payment), (it) => it.final);
  say.line(
    payment.status === 'expired' && payment.authorization === undefined,
    `collaborative: hiring a second one: nobody answered for 4 s, so it expired`,
    `silence is never consent; code ${payment.code}, and its reservation is released`,
  );
};

const prohibited: Scene = async (world, say) => {
  const ended = await outcomeOf(world.fetchAs('research-1')(`${world.sellers.pyongyang.url}/feed`));
  const id = idOf(ended.payment);
  const alert = await eventually('the alert', async () =>
    world.receiver.messagesAbout(id).find((message) => message.kind === 'alert'),
  );
  say.line(
    ended.kind === 'stopped' &&
      ended.error instanceof PaymentDenied &&
      ended.payment?.tier === null,
    `prohibited: a feed from a sanctioned jurisdiction: denied, recorded, alerted`,
    `"${alert.title}"; the jurisdiction is the registered one, whatever agent or seller say`,
  );
};

const overBudget: Scene = async (world, say) => {
  const call = (n: number) =>
    outcomeOf(world.fetchAs('research-1')(`${world.sellers.images.url}/image/${n}`));
  const first = [await call(1), await call(2)];
  const third = await call(3);
  const paid = await transfers(world, world.wallets['research-1'], payToOf('images'));
  const alternative = third.payment?.alternative ?? '';
  say.line(
    first.every((ended) => ended.kind === 'answered') &&
      third.kind === 'stopped' &&
      paid.length === 2 &&
      alternative !== '',
    `over budget: two images at 0.20 under 0.50 a day went through, the third was denied`,
    `the agent is told what to try instead: "${alternative}"`,
  );
};

const wrongPayee: Scene = async (world, say) => {
  const ended = await outcomeOf(
    world.fetchAs('research-1')(`${world.sellers.embeddings.url}/hijacked`),
  );
  const paid = await transfers(
    world,
    world.wallets['research-1'],
    '0xbad0000000000000000000000000000000000bad',
  );
  say.line(
    ended.kind === 'stopped' && ended.error.code === 'payee_mismatch' && paid.length === 0,
    `payee: the embedding seller suddenly asks to be paid elsewhere: denied`,
    `a domain counts only together with the payee a person registered for it`,
  );
};

const restarted: Scene = async (world, say) => {
  world.facilitator.faults.delaySettle(4_000);
  const call = outcomeOf(
    world.fetchAs('research-1')(`${world.sellers.embeddings.url}/embed/in-flight`),
  );
  const inFlight = await eventually('a signed payment', async () => {
    const { payments } = await world.owner.call('listPayments', { query: { status: 'signed' } });
    return payments.find((payment) => payment.resource.url.endsWith('/embed/in-flight'));
  });
  await world.killAndRestart();
  world.facilitator.faults.clear();
  const ended = await call;
  const payment = await paymentWhen(world, inFlight.id, (it) => it.status === 'settled');
  const paid = await world.chain.transfersFrom(world.wallets['research-1']);
  const once = paid.filter((it) => it.transactionHash === payment.settlement?.transactionHash);
  say.line(
    ended.kind === 'answered' && once.length === 1 && payment.settlement?.level === 'final',
    `restart: ${world.killed} with a payment in flight and started again`,
    `it folded its log, asked the chain, and found the payment settled for good in block ${payment.settlement?.blockNumber}`,
  );
};

/** The governed life of one agent, told in order; each scene asserts against chain and log. */
export const SCENES: readonly Scene[] = [
  autonomous,
  supervisedPasses,
  supervisedVetoed,
  granted,
  unanswered,
  prohibited,
  overBudget,
  wrongPayee,
  restarted,
];

/** A person's grant over what the page shows them. */
export async function grant(world: World, person: ApproverName, id: string): Promise<void> {
  const client = world.approvers[person];
  const { payment } = await client.call('readApproval', { params: { id } });
  const { quoteDigest, approval } = payment;
  if (!approval) throw new Error(`${id} does not wait for anybody`);
  const body = { quoteDigest, decisionId: approval.decisionId };
  await client.call('grant', { params: { id }, body });
}

function idOf(payment: PaymentView | undefined): string {
  if (!payment) throw new Error('the call ended without a payment');
  return payment.id;
}
