import type { TraceLine } from '@countersign/contracts';

/** Lines listed of one kind of rule. What lies beyond is counted: the record of a decision stays small. */
export const LINES_MAX = 100;

const WHY_MAX = 500;
const SHOWN_MAX = 80;
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * A foreign value as it may stand in a trace: printable ASCII, at most 80 characters. A lone surrogate would leave the
 * verdict without canonical form, and a bidi mark could make a person read another value than was compared.
 */
export function show(value: string): string {
  const head = value.slice(0, SHOWN_MAX);
  const plain = PLAIN.test(head) ? head : head.replace(/[^\x20-\x7e]/g, escaped);
  const cut = value.length > SHOWN_MAX || plain.length > SHOWN_MAX;
  return cut ? `${plain.slice(0, SHOWN_MAX)}…` : plain;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Values of a rule as words: all of them while they are few, otherwise how many. */
export function listed(values: readonly string[]): string {
  if (values.length === 1) return show(values[0] ?? '');
  return values.length <= 3
    ? `one of ${values.map(show).join(', ')}`
    : `one of the ${values.length} listed`;
}

/** A line of the trace within the limits of its schema. */
export function line(rule: string, met: boolean, why: string): TraceLine {
  return { rule, met, why: why.length > WHY_MAX ? `${why.slice(0, WHY_MAX - 1)}…` : why };
}

/** Adds one line for all rules of a kind that are not listed: left out by the index, or for length. */
export function summarize(
  trace: TraceLine[],
  kind: string,
  { excluded, unlisted }: { readonly excluded: number; readonly unlisted: number },
): void {
  if (excluded === 0 && unlisted === 0) return;
  const parts: string[] = [];
  if (excluded > 0)
    parts.push(`${excluded} ${kind} name other values than this payment has, so none is met`);
  if (unlisted > 0) parts.push(`${unlisted} more ${kind} were checked and are not listed`);
  trace.push(line(kind, false, parts.join('; ')));
}
