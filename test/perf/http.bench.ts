import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { type Bench, inDirectory, thousands, times } from './bench.ts';

const CONNECTIONS = 50;
const SECONDS = { quick: 2, full: 15 };
const AUTOCANNON = 'node_modules/autocannon/autocannon.js';
/** autocannon writes another id in its place for each request: every one is a purchase of its own. */
const URL_OF_EACH = 'https://api.example.com/v1/embed?[<id>]';

interface Shot {
  readonly requests: { readonly average: number; readonly total: number };
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly non2xx: number;
  readonly errors: number;
}

const BODY = JSON.stringify({
  quote: {
    ...{ scheme: 'exact', network: NETWORK, asset: USDC, amount: '20000', payTo: PAYEE },
    maxTimeoutSeconds: 60,
  },
  resource: { method: 'GET', url: URL_OF_EACH },
});

interface Measured extends Shot {
  /** Processor time of the server, for one request, in microseconds. */
  readonly cpuMicros: number;
}

/** Starts a server of {@link ./http-server.ts} in a process of its own. */
async function serving(kind: string, folder: string) {
  const args = ['--import', 'tsx', 'test/perf/http-server.ts', kind, folder];
  const server = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(server.stdout);
  const nextLine = async () => ((await once(lines, 'line')) as [string])[0];
  const { url, credential } = JSON.parse(await nextLine()) as { url: string; credential: string };
  const cpuMicros = async () => {
    const answer = nextLine();
    server.stdin.write('\n');
    return Number(await answer);
  };
  return { server, url, credential, cpuMicros };
}

async function shoot(url: string, credential: string, seconds: number): Promise<Shot> {
  const args = [
    ...[AUTOCANNON, '-j', '-c', String(CONNECTIONS), '-d', String(seconds), '-m', 'POST', '-I'],
    ...['-H', 'content-type=application/json', '-H', `authorization=Bearer ${credential}`],
    ...['-b', BODY, url],
  ];
  const cannon = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const parts: Buffer[] = [];
  cannon.stdout.on('data', (part: Buffer) => parts.push(part));
  await once(cannon, 'close');
  return JSON.parse(Buffer.concat(parts).toString()) as Shot;
}

async function measured(kind: string, folder: string, seconds: number): Promise<Measured> {
  const { server, url, credential, cpuMicros } = await serving(kind, folder);
  try {
    await shoot(url, credential, Math.ceil(seconds / 5));
    const before = await cpuMicros();
    const shot = await shoot(url, credential, seconds);
    if (shot.non2xx + shot.errors > 0)
      throw new Error(`${shot.non2xx} refusals and ${shot.errors} errors`);
    return { ...shot, cpuMicros: ((await cpuMicros()) - before) / shot.requests.total };
  } finally {
    server.kill('SIGTERM');
    await once(server, 'close');
  }
}

export const bench: Bench = {
  title: 'From an HTTP intent to its durable decision',
  about:
    'Fifty connections. Each request is a new purchase that one budget refuses: intent, reservation, signed decision and end are on disk when it is answered. Beside it an empty handler of Nest on Fastify. The client shares the cores.',
  run: (tell, size) =>
    inDirectory(async (folder) => {
      tell('the empty handler');
      const empty = await measured('empty', folder, SECONDS[size]);
      tell('the governed one');
      const own = await measured('governed', folder, SECONDS[size]);
      const latency = ({ latency: { p50, p99 } }: Shot) => `p50 ${p50} ms, p99 ${p99} ms`;
      const cpu = ({ cpuMicros }: Measured) => `${thousands(cpuMicros)} us of processor time`;
      return [
        {
          what: `${CONNECTIONS} connections`,
          figure: `${thousands(own.requests.average)} decisions/s, ${latency(own)}, ${cpu(own)} each`,
          beside: `${thousands(empty.requests.average)} requests/s, ${latency(empty)}, ${cpu(empty)}: ${times(own.requests.average / empty.requests.average)}`,
          aim: '5,000/s with p99 < 25 ms on two cores',
        },
      ];
    }),
};
