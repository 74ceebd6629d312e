import { readFile } from 'node:fs/promises';
import { CountersignClient, type CountersignError } from '@countersign/sdk';
import type { Command } from 'commander';
import type { Config } from './config.ts';
import type { Terminal } from './terminal.ts';
import { codeOf } from './text.ts';

/** The command was called wrongly: exit code 2, and nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something on this side refused; told like a refusal of the server, with a stable code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  /** What is wrong with which part of what was given. */
  readonly errors: CountersignError['errors'];

  constructor(code: string, message: string, errors: CountersignError['errors'] = []) {
    super(message);
    this.code = code;
    this.errors = errors;
  }
}

/** What the command runs in. */
export interface Surroundings {
  readonly config: Config;
  readonly terminal: Terminal;
  readonly fetch?: typeof globalThis.fetch;
}

/** One run of one command: who calls whom, and how the answer is shown. */
export class Session {
  readonly terminal: Terminal;
  readonly fetch: typeof globalThis.fetch;
  /** The answer is printed as JSON and nothing else is. */
  readonly json: boolean;
  readonly #url: string;
  readonly #credentialFile: string;
  #client: CountersignClient | undefined;

  constructor(surroundings: Surroundings, options: GlobalOptions) {
    const { config, terminal, fetch = globalThis.fetch } = surroundings;
    this.terminal = terminal;
    this.fetch = fetch;
    this.json = options.json ?? false;
    this.#url = options.url ?? config.url;
    this.#credentialFile = options.credentialFile ?? config.credentialFile;
  }

  /** The client, with the credential from its file. */
  async client(): Promise<CountersignClient> {
    this.#client ??= await this.#connect();
    return this.#client;
  }

  /** Calls a route of the API. */
  readonly call: CountersignClient['call'] = async (...call) => {
    const client = await this.client();
    return client.call(...call);
  };

  /** Prints an answer: as it is for machines, as `text` for people. */
  show(answer: unknown, text: () => string): void {
    this.terminal.out(this.json ? JSON.stringify(answer, null, 2) : text());
  }

  /**
   * Whether the person in front agrees; anything but y or yes is no.
   *
   * @throws UsageError where there is nobody to ask and `yes` was not given.
   */
  async confirm(question: string, yes: boolean | undefined): Promise<boolean> {
    if (yes) return true;
    const { ask } = this.terminal;
    if (!ask || this.json)
      throw new UsageError('nobody is here to ask; pass --yes to go on without a question');
    return /^y(es)?$/i.test((await ask(`${question} [y/N] `)).trim());
  }

  async #connect(): Promise<CountersignClient> {
    const url = this.#url;
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new UsageError(
        `"${url}" is no http(s) address; give --url or COUNTERSIGN_URL one such as http://127.0.0.1:4020`,
      );
    const file = this.#credentialFile;
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new CommandError(
        'unauthenticated',
        `The credential cannot be read from ${file} (${codeOf(cause)}); name its file with --credential-file`,
      );
    });
    const credential = text.trim();
    if (credential === '') throw new UsageError(`the credential file ${file} is empty`);
    try {
      return new CountersignClient({ baseUrl: url, credential, fetch: this.fetch });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new UsageError(`${file} holds no credential: ${why}`);
    }
  }
}

interface GlobalOptions {
  readonly url?: string;
  readonly credentialFile?: string;
  readonly json?: boolean;
}

/** Opens the session of a command from its options and those of the commands above it. */
export type Open = (command: Command) => Session;

/** Makes {@link Open} for these surroundings. */
export function openIn(surroundings: Surroundings): Open {
  return (command) => new Session(surroundings, command.optsWithGlobals<GlobalOptions>());
}
