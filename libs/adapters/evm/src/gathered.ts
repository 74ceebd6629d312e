import { type Rpc, type RpcAnswer, type RpcCall, unavailable } from './rpc.ts';

/** Public nodes refuse larger batches; Base's takes ten calls. */
const CALLS_MAX = 10;
const UNDER_WAY_MAX = 4;

interface Asked {
  /** With what tells each from others. */
  readonly calls: readonly (readonly [key: string, call: RpcCall])[];
  readonly signal: AbortSignal;
  readonly resolve: (answers: readonly RpcAnswer[]) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The same node for small readings, of which many are wanted at once: those asked for in one turn of the event loop, or
 * while others are under way, share a round trip, and the same call among them is made once. Whoever shares a round trip
 * shares its failure, so nothing goes here whose answer may be large, and nothing that changes anything.
 */
export function gathered(rpc: Rpc): Rpc {
  const queue: Asked[] = [];
  let underWay = 0;
  let isDue = false;

  function flush(): void {
    isDue = false;
    while (queue.length > 0 && underWay < UNDER_WAY_MAX) {
      underWay += 1;
      void carry(rpc, nextOf(queue)).finally(() => {
        underWay -= 1;
        flush();
      });
    }
  }

  return {
    send(calls, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly RpcAnswer[]>();
      // Each waits as long as it wants to, whoever it shares a round trip with.
      signal.addEventListener('abort', () =>
        reject(unavailable('the node did not answer in time')),
      );
      const keyed = calls.map((call) => [JSON.stringify(call), call] as const);
      queue.push({ calls: keyed, signal, resolve, reject });
      if (!isDue) setImmediate(flush);
      isDue = true;
      return promise;
    },
  };
}

/** As many as fit into one batch, in the order in which they were asked; at least one. */
function nextOf(queue: Asked[]): readonly Asked[] {
  const distinct = new Set<string>();
  let count = 0;
  for (const { calls } of queue) {
    for (const [key] of calls) distinct.add(key);
    if (count > 0 && distinct.size > CALLS_MAX) break;
    count += 1;
  }
  return queue.splice(0, count);
}

/** Never rejects: everyone is told for themselves. */
async function carry(rpc: Rpc, asked: readonly Asked[]): Promise<void> {
  const distinct = new Map(asked.flatMap(({ calls }) => calls));
  try {
    const last = asked.at(-1);
    if (!last) return;
    // Nobody waits for longer than who asked last.
    const answers = await rpc.send([...distinct.values()], last.signal);
    const byKey = new Map([...distinct.keys()].map((key, index) => [key, answers[index]]));
    for (const { calls, resolve } of asked)
      resolve(calls.map(([key, call]) => byKey.get(key) ?? missing(call)));
  } catch (error) {
    for (const { reject } of asked) reject(error);
  }
}

function missing({ method }: RpcCall): RpcAnswer {
  return () => {
    throw unavailable(`no answer to ${method}`);
  };
}
