import { type Command, Option } from 'commander';
import { UsageError } from '../session.ts';
import { readText } from './files.ts';

/** How a request is described on the command line. */
export interface RequestOptions {
  readonly method?: string;
  readonly data?: string;
  readonly header?: readonly string[];
}

/** Adds `--method`, `--data` and `--header`. */
export function addRequestOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-X, --method <method>', 'GET, or POST where there is data').choices([
        'GET',
        'POST',
        'PUT',
        'PATCH',
        'DELETE',
      ]),
    )
    .option('-d, --data <text>', 'the body, or @file to take it from there')
    .option('-H, --header <line>', 'a header as "name: value"; may be repeated', collect, []);
}

/**
 * The request that is meant.
 *
 * @throws UsageError for what is no request.
 */
export async function requestOf(url: string, options: RequestOptions): Promise<Request> {
  const { data, header = [] } = options;
  const body = data?.startsWith('@') ? await readText(data.slice(1)) : data;
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  try {
    const headers = header.map((line): [string, string] => {
      const [, name = '', value = ''] = /^([^:]+):(.*)$/s.exec(line) ?? [];
      return [name.trim(), value.trim()];
    });
    return new Request(url, { method, headers, ...(body !== undefined && { body }) });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function collect(line: string, before: readonly string[]): readonly string[] {
  return [...before, line];
}
