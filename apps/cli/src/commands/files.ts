import { readFile, writeFile } from 'node:fs/promises';
import { CommandError, type Session, UsageError } from '../session.ts';

/** The text of a file the person named. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`${file} cannot be read (${codeOf(cause)})`);
  }
}

/** Shows a credential that exists nowhere else, or puts it into a new file that only its owner can read. */
export async function handOver(
  session: Session,
  answer: { readonly credential: string; readonly position: string },
  options: { readonly whose: string; readonly save?: string | undefined },
): Promise<void> {
  const { whose, save } = options;
  if (save === undefined) {
    session.show(answer, () =>
      [`The credential of ${whose}, shown this once:`, '', answer.credential].join('\n'),
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
    () => `The credential of ${whose} is in ${save}`,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
