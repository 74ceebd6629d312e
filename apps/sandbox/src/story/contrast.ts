import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { privateKeyToAccount } from 'viem/accounts';
import { SANDBOX_NETWORK } from '../chain.ts';
import { type Ended, outcomeOf, transfers } from './evidence.ts';
import type { Narration } from './narration.ts';
import { grant } from './scenes.ts';
import { payToOf } from './sellers.ts';
import type { World } from './world.ts';

/** A settle answer is lost and the caller does what callers do: it calls again. */
export async function lostAnswer(world: World, say: Narration): Promise<void> {
  const { facilitator, stock, sellers, wallets } = world;
  const payee = payToOf('embeddings');
  const url = `${sellers.embeddings.url}/embed/lost-answer`;

  const stockBefore = (await transfers(world, stock.address, payee)).length;
  facilitator.faults.dropNextSettleAnswer();
  await stock.fetch(url).catch(() => undefined);
  await stock.fetch(url).catch(() => undefined);
  const stockPaid = (await transfers(world, stock.address, payee)).length - stockBefore;

  const before = (await transfers(world, wallets['research-1'], payee)).length;
  facilitator.faults.dropNextSettleAnswer();
  const first = await outcomeOf(world.fetchAs('research-1')(url));
  const second = await outcomeOf(world.fetchAs('research-1')(url));
  const paid = (await transfers(world, wallets['research-1'], payee)).length - before;

  const same = first.payment?.id !== undefined && first.payment.id === second.payment?.id;
  say.line(
    stockPaid === 2 && paid === 1 && same,
    `lost answer, then a retry: stock client: ${stockPaid} transfers on chain · Countersign: ${paid}`,
    `the stock client signs a new nonce per 402; here the retry is the same payment and presents the same bytes`,
  );
}

/** Fifty parallel payments of 90 under a daily 100. */
export async function fiftyAtOnce(world: World, say: Narration): Promise<void> {
  const { stock, sellers, wallets } = world;
  const payee = payToOf('reports');
  const urls = Array.from({ length: 50 }, (_, n) => `${sellers.reports.url}/report/${n}`);

  const checked = new CheckThenPay(100_000_000n);
  await Promise.all(urls.map((url) => checked.fetch(stock.fetch, url, 90_000_000n)));
  const stockPaid = (await transfers(world, stock.address, payee)).length;

  const call = world.fetchAs('batch-1');
  const ended = await Promise.all(urls.map((url) => outcomeOf(call(url))));
  const paid = (await transfers(world, wallets['batch-1'], payee)).length;
  const denied = ended.filter((it) => it.kind === 'stopped').length;
  say.line(
    paid === 1 && denied === 49 && stockPaid > 1,
    `fifty payments of 90 at once under a daily 100: check-then-pay: ${stockPaid} transfers · Countersign: ${paid}`,
    `one atomic reservation over every budget before anything is signed; ${denied} were denied with an alternative`,
  );
}

/** What spending limits usually are: a sum that is read, then paid against, then written. */
class CheckThenPay {
  readonly #limit: bigint;
  #spent = 0n;

  constructor(limit: bigint) {
    this.#limit = limit;
  }

  async fetch(pay: typeof fetch, url: string, amount: bigint): Promise<void> {
    if (this.#spent + amount > this.#limit) return;
    const response = await pay(url).catch(() => undefined);
    if (response?.ok) this.#spent += amount;
  }
}

/** The five example payments of a flat cap of 5.00 against the same five under tiers. */
export async function flatCap(world: World, say: Narration): Promise<void> {
  const { sellers } = world;
  const capped = cappedStockClient(5_000_000n);
  const examples = [
    { what: '0.02 embedding', url: `${sellers.embeddings.url}/embed/flat` },
    { what: '2.00 dataset, verified seller', url: `${sellers.datasets.url}/dataset/3` },
    { what: '89.00 agent hire', url: `${sellers.talent.url}/hire/3` },
    { what: '0.50 from a new seller', url: `${sellers.newcomer.url}/embed` },
    { what: '1.00 into a sanctioned country', url: `${sellers.pyongyang.url}/feed` },
  ];
  const rows: string[][] = [['payment', 'flat cap of 5.00', 'tiers']];
  const governed: string[] = [];
  const flat: string[] = [];
  for (const { what, url } of examples) {
    const flatEnd = await capped(url).then(
      (response) => (response.ok ? 'paid, nobody asked' : `HTTP ${response.status}`),
      () => 'refused outright',
    );
    const ended = await outcomeOf(world.fetchAs('research-1')(url));
    flat.push(flatEnd);
    governed.push(await governedText(world, ended, url));
    rows.push([what, flatEnd, governed.at(-1) ?? '']);
  }
  say.line(
    flat.join() ===
      'paid, nobody asked,paid, nobody asked,refused outright,paid, nobody asked,paid, nobody asked' &&
      governed[0] === 'paid, no person needed' &&
      governed[1] === 'asks: veto window of 3 s' &&
      governed[2] === 'asked 2 of 3, granted, paid' &&
      governed[3]?.startsWith('denied') === true &&
      governed[4]?.startsWith('denied') === true,
    'five payments: one number for all of them, or what each of them is',
    'a cap cannot tell an embedding from a sanctioned payee; tiers ask people exactly where it matters',
  );
  say.table(rows);
}

async function governedText(world: World, ended: Ended, url: string): Promise<string> {
  if (ended.kind === 'answered') return 'paid, no person needed';
  const { payment, error } = ended;
  const requirement = payment?.approval?.requirement;
  if (requirement?.kind === 'veto_window')
    return `asks: veto window of ${requirement.windowMs / 1000} s`;
  if (requirement?.kind === 'quorum' && payment) {
    await grant(world, 'bo', payment.id);
    await grant(world, 'cy', payment.id);
    const after = await outcomeOf(world.fetchAs('research-1', { waitSeconds: 5 })(url));
    return `asked ${requirement.quorum} of ${requirement.approvers.length}, granted, ${after.kind === 'answered' ? 'paid' : 'not paid'}`;
  }
  return `denied: ${error.code.replaceAll('_', ' ')}`;
}

function cappedStockClient(perPayment: bigint): typeof fetch {
  const account = privateKeyToAccount(`0x${'57'.repeat(32)}`);
  const client = new x402Client()
    .register(SANDBOX_NETWORK, new ExactEvmScheme(account))
    .registerPolicy((_version, requirements) =>
      requirements.filter((it) => 'amount' in it && BigInt(it.amount) <= perPayment),
    )
    .setSpendControls({ maxAmountPerPayment: false });
  return wrapFetchWithPayment(globalThis.fetch, client);
}
