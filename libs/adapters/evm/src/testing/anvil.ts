import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** A node of a development chain, for specs. It mines only when it is told to. */
export interface Anvil {
  readonly rpcUrl: string;
  call(method: string, ...params: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

const ARGUMENTS = [
  ...['--host', '127.0.0.1', '--port', '0', '--chain-id', '84532'],
  ...['--no-mining', '--order', 'fifo', '--slots-in-an-epoch', '1'],
];

/** Starts anvil, with further arguments, and waits until it listens. It ends with this process. */
export async function startAnvil(...more: readonly string[]): Promise<Anvil> {
  const child = spawn(anvilBinary(), [...ARGUMENTS, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = () => child.kill();
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const rpcUrl = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /^Listening on (\S+)$/.exec(line)?.[1];
      if (address !== undefined) resolve(`http://${address}`);
    });
    child.once('error', reject);
    void gone.then(() => reject(new Error('anvil ended before it listened')));
  });
  return {
    rpcUrl,
    call: (method, ...params) => callNode(rpcUrl, method, params),
    async stop() {
      process.off('exit', kill);
      kill();
      await gone;
    },
  };
}

async function callNode(rpcUrl: string, method: string, params: readonly unknown[]) {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as { readonly result?: unknown; readonly error?: unknown };
  if (answer.error !== undefined) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

/** The platform's own package holds the binary; the launcher in `@foundry-rs/anvil` needs a postinstall script. */
function anvilBinary(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  const fromLauncher = createRequire(
    createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'),
  );
  return fromLauncher.resolve(`@foundry-rs/anvil-${process.platform}-${architecture}/bin/${file}`);
}
