import { createPublicKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
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

/** Shows a credential that exists nowhere else, or puts it into a new file that only its owner can read. */
export async function handOver(
  session: Session,
  answer: AnswerOf<'replaceAgentCredential'> & Pick<AnswerOf<'addAgent'>, 'scheduled'>,
  options: { readonly whose: string; readonly save?: string | undefined },
): Promise<void> {
  const { whose, save } = options;
  if (save === undefined) {
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
  try {
    await writeFile(save, `${answer.credential}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    // It must not be lost: the server keeps only its digest.
    session.terminal.err(`The credential of ${whose}, shown this once: ${answer.credential}`);
    throw new CommandError('not_saved', `${save} cannot be written (${codeOf(cause)})`);
  }
  session.show(
    { position: answer.position, saved: save },
    () =>
      `The credential of ${whose} is in ${save}${answer.scheduled ? `\n${unlessWaiting(answer.scheduled, '')}` : ''}`,
  );
}
