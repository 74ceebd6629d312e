import type { SQLOutputValue } from 'node:sqlite';

export type Row = Record<string, SQLOutputValue> | undefined;

/**
 * Reads one column of a row and insists on its type. A mismatch means that the file is not what this program wrote,
 * which is fatal to the store.
 */
export function textOf(row: Row, column: string): string {
  const value = row?.[column];
  if (typeof value !== 'string') throw new TypeError(`${column} holds no text`);
  return value;
}

export function numberOf(row: Row, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw new TypeError(`${column} holds no number`);
  return value;
}

/** For statements that read integers as bigint. */
export function bigOf(row: Row, column: string): bigint {
  const value = row?.[column];
  if (typeof value !== 'bigint') throw new TypeError(`${column} holds no integer`);
  return value;
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row?.[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`${column} holds no bytes`);
  return value;
}

export function bytesOrNullOf(row: Row, column: string): Uint8Array | null {
  return row?.[column] === null ? null : bytesOf(row, column);
}
