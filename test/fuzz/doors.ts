import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fetchSchemathesis } from '../../deploy/local/schemathesis.mjs';

/**
 * Input that fits its JSON schema may still be refused for what it means: a policy's text, a payment that is not there.
 */
const CHECKS = ['--checks', 'all', '--exclude-checks', 'positive_data_acceptance'];

/** An answer may be asked to wait for thirty seconds, and the machine may be busy. */
const TIMEOUT = ['--request-timeout', '60', '--max-response-time', '60'];

interface Asking {
  /** How schemathesis is run. */
  readonly command: readonly string[];
  readonly examples: number;
  readonly seed: number;
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

async function started(folder: string): Promise<Target> {
  // `env` adds to the environment that is inherited: only config.ts reads one.
  const settings = [
    `COUNTERSIGN_DATA_DIR=${folder}`,
    'COUNTERSIGN_PORT=0',
    'COUNTERSIGN_LOG_LEVEL=warn',
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

/** An agent with a wallet, so that there is somebody to be. */
async function agentOf({ url, owner }: Target): Promise<string> {
  const post = async (path: string, body: object) => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { credential?: string };
  };
  await post('/v1/wallets', { wallet: 'fuzzed' });
  const { credential } = await post('/v1/agents', { agent: 'fuzzed', wallet: 'fuzzed' });
  if (credential === undefined) throw new Error('the agent got no credential');
  return credential;
}

async function ask(
  { url, folder }: Target,
  credential: string,
  { command, examples, seed }: Asking,
): Promise<boolean> {
  const [program = '', ...first] = command;
  const child = spawn(
    program,
    [
      ...[...first, 'run', `${url}/openapi.json`, '-H', `Authorization: Bearer ${credential}`],
      ...[...CHECKS, ...TIMEOUT, '--max-examples', String(examples), '--seed', String(seed)],
      // Two threads that parse Python at once break CPython 3.11: "AST constructor recursion depth mismatch".
      // How long the generator takes says how busy the machine is.
      ...['--workers', '1', '--suppress-health-check', 'too_slow'],
    ],
    // What it remembers of a run belongs to the run.
    { stdio: 'inherit', cwd: folder },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

/**
 * Asks a Countersign of its own, as its owner and as an agent, with so many generated requests a door and check.
 *
 * @returns whether every door held.
 */
export async function fuzzDoors(examples: number, seed: number): Promise<boolean> {
  const asking = { command: await fetchSchemathesis(), examples, seed };
  const folder = mkdtempSync(join(tmpdir(), 'countersign-fuzz-'));
  const target = await started(folder);
  try {
    const asOwner = await ask(target, target.owner, asking);
    const asAgent = await ask(target, await agentOf(target), asking);
    const isAlive = (await fetch(`${target.url}/readyz`)).ok;
    for (const line of target.errors) console.error(line);
    const isWell = asOwner && asAgent && isAlive && target.errors.length === 0;
    console.log(isWell ? 'fuzz: every door held' : 'fuzz: something was found; see above');
    return isWell;
  } finally {
    target.child.kill('SIGTERM');
    await once(target.child, 'exit');
    rmSync(folder, { recursive: true });
  }
}
