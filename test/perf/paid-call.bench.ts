import { startStandalone } from '../../apps/sandbox/src/story/standalone.ts';
import { createWorld } from '../../apps/sandbox/src/story/world.ts';
import { type Bench, quantile, secondsOf, times } from './bench.ts';

/** The story's policy lets sixty embeddings a minute pass. */
const CALLS = { quick: 10, full: 50 };
const WARM_UP = 5;

async function paidIn(fetchAs: typeof fetch, url: string): Promise<number> {
  return (
    1_000 *
    (await secondsOf(async () => {
      const response = await fetchAs(url);
      await response.text();
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    }))
  );
}

export const bench: Bench = {
  title: 'A paid call, governed and ungoverned',
  about:
    'The stock @x402/fetch wrapper against a stock seller, facilitator and chain on the same cores: once with a key of its own, once with our scheme in it, in turns. The governed call waits for intent, reservation, decision, authorization and signature on disk.',
  async run(tell, size) {
    await using world = await createWorld(startStandalone, tell);
    const governed = world.fetchAs('research-1');
    const url = (index: number) => `${world.sellers.embeddings.url}/embed/${index}`;
    const took: { stock: number; own: number }[] = [];
    tell('paying in turns');
    for (let index = 0; index < CALLS[size]; index += 1) {
      const stock = await paidIn(world.stock.fetch, url(2 * index));
      took.push({ stock, own: await paidIn(governed, url(2 * index + 1)) });
    }
    const warm = took.slice(WARM_UP);
    const said = (values: readonly number[]) =>
      `p50 ${quantile(values, 0.5).toFixed(0)} ms, p99 ${quantile(values, 0.99).toFixed(0)} ms`;
    const [stock, own] = [warm.map((it) => it.stock), warm.map((it) => it.own)];
    return [
      {
        what: `${warm.length} paid calls, one after another`,
        figure: said(own),
        beside: `ungoverned ${said(stock)}: ${times(quantile(own, 0.5) / quantile(stock, 0.5))}`,
        aim: '<= 1.25x',
      },
    ];
  },
};
