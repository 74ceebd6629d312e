import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ContractServer,
  type Handlers,
  startContractServer,
} from '@countersign/sdk/testing/contract-server';
import { run } from '../cli.ts';

/** What one run of the command left behind. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The questions that were asked. */
  readonly asked: readonly string[];
}

/** A person with a credential in front of a terminal without colour, and a server that follows the contract. */
export interface Desk extends AsyncDisposable {
  readonly server: ContractServer;
  readonly folder: string;
  /** Runs the command in process; `answer` is what the person types when asked, null where nobody sits there. */
  run(args: string, answer?: string | null): Promise<Ran>;
  /** Writes a file and gives back its path. */
  file(name: string, text: string): Promise<string>;
}

/** Sets up a desk whose server answers with `handlers`. */
export async function startDesk(handlers: Handlers): Promise<Desk> {
  const server = await startContractServer(handlers);
  const folder = await mkdtemp(join(tmpdir(), 'countersign-cli-'));
  const credentialFile = join(folder, 'credential');
  await writeFile(credentialFile, 'a-credential\n');
  return {
    server,
    folder,
    async run(args, answer = null) {
      const out: string[] = [];
      const err: string[] = [];
      const asked: string[] = [];
      const code = await run(wordsOf(args), {
        config: { url: server.url, credentialFile, plain: true },
        terminal: {
          out: (text) => void out.push(text),
          err: (text) => void err.push(text),
          paint: (_, text) => text,
          ...(answer !== null && {
            ask: (question: string) => {
              asked.push(question);
              return Promise.resolve(answer);
            },
          }),
        },
      });
      return { code, out: out.join('\n'), err: err.join('\n'), asked };
    },
    async file(name, text) {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

/** Words as a shell would part them; single quotes keep a word together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, kept, word]) => kept ?? word ?? '');
}
