import { readFile } from 'node:fs/promises';
import type { Terminal } from '../terminal.ts';
import { visible } from '../text.ts';

/**
 * The event store's tables on a server, for recorders whose own user may not make them.
 *
 * @param urlFile holds the server's URL, with a user who may.
 */
export async function setUpClickHouse(
  urlFile: string,
  { apply }: { readonly apply?: true },
  terminal: Terminal,
): Promise<void> {
  const { applyTables, planTables } = await import('@countersign/adapter-clickhouse');
  const url = (await readFile(urlFile, 'utf8')).trim();
  const names = await (apply ? applyTables(url) : planTables(url));
  for (const name of names) terminal.out(`clickhouse ${visible(name)}`);
  if (names.length === 0) terminal.out('ClickHouse is as it should be.');
}
