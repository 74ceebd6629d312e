import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RouteName } from '@countersign/contracts';
import { type Chain, SANDBOX_NETWORK, startChain } from '../../apps/sandbox/src/chain.ts';
import { fetchSchemathesis } from '../../deploy/local/schemathesis.mjs';
import { ROUTE_NAMES } from '../e2e/right-requests.ts';
import { enteredIn } from './entered.ts';
import { type ApiDocument, withExamples } from './examples.ts';
import { type Furnished, furnish, gasKeyFileIn } from './furnish.ts';

/**
 * Input that fits its JSON schema may still be refused for what it means: a policy's text, a payment that is not there.
 */
const CHECKS = ['--checks', 'all', '--exclude-checks', 'positive_data_acceptance'];

/** What counts as refused: schemathesis's own list, and what is too large, which is told before a field is looked at. */
const REFUSALS = `[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
`;

/** An answer may be asked to wait for thirty seconds, and the machine may be busy. */
const TIMEOUT = ['--request-timeout', '60', '--max-response-time', '60'];

/** What they are for is there after a loss, a theft, a fault or a delay only. */
const SELDOM: readonly RouteName[] = [
  ...(['acceptRestore', 'unfreezeWallet', 'resubmitRecord', 'resubmitMessage'] as const),
  'cancelChange',
];

interface Asking {
  /** How schemathesis is run. */
  readonly command: readonly string[];
  readonly examples: number;
  readonly seed: number;
}

interface Asked {
  /** Whether schemathesis found nothing. */
  readonly isWell: boolean;
  readonly entered: ReadonlySet<RouteName>;
}

interface Target {
  /** Its data, and what is remembered of the run. */
  readonly folder: string;
  readonly url: string;
  readonly owner: string;
  readonly child: ChildProcess;
  /** Lines of its log at error and above. */
  readonly errors: string[];
}

async function started(folder: string, chain: Chain): Promise<Target> {
  // `env` adds to the environment that is inherited: only config.ts reads one.
  const settings = [
    `COUNTERSIGN_DATA_DIR=${folder}`,
    'COUNTERSIGN_PORT=0',
    'COUNTERSIGN_LOG_LEVEL=warn',
    `COUNTERSIGN_CHAINS=${SANDBOX_NETWORK}=${chain.rpcUrl}`,
    `COUNTERSIGN_GAS_KEY_FILE=${gasKeyFileIn({ chain, folder }, 1)}`,
  ];
  const program = [process.execPath, '--import', 'tsx', 'apps/standalone/src/main.ts'];
  const child = spawn('env', [...settings, ...program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  const said: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    said.push(line);
    if (isError(line)) errors.push(line);
  });
  for await (const line of createInterface(child.stdout)) {
    const said = JSON.parse(line) as { level?: number; url?: string; ownerCredentialFile?: string };
    if (said.url === undefined || said.ownerCredentialFile === undefined) continue;
    child.stdout.resume();
    createInterface(child.stdout).on('line', (later) => {
      if (isError(later)) errors.push(later);
    });
    const owner = readFileSync(said.ownerCredentialFile, 'utf8').trim();
    return { folder, url: said.url, owner, child, errors };
  }
  throw new Error(`the standalone app ended before it listened:\n${said.join('\n')}`);
}

/** What is told to people stands among the lines of the log: a wallet revoked by a guess is no fault. */
function isError(line: string): boolean {
  return line.startsWith('{') && Number((JSON.parse(line) as { level?: number }).level) >= 50;
}

/** What was stopped for all by one run would stop what the next begins with. */
async function calledOff({ url, owner }: Target): Promise<void> {
  const headers = { authorization: `Bearer ${owner}` };
  const { status } = await fetch(`${url}/v1/unfreeze`, { method: 'POST', headers });
  if (status !== 200 && status !== 409) throw new Error(`the freeze is not lifted: ${status}`);
}

async function ask(
  { url, folder }: Target,
  { place, credential }: Furnished,
  { command, examples, seed }: Asking,
): Promise<Asked> {
  const [program = '', ...first] = command;
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as ApiDocument;
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(withExamples(document, place)));
  writeFileSync(join(folder, 'schemathesis.toml'), REFUSALS);
  const asked = join(folder, 'asked.har');
  const child = spawn(
    program,
    [
      ...[...first, 'run', file, '--url', url, '-H', `Authorization: Bearer ${credential}`],
      ...[...CHECKS, ...TIMEOUT, '--max-examples', String(examples), '--seed', String(seed)],
      ...['--report', 'har', '--report-har-path', asked],
      // Two threads that parse Python at once break CPython 3.11: "AST constructor recursion depth mismatch".
      // How long the generator takes says how busy the machine is.
      ...['--workers', '1', '--suppress-health-check', 'too_slow'],
    ],
    // What it remembers of a run belongs to the run.
    { stdio: 'inherit', cwd: folder },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  return { isWell: code === 0, entered: enteredIn(asked) };
}

/**
 * Asks a Countersign of its own, as its owner and as an agent, with so many generated requests a door and check.
 *
 * @returns whether every door held.
 */
export async function fuzzDoors(examples: number, seed: number): Promise<boolean> {
  const asking = { command: await fetchSchemathesis(), examples, seed };
  const folder = mkdtempSync(join(tmpdir(), 'countersign-fuzz-'));
  await using chain = await startChain();
  const target = await started(folder, chain);
  try {
    const { place } = await furnish({ ...target, chain }, 'first');
    const asOwner = await ask(target, { place, credential: target.owner }, asking);
    await calledOff(target);
    const asAgent = await ask(target, await furnish({ ...target, chain }, 'second'), asking);
    const isAlive = (await fetch(`${target.url}/readyz`)).ok;
    for (const line of target.errors) console.error(line);
    const entered = new Set([...asOwner.entered, ...asAgent.entered]);
    console.log(`fuzz: ${entered.size} of ${ROUTE_NAMES.length} doors were entered`);
    const closed = ROUTE_NAMES.filter((name) => !entered.has(name) && !SELDOM.includes(name));
    if (closed.length > 0) console.error(`fuzz: never entered: ${closed.join(', ')}`);
    const isFound = !asOwner.isWell || !asAgent.isWell || target.errors.length > 0;
    const isWell = !isFound && isAlive && closed.length === 0;
    console.log(isWell ? 'fuzz: every door held' : 'fuzz: something was found; see above');
    return isWell;
  } finally {
    target.child.kill('SIGTERM');
    await once(target.child, 'exit');
    rmSync(folder, { recursive: true });
  }
}
