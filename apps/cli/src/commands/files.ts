import { createPublicKey } from 'node:crypto';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AnswerOf } from '@countersign/sdk';
import { parse } from 'yaml';
import { unlessWaiting } from './changes.ts';
import { CommandError, type Session, UsageError } from '../session.ts';
import { codeOf, visible } from '../text.ts';

/** The text of a file the person named. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`${file} cannot be read (${codeOf(cause)})`);
  }
}

/** What a YAML or JSON file that the person named says. */
export async function readYaml(file: string): Promise<unknown> {
  try {
    return parse(await readText(file), { maxAliasCount: 0 }) as unknown;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new UsageError(`${file} is neither YAML nor JSON: ${visible(why)}`);
  }
}

/** The 32 bytes of a public key in a PEM file, as base64url. */
export async function publicKeyIn(file: string, type: 'ed25519' | 'x25519'): Promise<string> {
  const text = await readText(file);
  // Taken for a public key, a private one would be accepted, and somebody meant to send it.
  if (text.includes('PRIVATE KEY')) throw new UsageError(`${file} holds a private key`);
  try {
    const key = createPublicKey(text);
    const { x } = key.export({ format: 'jwk' });
    if (key.asymmetricKeyType === type && x !== undefined) return x;
  } catch (cause) {
    throw new UsageError(`${file} holds no public key in PEM (${codeOf(cause)})`);
  }
  throw new UsageError(`${file} holds no ${type} key`);
}

/**
 * Makes something and puts it into a new file that only its owner can read. The file comes first: what it is to hold may
 * be told once, or end something else.
 *
 * @param lost is given what was made where it cannot be written after all.
 * @throws UsageError where there can be no such file; nothing was made then.
 */
export async function intoNewFile<Made>(
  file: string,
  steps: {
    readonly make: () => Promise<Made>;
    readonly textOf: (made: Made) => string;
    readonly lost?: (made: Made) => void;
  },
): Promise<Made> {
  const handle = await newFile(file);
  try {
    const made = await steps.make().catch(async (error: unknown) => {
      await rm(file, { force: true });
      throw error;
    });
    await handle.writeFile(steps.textOf(made)).catch((cause: unknown) => {
      steps.lost?.(made);
      throw new CommandError('not_saved', `${file} cannot be written (${codeOf(cause)})`);
    });
    return made;
  } finally {
    await handle.close();
  }
}

async function newFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'EEXIST') throw new UsageError(`${file} exists already; name a new file`);
    if (code === 'ENOENT') throw new UsageError(`the folder ${dirname(file)} does not exist`);
    throw new UsageError(`${file} cannot be written (${code})`);
  }
}

type Credential = AnswerOf<'replaceAgentCredential'> & Pick<AnswerOf<'addAgent'>, 'scheduled'>;

/** Shows a credential that exists nowhere else, or puts it into a new file. */
export async function handOver(
  session: Session,
  options: {
    readonly whose: string;
    readonly save?: string | undefined;
    readonly make: () => Promise<Credential>;
  },
): Promise<void> {
  const { whose, save, make } = options;
  if (save === undefined) {
    const answer = await make();
    session.show(answer, () =>
      [
        `The credential of ${whose}, shown this once:`,
        '',
        answer.credential,
        ...(answer.scheduled ? ['', unlessWaiting(answer.scheduled, '')] : []),
      ].join('\n'),
    );
    return;
  }
  const answer = await intoNewFile(save, {
    make,
    textOf: ({ credential }) => `${credential}\n`,
    // It must not be lost: the server keeps only its digest.
    lost: ({ credential }) =>
      session.terminal.err(`The credential of ${whose}, shown this once: ${credential}`),
  });
  session.show(
    { position: answer.position, saved: save },
    () =>
      `The credential of ${whose} is in ${save}${answer.scheduled ? `\n${unlessWaiting(answer.scheduled, '')}` : ''}`,
  );
}
