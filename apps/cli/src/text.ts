import { findAsset } from '@countersign/contracts';
import { escaped, quoted as quotedUpTo, toDecimal } from '@countersign/kernel';
import type { Style, Terminal } from './terminal.ts';

const QUOTED_MAX = 500;

/** Text that somebody else wrote, as a terminal may show it. */
export const visible = escaped;

/** {@link visible} text of several lines: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(/[^\n\t]+/g, visible);
}

/** The words of an agent or seller, as a terminal may show them. */
export function quoted(text: string): string {
  return quotedUpTo(text, QUOTED_MAX);
}

/** An amount with its symbol, from our own asset table; atomic units of the contract where we do not know it. */
export function money(it: { network: string; asset: string; amount: string }): string {
  const asset = findAsset(it.network, it.asset);
  return asset
    ? `${toDecimal(BigInt(it.amount), asset.decimals)} ${asset.symbol}`
    : `${it.amount} atomic units of the unknown token ${visible(it.asset)}`;
}

/** Why the system refused, such as `ENOENT`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** A point in time, in UTC: `2026-11-20 14:03:05 UTC`. */
export function instant(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A span in the two largest units that say something: `3 min 20 s`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** One column of a {@link table}. */
export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
  /** Numbers stand on the right. */
  readonly right?: boolean;
  readonly style?: (row: Row) => Style | undefined;
}

/** Rows under their titles, aligned; `none` where there is no row. All cells are made {@link visible}. */
export function table<Row>(
  terminal: Pick<Terminal, 'paint'>,
  rows: readonly Row[],
  options: { readonly columns: readonly Column<Row>[]; readonly none: string },
): string {
  const { columns, none } = options;
  if (rows.length === 0) return none;
  const cells = rows.map((row) => columns.map((column) => visible(column.of(row))));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => [...(line[index] ?? '')].length)),
  );
  const padded = (text: string, index: number) => {
    const gap = ' '.repeat(Math.max(0, (widths[index] ?? 0) - [...text].length));
    if (columns[index]?.right) return gap + text;
    return index === columns.length - 1 ? text : text + gap;
  };
  const head = columns.map(({ title }, index) => padded(title, index)).join('  ');
  const lines = rows.map((row, at) =>
    columns
      .map((column, index) => {
        const text = padded(cells[at]?.[index] ?? '', index);
        const style = column.style?.(row);
        return style ? terminal.paint(style, text) : text;
      })
      .join('  '),
  );
  return [terminal.paint('dim', head), ...lines].join('\n');
}

/** Names and values under each other; lines of a value stand under its first. */
export function facts(
  terminal: Pick<Terminal, 'paint'>,
  pairs: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const shown = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([name]) => [...visible(name)].length));
  return shown
    .map(([name, value = '']) => {
      const label = visible(name);
      const gap = ' '.repeat(width - [...label].length + 2);
      return (
        terminal.paint('dim', label) + gap + value.replaceAll('\n', `\n${' '.repeat(width + 2)}`)
      );
    })
    .join('\n');
}
